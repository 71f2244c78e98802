"""The limits of a trial in the hands of a script: it fails at them; nobody can end the script itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from caviar.errors import TrialLimitError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.result import limit_broken
from caviar.exchange.training_note import TrainingNote
from caviar.exchange.wire import Result

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2


class ScriptLimits:
    """Watches over the limits of time of one trial; a thread does, for the script may be in an epoch."""

    def __init__(
        self, assignment: AssignedTrial, note: TrainingNote, finish: Callable[[Result], Any]
    ) -> None:
        """`finish` ends the trial with a result, if nothing has ended it."""
        self._trial = assignment.trial
        self._note, self._finish = note, finish
        self._over = assignment.limits is None
        self._lock = threading.Lock()
        self.within = False  # a `with` statement, which takes the exception of a broken limit
        self.broken: str | None = None
        if not self._over:
            threading.Thread(target=self._work, name="limits", daemon=True).start()

    def end(self) -> None:
        """Watch no more: the trial has ended."""
        self._over = True

    def check(self) -> str | None:
        """Fail the trial if it is beyond a limit; return which one it has broken."""
        with self._lock:
            broken = None if self._over else self._note.overdue()
            if broken is not None:
                self._over, self.broken = True, broken
                logger.warning("trial %s has failed: %s; go on with the next one", self._trial, broken)
                self._finish(limit_broken(broken))
        return self.broken

    def may_report(self) -> bool:
        """Note an epoch; return False where the trial has failed by a limit.

        Raises TrialLimitError in a `with` statement, which ends there.
        """
        broken = self.check()
        if broken is None:
            self._note.epoch_ended()
        elif self.within:
            raise TrialLimitError(f"trial {self._trial} has failed: {broken}")
        return broken is None

    def takes(self, error: BaseException | None) -> bool:
        """Return whether an exception only ends the training of a trial that has broken a limit."""
        return isinstance(error, TrialLimitError) and self.broken is not None

    def _work(self) -> None:
        while not self._over and (due := self._note.deadline) is not None:
            time.sleep(min(LOOK_SECONDS, max(0.0, due[0] - time.monotonic())))
            self.check()
