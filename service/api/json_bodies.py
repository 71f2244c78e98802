"""One reading of JSON for every route: what one parser or database takes and another does not is refused.

Refused with the field: text with a NUL, which Postgres cannot store, and nesting nobody needs. Refused as no
JSON, by one parser: lone surrogates, NaN and Infinity. Of two values under one name the last counts, and an
integer beyond 64 bits is a float, everywhere. Exchanges are not read here: what agents say of errors is made
readable, never refused (wire.py).

A body of millions of lists takes seconds to read and a hundred times its size to hold: there is a bound on
what one may be made of, and large ones are read beside the event loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson
from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caviar.service.api import problems
from caviar.service.errors import FieldProblem, RefusedError
from caviar.service.security.bodies import takes_json

EXCHANGE = "/api/v1/exchange"
DEEPEST = 100  # lists and objects in each other; searches are refused far earlier
MOST_VALUES = 1_000_000  # in one body, by its commas
MOST_GROUPS = 300_000  # lists and objects in one body, by their first characters
MOST_TOLD = 100  # of what is wrong
LARGE = 64 * 1024  # bytes, from which a body is read in a thread
LONG_NUMBER = re.compile(rb"[0-9]{19}")
NUL_REMEDY = "leave the character U+0000 out"


def read_json(body: bytes) -> Any:
    """Return what a body holds. Raises RefusedError."""
    if body.count(b",") > MOST_VALUES or body.count(b"[") + body.count(b"{") > MOST_GROUPS:
        most = f"more than {MOST_VALUES} values, or {MOST_GROUPS} lists and objects"
        raise RefusedError.of("body", f"holds {most}", "send it in several requests")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError.of("body", f"is not JSON: {error}", "send one JSON object") from None
    wrong = list(islice(_wrong(found, "", 0), MOST_TOLD)) if b"\\u0000" in body or _deep(found) else []
    if wrong:
        raise RefusedError.of_all(wrong)
    return found


def _deep(value: Any) -> bool:
    """Return whether lists and objects are nested too deeply; a level at a time, for there may be many."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


class JsonBodies:
    """ASGI: a request whose body is no acceptable JSON is answered here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        wanted = scope["type"] == "http" and takes_json(scope["method"], scope["path"])
        if not wanted or scope["path"].rstrip("/") == EXCHANGE:
            await self._app(scope, receive, send)
            return
        pieces, last = [], await receive()
        while last["type"] == "http.request":
            pieces.append(last.get("body", b""))
            if not last.get("more_body", False):
                break
            last = await receive()
        body = b"".join(pieces)
        if last["type"] == "http.request" and body:
            try:
                found = read_json(body) if len(body) < LARGE else await to_thread.run_sync(read_json, body)
            except RefusedError as error:
                await problems.refused(error.problems)(scope, receive, send)
                return
            if LONG_NUMBER.search(body):  # which another parser would read as an integer of any size
                body = orjson.dumps(found)
            scope["state"]["json"] = found
        await self._app(scope, _Again({**last, "body": body}, receive), send)


class _Again:
    """A receive that gives one message first."""

    def __init__(self, first: Message, receive: Receive) -> None:
        self._first: Message | None = first
        self._receive = receive

    async def __call__(self) -> Message:
        first, self._first = self._first, None
        return await self._receive() if first is None else first


def _wrong(value: Any, place: str, depth: int) -> Iterator[FieldProblem]:
    """Find texts with a NUL and what is nested too deeply, with their places."""
    if isinstance(value, str):
        if "\0" in value:
            yield FieldProblem(place or "body", "holds a NUL", NUL_REMEDY)
        return
    if not isinstance(value, dict | list):
        return
    if depth >= DEEPEST:
        yield FieldProblem(place, "is nested too deeply", f"nest at most {DEEPEST} lists and objects")
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(key, str) and "\0" in key:
            yield FieldProblem(place or "body", "has a name with a NUL", NUL_REMEDY)
            continue
        yield from _wrong(item, f"{place}.{key}" if place else str(key), depth + 1)
