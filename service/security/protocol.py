"""Bounds below HTTP: endless heads and trailers, and heads that never come, hold no memory, no connection.

The probes are answered here, before anything that a flood could fill.
"""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle, Transport
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from caviar.service.security.connections import Connections
from caviar.service.security.failed_logins import address_of
from caviar.service.security.probes import Probes

HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 20.0
UNREAD_SECONDS = 2.0  # in which a body must come that was answered before its end


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which itself waits for the end of a head for ever and keeps all of it."""

    def __init__(self, *arguments: Any, connections: Connections, probes: Probes, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._shared = connections
        self._probes = probes
        self._address = ""
        self._head_bytes = 0
        self._in_head = True
        self._in_message = False  # a head or a body has begun and not ended
        self._in_trailer = False  # since a chunk's header: no byte of a body came
        self._chunk_begun = False  # within the bytes that are being parsed
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Expect a head from now on."""
        super().connection_made(cast(Transport, transport))
        self._address = address_of({"client": self.client})
        self._expect(HEAD_SECONDS)
        self._shared.opened(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        self._shared.closed(self, self._address)
        super().connection_lost(exc)

    def abort(self) -> None:
        """End the connection at once."""
        self._stop_timer()
        if not self.is_gone:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse, then look whether a head or a trailer is still incomplete."""
        self._chunk_begun = False
        super().data_received(data)
        between = not self._in_message and not self._serving
        if between and self._timer is None and self.timeout_keep_alive_task is None:
            self._expect(HEAD_SECONDS)  # blank lines before a head, which begin nothing
        head = self._in_head and self._in_message
        if not head and (not self._in_trailer or self._chunk_begun):
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self.abort()
        elif head and self._timer is None:
            self._expect(HEAD_SECONDS)

    def on_message_begin(self) -> None:
        """Begin the head of a request."""
        self._in_head = self._in_message = True
        self._head_bytes = 0
        super().on_message_begin()
        self.scope["state"]["connection"] = self

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a trailer is dropped, for nothing here reads one."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head of a request; answer a probe at once."""
        self._in_head = False
        self._stop_timer()
        answer = (
            None if self._serving else self._probes.answer(self.parser.get_method(), self.url, self.headers)
        )
        if answer is None:
            self.yielding(False)
            super().on_headers_complete()
            return
        self.transport.write(answer)
        if self.parser.should_keep_alive():
            self._keep_alive()
        else:
            self.transport.close()

    def yielding(self, idle: bool) -> None:
        """Say whether this connection may be ended where there are too many: its request only waits."""
        note = self._shared.idle if idle else self._shared.busy
        if not self.is_gone:
            note(self, self._address)

    @property
    def is_gone(self) -> bool:
        """Return whether the client has left."""
        return self.transport is None or self.transport.is_closing()

    @property
    def crowd(self) -> int:
        """Count the connections of the same address."""
        return self._shared.of(self._address)

    def on_chunk_header(self) -> None:
        """Expect the bytes of a chunk, or after the last one a trailer."""
        self._in_trailer = self._chunk_begun = True
        self._head_bytes = 0

    def on_body(self, body: bytes) -> None:
        """Take bytes of a body."""
        self._in_trailer = False
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._in_trailer = self._in_message = False
        if self.cycle is None:  # a probe came first
            return
        super().on_message_complete()
        if self.cycle.response_complete:
            self._stop_timer()

    def on_response_complete(self) -> None:
        """Wait for the next request; not for long where the body of this one has not come yet."""
        super().on_response_complete()
        if not self.pipeline:
            self.yielding(True)
        if self._in_message and not self._in_head:
            self._expect(UNREAD_SECONDS)

    @property
    def _serving(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _keep_alive(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _expect(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
