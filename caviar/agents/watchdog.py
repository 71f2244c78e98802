"""A trainer that does not come back: its agent ends and is replaced, else its place would be lost."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.exchange import Exchange

logger = logging.getLogger(__name__)

GRACE_SECONDS = max(1.0, float(os.environ.get("CAVIAR_GRACE_SECONDS") or 30.0))
LOOKS = 30  # within the grace
STUCK = 75  # exit code; it is that of sysexits for "try again"


class Watchdog:
    """Ends the process when a trainer still has a trial for `grace` seconds after nobody wants it any more.

    No thread can be ended from outside, and the exchange goes on without the training: to the server such an
    agent looks well. A trial that somebody wants is waited for, however long a slice of it takes.
    Time is counted in looks, so that a process which stood still is not taken for a trainer that does.
    """

    def __init__(
        self,
        exchange: Exchange,
        leave: Callable[[], None],
        *,
        grace: float = GRACE_SECONDS,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        """`leave` hands back what else is held, in bounded time; `end` ends the process with an exit code."""
        self._exchange = exchange
        self._leave = leave
        self._grace = grace
        self._end = end
        self._stopped = threading.Event()
        self._watched: tuple[AssignedTrial, int] | None = None  # with the thread that trains it
        self._late: tuple[AssignedTrial | None, int] = (
            None,
            0,
        )  # with the looks in a row at which it was unwanted

    def start(self) -> None:
        """Watch from now on."""
        threading.Thread(target=self._exchange.guard, args=(self._work,), name="watch", daemon=True).start()

    def stop(self) -> None:
        """Watch no more: the training thread is back for good."""
        self._stopped.set()

    @contextmanager
    def over(self, assignment: AssignedTrial) -> Iterator[None]:
        """Watch over the training of a trial in this thread."""
        self._watched = assignment, threading.get_ident()
        try:
            yield
        finally:
            self._watched = None

    def look(self) -> None:
        """Look once; the first look that finds a trial unwanted, and LOOKS more in a row, end the process."""
        watched = self._watched
        why = None if watched is None else self._unwanted(watched[0])
        if watched is None or why is None:
            self._late = None, 0
            return
        assignment, thread = watched
        late, looks = self._late
        self._late = assignment, looks + 1 if assignment is late else 1
        if self._late[1] > LOOKS:
            self._give_up(assignment, thread, why)

    def _work(self) -> None:
        while not self._stopped.wait(self._grace / LOOKS):
            self.look()

    def _unwanted(self, assignment: AssignedTrial) -> str | None:
        """Return why the trial in hand is to be let go of, None while it is not."""
        if self._exchange.failure is not None:
            return f"the agent cannot go on: {self._exchange.failure}"
        return self._exchange.dropped(assignment.key)

    def _give_up(self, assignment: AssignedTrial, thread: int, why: str) -> None:
        """Say what happened, hand back what can be, and end."""
        logger.error(
            "trial %s is to be let go of (%s), but its trainer %s has not come back for %.0f s, from %s: "
            "this agent ends and makes room for another one. advance() should return within about 0.05 s",
            assignment.trial,
            why,
            assignment.search.trainer,
            self._grace,
            _place(thread),
            extra={"trial": assignment.trial, "attempt": assignment.attempt},
        )
        try:
            self._leave()
        finally:
            self._end(STUCK)


def _place(thread: int) -> str:
    """Name the calls that a thread is in, below those of the agent."""
    stack = traceback.extract_stack(sys._current_frames().get(thread))
    own = [place for place, call in enumerate(stack) if Path(call.filename).parent == Path(__file__).parent]
    calls = stack[max(own, default=-1) + 1 :] or stack[-1:]
    return " > ".join(f"{call.name} ({Path(call.filename).name}:{call.lineno})" for call in calls)
