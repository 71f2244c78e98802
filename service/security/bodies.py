"""Bodies are counted as they stream in: a length that lies, or none at all, changes nothing."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from starlette.types import Message, Receive

from caviar.service.config import Limits

_UPLOAD = re.compile(r"/api/v1/datasets/?")
_YAML = re.compile(r"/api/v1/searches/parse")
_CHECKPOINT = re.compile(r"/api/v1/trials/[^/]+/checkpoints")


def cap(limits: Limits, method: str, path: str) -> int:
    """Give the most bytes a body of this route may hold."""
    if method == "POST" and _UPLOAD.fullmatch(path):
        return limits.upload
    if method == "PUT" and _CHECKPOINT.fullmatch(path):
        return limits.checkpoint
    return limits.body


def takes_json(method: str, path: str) -> bool:
    """Tell whether a body of this route is JSON."""
    other = _UPLOAD.fullmatch(path) or _CHECKPOINT.fullmatch(path) or _YAML.fullmatch(path)
    return method in ("POST", "PUT", "PATCH") and path.startswith("/api/") and not other


class CountedBody:
    """A receive that ends the request once the body is too large or stops coming.

    The application then sees a client that went away; `fault` tells the guard what to answer in its place.
    """

    def __init__(self, receive: Receive, largest: int, seconds: float) -> None:
        self._receive = receive
        self._largest = largest
        self._seconds = seconds
        self._count = 0
        self._complete = False
        self.fault: int | None = None

    async def drain(self, seconds: float) -> None:
        """Read on for a moment without keeping anything: who is still sending does not read an answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._complete:
                    message = await self._receive()
                    self._complete = not message.get("more_body", False)

    async def __call__(self) -> Message:
        """Receive the next piece."""
        if self.fault is not None:
            return {"type": "http.disconnect"}
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            self.fault = 408
            return {"type": "http.disconnect"}
        if message["type"] == "http.request":
            self._count += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._count > self._largest:
                self.fault = 413
                return {"type": "http.disconnect"}
        return message
