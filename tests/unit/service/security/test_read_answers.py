"""An answer leaves the server as fast as it is read, and one that is not read holds nothing for long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from caviar.service.security.read_answers import PIECE, ReadAnswer

BODY = bytes(range(256)) * (3 * PIECE // 256) + b"end"


class Reader:
    """A connection whose client takes so many messages and then reads no more."""

    def __init__(self, takes: int) -> None:
        self.got: list[dict[str, Any]] = []
        self.ended = False
        self._takes = takes

    async def send(self, message: Any) -> None:
        if len(self.got) == self._takes:
            await asyncio.sleep(60)
        self.got.append(message)

    def abort(self) -> None:
        self.ended = True

    def answer(self, *bodies: bytes) -> None:
        async def all_of_it() -> None:
            send = ReadAnswer(self.send, {"type": "http", "state": {"connection": self}}, 0.05)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for place, body in enumerate(bodies):
                more = place < len(bodies) - 1
                await send({"type": "http.response.body", "body": body, "more_body": more})

        asyncio.run(all_of_it())


@pytest.mark.parametrize("bodies", [(b"",), (b"short",), (BODY,), (BODY[:PIECE],), (b"a", BODY, BODY)])
def test_all_of_an_answer_comes_in_small_pieces(bodies: tuple[bytes, ...]) -> None:
    reader = Reader(takes=1000)
    reader.answer(*bodies)
    start, *pieces = reader.got
    assert start["type"] == "http.response.start" and not reader.ended
    assert b"".join(piece["body"] for piece in pieces) == b"".join(bodies)
    assert all(len(piece["body"]) <= PIECE for piece in pieces)
    assert [piece["more_body"] for piece in pieces] == [True] * (len(pieces) - 1) + [False]


@pytest.mark.parametrize("takes", [0, 1, 2])
def test_who_does_not_read_is_left(takes: int) -> None:
    reader = Reader(takes)
    reader.answer(BODY, BODY)
    assert reader.ended and len(reader.got) == takes
