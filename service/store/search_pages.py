"""Pages of searches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, select, tuple_

from caviar.service.errors import RefusedError
from caviar.service.store.pages import read_cursor, write_cursor
from caviar.service.store.reads import SEARCH, shown
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import searches

s = searches.c
SORTABLE = ("created", "name", "id")
CONDITIONS: dict[str, ColumnElement[bool]] = {
    "queued": and_(s.switch == "active", s.ended.is_(None), s.started.is_(None)),
    "running": and_(s.switch == "active", s.ended.is_(None), s.started.is_not(None)),
    "paused": and_(s.switch == "paused", s.ended.is_(None)),
    "completed": and_(s.switch != "cancelled", s.ended.is_not(None)),
    "cancelled": s.switch == "cancelled",
}


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see of the list of searches."""

    state: str | None
    name: str | None
    sort: str
    limit: int
    cursor: str | None


def page(snapshot: Snapshot, wish: Wish, now: float) -> dict[str, Any]:
    """Give a page of searches. Raises RefusedError."""
    descending, name = wish.sort.startswith("-"), wish.sort.removeprefix("-")
    if name not in SORTABLE:
        raise RefusedError.of(
            "sort", f"searches cannot be sorted by {name!r}", f"known: {', '.join(SORTABLE)}"
        )
    where = _conditions(wish)
    column = s[name]
    query = SEARCH.where(*where)
    after = read_cursor(wish.cursor, name, (str,) if name == "name" else (int, float))
    if after is not None:
        here, there = tuple_(column, s.id), tuple_(literal(after[0]), literal(after[1]))
        query = query.where(here < there if descending else here > there)
    order = (column.desc(), s.id.desc()) if descending else (column, s.id)
    rows = snapshot.execute(query.order_by(*order).limit(wish.limit + 1)).all()
    items = rows[: wish.limit]
    total = snapshot.execute(select(func.count()).select_from(searches).where(*where)).scalar_one()
    further = None
    if len(rows) > wish.limit:
        further = write_cursor(name, getattr(items[-1], name), items[-1].id)
    return {"items": [shown(snapshot, row, now) for row in items], "next": further, "total": total}


def _conditions(wish: Wish) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wish.state is not None:
        if wish.state not in CONDITIONS:
            raise RefusedError.of(
                "state", f"{wish.state!r} is not a state", f"known: {', '.join(CONDITIONS)}"
            )
        where.append(CONDITIONS[wish.state])
    if wish.name:
        where.append(s.name.icontains(wish.name, autoescape=True))
    return where
