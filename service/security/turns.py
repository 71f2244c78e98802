"""Connections take turns at parsing: those that send at full speed, however many, keep nobody waiting."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

TURN_SECONDS = 0.005  # for all who wait, before whatever else is ready
STARTS = 8  # requests that begin before whatever else is ready


class Waiting(Protocol):
    """Who has more to parse than it may at once."""

    def go_on(self) -> None:
        """Parse a little, and wait for another turn if there is more."""


class Turns:
    """A queue in which everybody stands once."""

    def __init__(self) -> None:
        self._queue: dict[Waiting, None] = {}
        self._coming = False

    def wait(self, one: Waiting) -> None:
        """Let it go on in its turn, soon."""
        self._queue[one] = None
        self._come()

    def _come(self) -> None:
        if not self._coming:
            self._coming = True
            asyncio.get_running_loop().call_soon(self._take)

    def _take(self) -> None:
        self._coming = False
        until = time.monotonic() + TURN_SECONDS
        while self._queue and time.monotonic() < until:
            one = next(iter(self._queue))
            del self._queue[one]
            one.go_on()
        if self._queue:
            self._come()


class Starts:
    """Lets requests begin in the order of coming, a few at a time: each takes a moment, and many may come."""

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()
        self._left = STARTS

    def begin(self, start: Callable[[], None]) -> None:
        """Begin a request now or soon."""
        if self._left == STARTS:
            asyncio.get_running_loop().call_soon(self._renew)
        if self._left:
            self._left -= 1
            start()
        else:
            self._queue.append(start)

    def _renew(self) -> None:
        self._left = STARTS
        while self._queue and self._left:
            self._left -= 1
            self._queue.popleft()()
        if self._left < STARTS:
            asyncio.get_running_loop().call_soon(self._renew)
