"""Answers go out as fast as they are read, and who does not read is left.

Handed over at once, an answer of any size would lie in memory for as long as its reader likes, when the
request has long given its place back. In pieces its place is taken until nearly all of it has been read.
"""

from __future__ import annotations

import asyncio

from starlette.types import Message, Scope, Send

from caviar.service.security.connections import leave

PIECE = 64 * 1024  # bytes; no more than twice as many wait for a reader


class ReadAnswer:
    """A send that waits for the reader, and leaves one who takes no piece in so many seconds."""

    def __init__(self, send: Send, scope: Scope, seconds: float) -> None:
        self._send = send
        self._scope = scope
        self._seconds = seconds
        self._left = False

    async def __call__(self, message: Message) -> None:
        """Send a message, a large body in pieces; nothing more once the reader was left."""
        body, more = message.get("body", b""), message.get("more_body", False)
        if len(body) <= PIECE:
            await self._pass_on(message)
            return
        whole = memoryview(body)
        for first in range(0, len(whole), PIECE):
            last = first + PIECE >= len(whole)
            piece = {"body": bytes(whole[first : first + PIECE]), "more_body": more or not last}
            await self._pass_on({**message, **piece})

    async def _pass_on(self, message: Message) -> None:
        if self._left:
            return
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except TimeoutError:
            self._left = True
            leave(self._scope)
