"""Bounds below HTTP: a head that never ends, or never comes, must not hold memory or a connection."""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle, Transport
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 20.0
CONNECTIONS = 1000  # answered 503 beyond; below the usual limit of open files, above what may be in progress


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which itself waits for the end of a head for ever and keeps all of it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_bytes = 0
        self._in_head = True
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Expect a head from now on."""
        super().connection_made(cast(Transport, transport))
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_long)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then look whether a head is still incomplete."""
        super().data_received(data)
        if not self._in_head or not self._head_begun():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._too_long()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_long)

    def on_message_begin(self) -> None:
        """Begin the head of a request."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """End the head of a request."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def _head_begun(self) -> bool:
        return self.headers is not None

    def _too_long(self) -> None:
        self._head_timer = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
