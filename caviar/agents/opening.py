"""How a trial begins in an agent: from its seed, or from the newest checkpoint that can be trusted."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from caviar.errors import CaviarError
from caviar.exchange.assignment import Assignment
from caviar.transport import Transport
from caviar.trial_settings import trial_settings

logger = logging.getLogger(__name__)


class Opener:
    """Opens the states of one trial: its beginning, and those that checkpoints hold."""

    def __init__(self, assignment: Assignment, trainer: Any, data: Any, transport: Transport) -> None:
        self._assignment = assignment
        self._trainer = trainer
        self._data = data
        self._transport = transport

    def open(self, resume: Mapping[str, Any] | None) -> tuple[Any, int]:
        """Give a run, from a checkpoint or else the seed, and how many changes of the line it contains.

        Raises whatever the trainer raises when the settings cannot be trained with.
        """
        assignment = self._assignment
        for candidate in _candidates(resume):
            try:
                run = self._trainer.restore(_fetch(candidate, self._transport), self._data)
            except (CaviarError, ValueError, KeyError) as error:
                logger.warning(
                    "checkpoint %s cannot be used, going further back: %s",
                    candidate.get("checkpoint"),
                    error,
                    extra={"trial": assignment.trial, "attempt": assignment.attempt},
                )
            else:
                return run, int(candidate.get("position") or 0)
        settings = trial_settings(
            assignment.search["settings"], assignment.params, assignment.epochs, assignment.seed
        )
        return self._trainer.start(settings, self._data, assignment.seed), 0


def _candidates(resume: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The newest checkpoint first, then the older ones the server names."""
    return [resume, *resume.get("older", ())] if resume else []


def _fetch(resume: Mapping[str, Any], transport: Transport) -> bytes:
    content = transport.request("GET", f"/checkpoints/{resume['checkpoint']}", timeout=300.0).content
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if digest != resume["digest"]:
        raise CaviarError(f"its digest is {digest}, not {resume['digest']}")
    return content
