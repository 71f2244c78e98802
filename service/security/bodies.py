"""Bodies are counted as they stream in: a length that lies, or none at all, changes nothing."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress

from starlette.types import Message, Receive

from caviar.service.config import Limits

_UPLOAD = re.compile(r"/api/v1/datasets/?")
_YAML = re.compile(r"/api/v1/searches/parse")
_FILE_OF_TRIAL = re.compile(r"/api/v1/trials/[^/]+/(checkpoints|artifacts)")


def cap(limits: Limits, method: str, path: str) -> int:
    """Return the most bytes a body of this route may hold."""
    if method == "POST" and _UPLOAD.fullmatch(path):
        return limits.upload
    if method == "PUT" and _FILE_OF_TRIAL.fullmatch(path):
        return limits.checkpoint
    return limits.body


def takes_json(method: str, path: str) -> bool:
    """Return whether a body of this route is JSON."""
    other = _UPLOAD.fullmatch(path) or _FILE_OF_TRIAL.fullmatch(path) or _YAML.fullmatch(path)
    return method in ("POST", "PUT", "PATCH") and path.startswith("/api/") and not other


class CountedBody:
    """A receive that ends the request once the body is too large, or comes too slowly.

    Between two pieces it waits no longer than `seconds`, and in all no longer than these and what it took at
    `least` bytes a second. The application then sees a client that went away; `fault` tells the guard what to
    answer in its place.
    """

    def __init__(self, receive: Receive, largest: int, seconds: float, least: float) -> None:
        self._receive = receive
        self._largest = largest
        self._seconds = seconds
        self._least = least
        self._count = 0
        self._waited = 0.0  # for the client; not for a place, a disk or a lock
        self._since: float | None = None
        self._timeout: asyncio.Timeout | None = None
        self.complete = False
        self.fault: int | None = None

    @property
    def waited(self) -> float:
        """Seconds that the server has waited for pieces of it."""
        return self._waited + (0.0 if self._since is None else time.monotonic() - self._since)

    @property
    def rate(self) -> float:
        """Bytes a second, so far."""
        return self._count / max(self.waited, 1e-3)

    @property
    def awaited(self) -> bool:
        """Return whether there is more to come that somebody wants."""
        return not self.complete and self.fault is None

    def give_up(self) -> None:
        """End it now: others wait for its place."""
        if self.fault is None:
            self.fault = 408
            if self._timeout is not None:
                self._timeout.reschedule(asyncio.get_running_loop().time())

    async def drain(self, seconds: float) -> None:
        """Read on for a moment without keeping anything: who is still sending does not read an answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.complete:
                    message = await self._receive()
                    self.complete = not message.get("more_body", False)

    async def __call__(self) -> Message:
        """Receive the next piece."""
        if self.fault is not None:
            return {"type": "http.disconnect"}
        if self.complete:
            return await self._receive()
        try:
            message = await self._next()
        except TimeoutError:
            self.fault = 408
            return {"type": "http.disconnect"}
        if message["type"] == "http.request":
            self._count += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
            if self._count > self._largest:
                self.fault = 413
                return {"type": "http.disconnect"}
        return message

    async def _next(self) -> Message:
        """Receive a piece in time. Raises TimeoutError."""
        left = self._seconds + self._count / self._least - self._waited
        self._since = time.monotonic()
        try:
            async with asyncio.timeout(min(left, self._seconds)) as self._timeout:
                return await self._receive()
        finally:
            self._waited += time.monotonic() - self._since
            self._since = self._timeout = None
