"""Event streams (SSE). An event's id is the revision it brings the reader to: a cut stream resumes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from caviar.service.api import records
from caviar.service.api.services import App, Services
from caviar.service.errors import RefusedError
from caviar.service.ids import TrialId, trial_id
from caviar.service.security.scopes import Token
from caviar.service.store import reads, streams
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredCheckpoint, StoredCommand
from caviar.service.store.snapshot import Snapshot
from caviar.trial_fields import StoredTrial

KEEPALIVE_SECONDS = 15.0
POLL_SECONDS = 5.0  # wake-ups may be lost
PAUSE_SECONDS = 0.1  # changes in between come as one
MOST = 500  # trials in one look
Id = Annotated[str | None, Header(alias="Last-Event-ID")]


class EventStream(StreamingResponse):
    """A stream that is written by hand: FastAPI's own class of this kind takes generators as routes alone."""

    media_type = "text/event-stream"


router = APIRouter(tags=["events"])


@router.get("/searches/{search}/events", response_class=EventStream, summary="Follow a search")
async def search_events(
    services: App,
    search: int,
    request: Request,
    last_event_id: Id = None,
    since: Annotated[str | None, Query()] = None,
) -> EventStream:
    await services.store.read(lambda snapshot: search_rows.get(snapshot, search))
    start = _start(last_event_id or since)
    stream = _search_stream(services, search, start, _admitted(services, request))
    return EventStream(stream, headers=_HEADERS)


@router.get("/trials/{name}/events", response_class=EventStream, summary="Follow a trial")
async def trial_events(
    services: App,
    name: str,
    request: Request,
    last_event_id: Id = None,
    since: Annotated[str | None, Query()] = None,
) -> EventStream:
    trial = trial_id(name)
    await services.store.read(lambda snapshot: trial_rows.get(snapshot, trial))
    position = streams.Position.read(last_event_id or since)
    stream = _trial_stream(services, trial, position, _admitted(services, request))
    return EventStream(stream, headers=_HEADERS)


_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def _start(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isdecimal() or len(text) > 18:
        raise RefusedError.of(
            "Last-Event-ID", f"{text!r} is not an id of this stream", "send back an `id`, or nothing"
        )
    return int(text)


def _admitted(services: Services, request: Request) -> Callable[[], bool]:
    """Return what tells whether the reader's token still holds: a stream may last for days."""
    caller: Token = request.state.caller
    return lambda: services.tokens.holds(caller)


async def _search_stream(
    services: Services, search: int, after: int, admitted: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Yield what changed since `after`: the trials in the order of their last change, then the search."""
    quiet = 0.0
    with services.notifier.watching(search) as event:
        while not services.notifier.closing.is_set() and admitted():
            event.clear()
            news = await services.store.read(
                partial(_search_news, search=search, after=after, clock=services.store.now)
            )
            if news is None:
                yield format_sse_event(event="deleted", data_str="{}")
                return
            after, parts = news
            if parts:
                yield b"".join(parts)
            quiet = 0.0 if parts else quiet + POLL_SECONDS
            if quiet >= KEEPALIVE_SECONDS:
                yield KEEPALIVE_COMMENT
                quiet = 0.0
            await _pause(event, full=len(parts) > MOST)


def _search_news(
    snapshot: Snapshot, search: int, after: int, clock: Callable[[Snapshot], float]
) -> tuple[int, list[bytes]] | None:
    found = reads.find_search(snapshot, search, clock(snapshot))
    if found is None:
        return None
    rows = reads.changed_trials(snapshot, search, after, MOST)
    parts = [_event("trial", records.trial(one), one.revision) for one in rows]
    if rows:
        after = rows[-1].revision
    if len(rows) < MOST and found.row.revision > after:
        after = found.row.revision
        parts.append(_event("search", records.search(found), after))
    elif rows:
        parts.append(_event("search", records.search(found), after))
    return after, parts


async def _trial_stream(
    services: Services, trial: TrialId, position: streams.Position, admitted: Callable[[], bool]
) -> AsyncIterator[bytes]:
    quiet = 0.0
    with services.notifier.watching(trial.search) as event:
        while not services.notifier.closing.is_set() and admitted():
            event.clear()
            news = await services.store.read(partial(streams.trial_news, trial=trial, at=position))
            if news is None:
                yield format_sse_event(event="deleted", data_str="{}")
                return
            parts = []
            for kind, body, position in news:
                parts.append(_event(kind, _shown(body), str(position)))
            if parts:
                yield b"".join(parts)
            quiet = 0.0 if parts else quiet + POLL_SECONDS
            if quiet >= KEEPALIVE_SECONDS:
                yield KEEPALIVE_COMMENT
                quiet = 0.0
            await _pause(event, full=False)


def _shown(body: streams.Body) -> dict[str, Any]:
    if isinstance(body, StoredTrial):
        return records.trial(body)
    if isinstance(body, StoredCommand):
        return records.command(body)
    return records.checkpoint(body) if isinstance(body, StoredCheckpoint) else body


async def _pause(event: asyncio.Event, full: bool) -> None:
    """Wait for the next change; shortly even then, so that a storm of changes comes in few looks."""
    if full:
        return
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await event.wait()
    except TimeoutError:
        return
    await asyncio.sleep(PAUSE_SECONDS)


def _event(kind: str, body: Any, identity: int | str) -> bytes:
    return format_sse_event(event=kind, data_str=orjson.dumps(body).decode(), id=str(identity))
