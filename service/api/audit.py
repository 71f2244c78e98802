"""Who changed what, over REST: everything for admins, and of one search for those who may read it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from caviar.service.api import records
from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.store import audit
from caviar.service.store import searches as search_rows
from caviar.service.store.audit import Action, AuditRow, Wanted
from caviar.service.store.pages import read_cursor, write_cursor
from caviar.service.store.snapshot import Snapshot

Limit = Annotated[int, Query(ge=1, le=1000)]
ORDER = "id"  # in which cursors go


class Deed(records.Record):
    """One thing that somebody did."""

    id: int
    created: str
    who: str | None = Field(description="name of the token or user; null: the server itself, or not recorded")
    what: Action
    search: int | None = Field(description="it may be deleted since")
    trial: str | None
    subject: str | None = Field(
        description="the data set, token, agent, link or webhook; the kind of a command; a verdict of verify"
    )
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Deeds(records.Record):
    """What people did, the newest first."""

    items: list[Deed]
    next: str | None


router = APIRouter(tags=["audit"])


@router.get("/audit", response_model=Deeds, summary="Who changed what")
async def read_audit(
    services: App,
    search: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    who: Annotated[str | None, Query(max_length=200)] = None,
    what: Action | None = None,
    limit: Limit = 100,
    cursor: str | None = None,
) -> Response:
    wanted = Wanted(search, who, what, _below(cursor), limit + 1)
    return _page(await services.store.read(lambda snapshot: audit.newest(snapshot, wanted)), limit)


@router.get("/searches/{search}/audit", response_model=Deeds, summary="Who changed what of a search")
async def read_search_audit(
    services: App, search: int, limit: Limit = 100, cursor: str | None = None
) -> Response:
    wanted = Wanted(search, below=_below(cursor), limit=limit + 1)

    def query(snapshot: Snapshot) -> list[AuditRow]:
        search_rows.get(snapshot, search)
        return audit.newest(snapshot, wanted)

    return _page(await services.store.read(query), limit)


def _below(cursor: str | None) -> int | None:
    found = read_cursor(cursor, ORDER, (int,))
    return None if found is None else found[1]


def _page(rows: list[AuditRow], limit: int) -> Response:
    shown = rows[:limit]
    further = write_cursor(ORDER, shown[-1].id, shown[-1].id) if len(rows) > limit else None
    return answer({"items": [records.audited(row) for row in shown], "next": further})
