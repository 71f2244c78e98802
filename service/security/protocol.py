"""Bounds below HTTP: endless heads and trailers, and heads that never come, hold no memory, no connection.

The probes are answered here, before anything that a flood could fill. One request of a connection is served
at a time, and what comes is parsed in pieces: who sends many at once waits for a turn after each few.
"""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle, Transport
from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from caviar.service.security.connections import Connections
from caviar.service.security.failed_logins import address_of
from caviar.service.security.probes import Probes
from caviar.service.security.turns import Starts, Turns

HEAD_BYTES = 64 * 1024
HEADERS = 200
HEAD_SECONDS = 20.0
UNREAD_SECONDS = 2.0  # in which a body must come that was answered before its end
CLOSE_SECONDS = 15.0  # in which the last answer must be read
PIECE = 1024  # bytes of heads and chunks that are parsed at once
BODY_PIECE = 64 * 1024  # of a body whose length is known
STEPS = 8  # pieces and chunks of a turn
END = b"\r\n\r\n"  # of a head, of a chunked body; anywhere else it only makes a piece shorter


class Flow(FlowControl):
    """uvicorn's, which reads on only when all that came has been parsed."""

    def __init__(self, protocol: BoundedHttp) -> None:
        super().__init__(protocol.transport)
        self._protocol = protocol

    def resume_reading(self) -> None:
        """Parse what is kept, in turn, or read on."""
        if not self._protocol.parse_rest_later():
            super().resume_reading()


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which itself waits for the end of a head for ever and keeps all of it.

    It also parses whatever was sent behind a request in progress, without a bound, and does not tell that
    request when its client leaves.
    """

    def __init__(
        self,
        *arguments: Any,
        connections: Connections,
        probes: Probes,
        turns: Turns,
        starts: Starts,
        **named: Any,
    ) -> None:
        super().__init__(*arguments, **named)
        self._starts = starts
        self._shared = connections
        self._probes = probes
        self._turns = turns
        self._address = ""
        self._came = b""  # what is being parsed
        self._parsed = 0  # bytes of it
        self._steps = 0  # in this turn
        self._body_left = 0  # bytes of a body whose length is known
        self._head_bytes = self._headers = 0
        self._in_head = True
        self._in_message = False  # a head or a body has begun and not ended
        self._in_trailer = False  # since a chunk's header: no byte of a body came
        self._chunk_begun = False  # within the bytes that are being parsed
        self._lost = False
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Expect a head from now on."""
        super().connection_made(cast(Transport, transport))
        self.flow = Flow(self)
        self._address = address_of({"client": self.client})
        self._expect(HEAD_SECONDS)
        self._shared.opened(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer, and what was not parsed."""
        self._lost = True
        self._stop_timer()
        self._came, self._parsed = b"", 0
        self._shared.closed(self, self._address)
        super().connection_lost(exc)

    def abort(self) -> None:
        """End the connection at once, even where it closes already and waits for its client to read."""
        self._stop_timer()
        if self.transport is not None:
            self.transport.abort()

    # What comes

    def data_received(self, data: bytes) -> None:
        """Parse as much as may be parsed now."""
        # The last bytes stay, to find an end that came in two packets.
        kept = self._came[max(0, self._parsed - len(END) + 1) :]
        self._parsed = min(self._parsed, len(END) - 1)
        self._came = kept + data
        self.go_on()

    def go_on(self) -> None:
        """Parse piece by piece until there is something to wait for."""
        self._steps = 0
        while self._has_rest and not self.is_gone and not self._must_wait:
            if self._steps >= STEPS:
                self._turns.wait(self)
                break
            self._parse(self._piece())
        if self.is_gone:
            return
        if self._has_rest:
            self.flow.pause_reading()
            self._bound_rest()
        elif not self._is_full:
            FlowControl.resume_reading(self.flow)

    def parse_rest_later(self) -> bool:
        """Wait for a turn if something came that has not been parsed; tell whether it has."""
        if self._has_rest:
            self._turns.wait(self)
        return self._has_rest

    @property
    def _has_rest(self) -> bool:
        return self._parsed < len(self._came)

    @property
    def _is_full(self) -> bool:
        """Return whether the application has more of a body than it has taken yet."""
        return self._serving and len(self.cycle.body) > HIGH_WATER_LIMIT

    @property
    def _must_wait(self) -> bool:
        """Return whether a request must have been answered, an answer read or a body taken first."""
        if self._in_message:
            return not self._in_head and self._is_full
        return self._serving or self.flow.write_paused

    def _bound_rest(self) -> None:
        """Leave who sends far ahead, or reads nothing."""
        if self._in_message or not self._must_wait:
            return
        if len(self._came) - self._parsed > HEAD_BYTES:
            self.abort()
        elif not self._serving and self._timer is None:
            self._expect(HEAD_SECONDS)

    def _piece(self) -> bytes:
        first = self._parsed
        if self._body_left:
            last = first + min(self._body_left, BODY_PIECE)
        else:
            end = self._came.find(END, max(0, first - len(END) + 1), first + PIECE)
            last = first + PIECE if end < 0 else end + len(END)
        self._parsed = min(last, len(self._came))
        return self._came[first : self._parsed]

    def _parse(self, piece: bytes) -> None:
        """Parse, then look whether a head or a trailer is still incomplete."""
        self._steps += 1
        self._chunk_begun = False
        super().data_received(piece)
        if self.is_gone:  # it was no HTTP
            self._expect(CLOSE_SECONDS)
            return
        between = not self._in_message and not self._serving
        if between and self._timer is None and self.timeout_keep_alive_task is None:
            self._expect(HEAD_SECONDS)  # blank lines before a head, which begin nothing
        head = self._in_head and self._in_message
        if not head and (not self._in_trailer or self._chunk_begun):
            return
        self._head_bytes += len(piece)
        if self._head_bytes > HEAD_BYTES:
            self.abort()
        elif head and self._timer is None:
            self._expect(HEAD_SECONDS)

    def on_message_begin(self) -> None:
        """Begin the head of a request."""
        if self._serving:  # no end was found between the two
            raise ValueError("a request within another")
        self._in_head = self._in_message = True
        self._head_bytes = self._headers = self._body_left = 0
        super().on_message_begin()
        self.scope["state"]["connection"] = self

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a trailer is dropped, for nothing here reads one."""
        self._headers += 1
        if self._headers > HEADERS:
            raise ValueError("too many headers")
        if self._in_head:
            if name.lower() == b"content-length":
                self._body_left = int(value)
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
            self._expect(CLOSE_SECONDS)

    def yielding(self, idle: bool) -> None:
        """Say whether this connection may be ended where there are too many: its request only waits."""
        note = self._shared.idle if idle else self._shared.busy
        if not self._lost:
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
        self._steps += 1

    def on_body(self, body: bytes) -> None:
        """Take bytes of a body."""
        self._in_trailer = False
        self._body_left = max(0, self._body_left - len(body))
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
        self.yielding(True)
        if self.is_gone:  # it closes once the client has read the rest
            self._expect(CLOSE_SECONDS)
        elif self._in_message and not self._in_head:
            self._expect(UNREAD_SECONDS)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection between two requests; soon, even if its client does not read."""
        super().timeout_keep_alive_handler()
        self._expect(CLOSE_SECONDS)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begin a request when few others begin."""
        begin = super()._start_asgi_task
        self._starts.begin(lambda: None if cycle.disconnected else begin(cycle, app))

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
