"""How a trial begins in an agent: from its seed, or from the newest checkpoint that can be trusted."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from caviar.errors import CaviarError
from caviar.exchange.assignment import Assignment
from caviar.transport import Transport
from service.mapping import trial_settings

logger = logging.getLogger(__name__)


def open_run(assignment: Assignment, trainer: Any, data: Any, transport: Transport) -> Any:
    """Give the run of a trial, restored if there is something to restore.

    Raises whatever the trainer raises when the settings cannot be trained with.
    """
    for resume in _candidates(assignment.resume):
        try:
            return trainer.restore(_fetch(resume, transport), data)
        except (CaviarError, ValueError, KeyError) as error:
            logger.warning(
                "checkpoint %s cannot be used, going further back: %s",
                resume.get("checkpoint"),
                error,
                extra={"trial": assignment.trial, "attempt": assignment.attempt},
            )
    settings = trial_settings(
        assignment.search["settings"], assignment.params, assignment.epochs, assignment.seed
    )
    return trainer.start(settings, data, assignment.seed)


def _candidates(resume: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The newest checkpoint first, then the older ones the server names."""
    return [resume, *resume.get("older", ())] if resume else []


def _fetch(resume: Mapping[str, Any], transport: Transport) -> bytes:
    content = transport.request("GET", f"/checkpoints/{resume['checkpoint']}", timeout=300.0).content
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if digest != resume["digest"]:
        raise CaviarError(f"its digest is {digest}, not {resume['digest']}")
    return content
