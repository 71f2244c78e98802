"""Bounds below HTTP: endless heads and trailers, and heads that never come, hold no memory, no connection."""

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
        self._in_trailer = False  # since a chunk's header: no byte of a body came
        self._chunk_begun = False  # within the bytes that are being parsed
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
        """Parse, then look whether a head or a trailer is still incomplete."""
        self._chunk_begun = False
        super().data_received(data)
        head = self._in_head and self._head_begun()
        if not head and (not self._in_trailer or self._chunk_begun):
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._too_long()
        elif head and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_long)

    def on_message_begin(self) -> None:
        """Begin the head of a request."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a trailer is dropped, for nothing here reads one."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head of a request."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Expect the bytes of a chunk, or after the last one a trailer."""
        self._in_trailer = self._chunk_begun = True
        self._head_bytes = 0

    def on_body(self, body: bytes) -> None:
        """Take bytes of a body."""
        self._in_trailer = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._in_trailer = False
        super().on_message_complete()

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
