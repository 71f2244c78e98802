"""How a trial begins in an agent: from its seed, or from the newest checkpoint that can be trusted."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import Any

from caviar import trainers
from caviar.errors import CaviarError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.checkpoint_content import EpochState, unpacked
from caviar.exchange.wire import OlderCheckpoint, Resume
from caviar.transport import Transport
from caviar.trial_settings import trial_settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenedRun:
    """A run, how many logged changes it contains, and its best epoch so far, where that is kept."""

    run: Any
    position: int = 0
    best: EpochState | None = None


class RunFactory:
    """Makes the runs of one trial: from its beginning, and from its checkpoints."""

    def __init__(self, assignment: AssignedTrial, trainer: Any, data: Any, transport: Transport) -> None:
        self._assignment = assignment
        self._trainer = trainer
        self._data = data
        self._transport = transport
        self._keeps_best = assignment.how == "best"

    def open(self, resume: Resume | None) -> OpenedRun:
        """Return a run, from a checkpoint or else the seed.

        Raises whatever the trainer raises when the settings cannot be trained with.
        """
        assignment = self._assignment
        for candidate in _candidates(resume):
            try:
                state, best = unpacked(_fetch(candidate, self._transport))
                if self._keeps_best and best is None:
                    raise ValueError("it does not hold the best epoch")
                run = self._trainer.restore(state, self._data)
            except (CaviarError, ValueError, KeyError) as error:
                logger.warning(
                    "checkpoint %s cannot be used, going further back: %s",
                    candidate.checkpoint,
                    error,
                    extra={"trial": assignment.trial, "attempt": assignment.attempt},
                )
            else:
                return OpenedRun(run, candidate.position, best)
        search = assignment.search
        measuring = trainers.settings_for(search.trainer, search.metrics)
        settings = trial_settings(
            search.settings, assignment.params, assignment.epochs, assignment.seed, measuring
        )
        return OpenedRun(self._trainer.start(settings, self._data, assignment.seed))

    def at_epoch(self, best: EpochState) -> Any:
        """Return a run as it was at the end of an epoch; it describes the weights of that epoch."""
        run = self._trainer.restore(best.state, self._data)
        if hasattr(run, "describe_last"):
            run.describe_last()
        return run


def _candidates(resume: Resume | None) -> list[Resume | OlderCheckpoint]:
    """Return the newest checkpoint first, then the older ones the server names."""
    return [] if resume is None else [resume, *resume.older]


def _fetch(saved: Resume | OlderCheckpoint, transport: Transport) -> bytes:
    content = transport.request("GET", f"/checkpoints/{saved.checkpoint}", timeout=300.0).content
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if digest != saved.digest:
        raise CaviarError(f"its digest is {digest}, not {saved.digest}")
    return content
