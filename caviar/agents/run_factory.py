"""How a trial begins in an agent: from its seed, or from the newest checkpoint that can be trusted."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from caviar import trainers
from caviar.errors import CaviarError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.wire import OlderCheckpoint, Resume
from caviar.transport import Transport
from caviar.trial_settings import trial_settings

logger = logging.getLogger(__name__)


class RunFactory:
    """Makes the runs of one trial: from its beginning, and from its checkpoints."""

    def __init__(self, assignment: AssignedTrial, trainer: Any, data: Any, transport: Transport) -> None:
        self._assignment = assignment
        self._trainer = trainer
        self._data = data
        self._transport = transport

    def open(self, resume: Resume | None) -> tuple[Any, int]:
        """Return a run, from a checkpoint or else the seed, and how many logged changes it contains.

        Raises whatever the trainer raises when the settings cannot be trained with.
        """
        assignment = self._assignment
        for candidate in _candidates(resume):
            try:
                run = self._trainer.restore(_fetch(candidate, self._transport), self._data)
            except (CaviarError, ValueError, KeyError) as error:
                logger.warning(
                    "checkpoint %s cannot be used, going further back: %s",
                    candidate.checkpoint,
                    error,
                    extra={"trial": assignment.trial, "attempt": assignment.attempt},
                )
            else:
                return run, candidate.position
        search = assignment.search
        measuring = trainers.settings_for(search.trainer, search.metrics)
        settings = trial_settings(
            search.settings, assignment.params, assignment.epochs, assignment.seed, measuring
        )
        return self._trainer.start(settings, self._data, assignment.seed), 0


def _candidates(resume: Resume | None) -> list[Resume | OlderCheckpoint]:
    """Return the newest checkpoint first, then the older ones the server names."""
    return [] if resume is None else [resume, *resume.older]


def _fetch(saved: Resume | OlderCheckpoint, transport: Transport) -> bytes:
    content = transport.request("GET", f"/checkpoints/{saved.checkpoint}", timeout=300.0).content
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if digest != saved.digest:
        raise CaviarError(f"its digest is {digest}, not {saved.digest}")
    return content
