"""What ends a script in the middle of a trial: Ctrl-C, SIGTERM, an exception, or a way out of its loop."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

SETTLE_SECONDS = 1.0  # for an exception to come out at the top of the script, from where its loop was left
_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
}


class Signals:
    """While a loop goes on, Ctrl-C and SIGTERM end it by an exception: then its trial can be handed back.

    A script with handlers of its own keeps them, as one does that asks in another thread than the main one.
    """

    _come = False  # once for the process: loops within one another see the same signal

    def __enter__(self) -> Self:
        self._ours: list[signal.Signals] = []
        if threading.current_thread() is threading.main_thread():
            self._ours = [number for number, usual in _DEFAULTS.items() if signal.getsignal(number) is usual]
        for number in self._ours:
            signal.signal(number, self._take)
        if self._ours:
            Signals._come = False
        return self

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in self._ours:
                signal.signal(number, _DEFAULTS[number])

    @property
    def come(self) -> bool:
        """Return whether one has come."""
        return Signals._come

    @staticmethod
    def _take(number: int, _frame: FrameType | None) -> None:
        Signals._come = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)


class Departure:
    """The end of a trial whose loop was left, put off until it shows why.

    A loop that is left cannot see whether by `break` or by an exception: that shows when the exception ends
    the script, or a cell of a notebook, a moment later.
    """

    def __init__(self, end: Callable[[BaseException | None], object], close: Callable[[], object]) -> None:
        """`end` is told the exception, None where none has come out; `close` is called after it."""
        self._end = end
        self._close = close
        self._before = _last_exception()
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._settled = False
        _pending.append(self)
        self._timer = threading.Timer(SETTLE_SECONDS, self.settle)
        self._timer.daemon = True
        self._timer.start()

    def settle(self) -> None:
        """End the trial, once; in a forked process it is not ours to end."""
        if os.getpid() != self._process:
            return
        with self._lock:
            if self._settled:
                return
            self._settled = True
            self._timer.cancel()
            found = _last_exception()
            self._end(None if found is self._before else found)
            self._close()
            _pending.remove(self)


_pending: list[Departure] = []


@atexit.register
def settle_departures() -> None:
    """End the trials of loops that were left, now."""
    for departure in list(_pending):
        departure.settle()


def _last_exception() -> BaseException | None:
    """Return the exception that was the last to come out at the top; Python keeps it, notebooks do too."""
    found: Any = getattr(sys, "last_value", None)
    return found if isinstance(found, BaseException) else None
