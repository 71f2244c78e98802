"""The limits of the trial in training: it fails at them, also where its trainer never comes back.

Between two slices the training thread asks for itself. One that hangs, in loading, training or saving, cannot
be ended from outside: then the agent says that the trial has failed, hands back what else it holds, and ends;
its supervisor starts another one. A supervisor does the same for an agent whose interpreter is held.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from caviar.errors import TrialLimitError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.exchange import Exchange
from caviar.exchange.limit_reasons import in_bytes, too_large
from caviar.exchange.result import limit_broken
from caviar.exchange.training_note import TrainingNote

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
COME_BACK_SECONDS = 0.3  # for the training thread to see by itself that a limit of time is broken
SAVE_SECONDS = 20.0  # for a trial that goes on in a new process to be saved and handed back
BROKEN, RENEWED = 76, 77  # exit codes of an agent that ends itself: for a trial that hangs, for its memory


class LimitWatch:
    """Watches over the trial in training, from a thread of its own."""

    def __init__(
        self,
        exchange: Exchange,
        note: TrainingNote,
        leave: Callable[[], None],
        stop: Callable[[], None],
        end: Callable[[int], object] = os._exit,
    ) -> None:
        """`leave` hands back what is held, `stop` ends the work in good order, `end` ends the process."""
        self._exchange, self._note = exchange, note
        self._leave, self._stop, self._end = leave, stop, end
        self._stopped = threading.Event()
        self._watched: AssignedTrial | None = None
        self._trained = 0  # trials before this one, in this process
        self._broken: str | None = None  # the limit of memory, for the training thread to see
        self.renew_at: float | None = None  # the process is to be replaced, since then

    def start(self) -> None:
        """Watch from now on."""
        work: Callable[[], None] = lambda: self._exchange.guard(self._work)  # noqa: E731
        threading.Thread(target=work, name="limits", daemon=True).start()

    def close(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def begin(self, assignment: AssignedTrial) -> None:
        """Watch over a trial that the exchange has just given."""
        self._broken = None
        self._watched = assignment

    def done(self) -> None:
        """Note that the training thread has come back."""
        self._watched = None
        self._trained += 1

    def check(self) -> None:
        """Raise TrialLimitError where the trial in training has broken a limit; asked between two slices."""
        broken = self._broken or self._note.overdue()
        if broken is not None:
            raise TrialLimitError(broken)

    def _work(self) -> None:
        late: tuple[AssignedTrial | None, float] = None, 0.0
        while not self._stopped.wait(LOOK_SECONDS):
            watched = self._watched
            if watched is None or watched.limits is None:
                continue
            if watched.limits.memory is not None:
                self._look_at_memory(watched, watched.limits.memory)
            broken = self._broken or self._note.overdue()
            if broken is None:
                late = None, 0.0
            elif late[0] is not watched:
                late = watched, time.monotonic()
            elif time.monotonic() - late[1] > COME_BACK_SECONDS and self._watched is watched:
                self._give_up(watched, broken)

    def _look_at_memory(self, watched: AssignedTrial, limit: int) -> None:
        """Fail a trial that takes too much, if the process has trained nothing else; else renew the process.

        What earlier trials have left in memory is not this one's: in a new process it is measured alone.
        """
        size = resident()
        if size is None or size <= limit or self._broken is not None:
            return
        if not self._trained:
            self._broken = too_large(size, limit)
        elif self.renew_at is None:
            self.renew_at = time.monotonic()
            logger.warning(
                "this process holds %s, more than a trial may, and has trained %d others: trial %s goes on "
                "in a new one",
                in_bytes(size),
                self._trained,
                watched.trial,
            )
            self._stop()
        elif time.monotonic() - self.renew_at > SAVE_SECONDS:
            self._depart(watched, RENEWED)

    def _give_up(self, watched: AssignedTrial, broken: str) -> None:
        logger.error(
            "trial %s failed: %s. Its trainer %s did not come back, so this agent ends and makes room for "
            "another one",
            watched.trial,
            broken,
            watched.search.trainer,
            extra={"trial": watched.trial, "attempt": watched.attempt},
        )
        result = limit_broken(broken)
        self._exchange.report_last(watched.key, lambda outbox: outbox.result(watched.key, 0, result, None))
        self._depart(watched, BROKEN)

    def _depart(self, watched: AssignedTrial, code: int) -> None:
        self._note.end()  # the supervisor need not do it
        try:
            self._leave()
        finally:
            self._end(code)


def resident() -> int | None:
    """Return the bytes of memory that this process holds; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
