"""Pages of searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, literal, select, tuple_

from caviar.service.errors import RefusedError
from caviar.service.store.pages import read_cursor, write_cursor
from caviar.service.store.reads import SEARCH, SearchSummary, summary
from caviar.service.store.search_labels import has_tag, has_words
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import searches

s = searches.c
Archived = Literal["no", "only", "all"]
SORTABLE = ("created", "name", "id")
CONDITIONS: dict[str, ColumnElement[bool]] = {
    "queued": and_(s.switch == "active", s.ended.is_(None), s.started.is_(None)),
    "running": and_(s.switch == "active", s.ended.is_(None), s.started.is_not(None)),
    "paused": and_(s.switch == "paused", s.ended.is_(None)),
    "completed": and_(s.switch != "cancelled", s.ended.is_not(None)),
    "cancelled": s.switch == "cancelled",
}


@dataclass(frozen=True)
class SearchPageRequest:
    """Which searches to return, and in which order."""

    state: str | None = None
    name: str | None = None
    project: str | None = None
    tags: Sequence[str] = ()  # it has all of them
    owner: str | None = None
    text: str | None = None
    archived: Archived = "no"
    sort: str = "-created"
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True)
class SearchPage:
    """Searches, the cursor of those that follow, and how many there are in all."""

    items: list[SearchSummary]
    next: str | None
    total: int


def page(snapshot: Snapshot, request: SearchPageRequest, now: float) -> SearchPage:
    """Return a page of searches. Raises RefusedError."""
    descending, name = request.sort.startswith("-"), request.sort.removeprefix("-")
    if name not in SORTABLE:
        raise RefusedError.of(
            "sort", f"searches cannot be sorted by {name!r}", f"known: {', '.join(SORTABLE)}"
        )
    where = _conditions(request)
    column = s[name]
    query = SEARCH.where(*where)
    after = read_cursor(request.cursor, name, (str,) if name == "name" else (int, float))
    if after is not None:
        here, there = tuple_(column, s.id), tuple_(literal(after[0]), literal(after[1]))
        query = query.where(here < there if descending else here > there)
    order = (column.desc(), s.id.desc()) if descending else (column, s.id)
    rows = snapshot.execute(query.order_by(*order).limit(request.limit + 1)).all()
    items = rows[: request.limit]
    total = snapshot.execute(select(func.count()).select_from(searches).where(*where)).scalar_one()
    further = None
    if len(rows) > request.limit:
        further = write_cursor(name, getattr(items[-1], name), items[-1].id)
    return SearchPage([summary(snapshot, row, now) for row in items], further, total)


def _conditions(request: SearchPageRequest) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if request.state is not None:
        if request.state not in CONDITIONS:
            raise RefusedError.of(
                "state", f"{request.state!r} is not a state", f"known: {', '.join(CONDITIONS)}"
            )
        where.append(CONDITIONS[request.state])
    if request.name:
        where.append(s.name.icontains(request.name, autoescape=True))
    if request.project:
        where.append(s.project == request.project)
    if request.owner:
        where.append(s.owner == request.owner)
    where += map(has_tag, filter(None, request.tags))
    where += has_words(request.text or "")
    if request.archived != "all":
        where.append(s.archived.is_(None) if request.archived == "no" else s.archived.is_not(None))
    return where
