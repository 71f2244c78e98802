"""How a trial begins in an agent: from its seed, or from the newest checkpoint that can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caviar import trainers
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.checkpoint_content import EpochState, unpacked
from caviar.exchange.checkpoint_downloads import newest_usable
from caviar.exchange.wire import Resume
from caviar.transport import Transport
from caviar.trial_settings import trial_settings


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

    def open(self, resume: Resume | None) -> OpenedRun:
        """Return a run, from a checkpoint or else the seed.

        Raises whatever the trainer raises when the settings cannot be trained with.
        """
        assignment = self._assignment
        found = newest_usable(assignment, resume, self._transport, self._restored)
        if found is not None:
            (run, best), saved = found
            return OpenedRun(run, saved.position, best)
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

    def _restored(self, content: bytes) -> tuple[Any, EpochState | None]:
        """Return the run of a checkpoint, and the best epoch. Raises ValueError for damaged content."""
        state, best = unpacked(content)
        if best is None and self._assignment.how == "best":
            raise ValueError("it does not hold the best epoch")
        return self._trainer.restore(state, self._data), best
