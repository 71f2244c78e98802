"""The newest checkpoint of a trial that can be trusted."""

import hashlib
import logging
from collections.abc import Callable
from typing import TypeVar

from caviar.errors import CaviarError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.wire import OlderCheckpoint, Resume
from caviar.transport import Transport

T = TypeVar("T")
logger = logging.getLogger(__name__)


def newest_usable(
    assignment: AssignedTrial,
    resume: Resume | None,
    transport: Transport,
    restore: Callable[[bytes], T],
) -> tuple[T, Resume | OlderCheckpoint] | None:
    """Return what the newest checkpoint restores to; one that is damaged or refused is passed over.

    `restore` raises ValueError or KeyError for a checkpoint that cannot be used.
    """
    candidates: list[Resume | OlderCheckpoint] = [] if resume is None else [resume, *resume.older]
    for candidate in candidates:
        try:
            return restore(_fetch(candidate, transport)), candidate
        except (CaviarError, ValueError, KeyError) as error:
            logger.warning(
                "checkpoint %s cannot be used, going further back: %s",
                candidate.checkpoint,
                error,
                extra={"trial": assignment.trial, "attempt": assignment.attempt},
            )
    return None


def _fetch(saved: Resume | OlderCheckpoint, transport: Transport) -> bytes:
    content = transport.request("GET", f"/checkpoints/{saved.checkpoint}", timeout=300.0).content
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if digest != saved.digest:
        raise CaviarError(f"its digest is {digest}, not {saved.digest}")
    return content
