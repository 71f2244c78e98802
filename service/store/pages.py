"""Pages of trials: sorted and filtered by allowed fields alone, continued by keyset cursors."""

from __future__ import annotations

import base64
import binascii
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, case, cast, func, literal, select, tuple_
from sqlalchemy import Double as Float
from sqlalchemy.dialects.postgresql import JSONB

from service import records
from service.errors import RefusedError
from service.store import reads
from service.store.tables import STATES, trials

t = trials.c
SORTABLE = ("number", "value", "ended", "started", "created", "state", "epoch", "attempt", "round")
COMPARABLE = (*SORTABLE, "origin", "epochs", "seed", "agent")
_FILTER = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(<=|>=|!=|=|<|>)\s*(.+?)\s*")
_METRIC = re.compile(r"metrics\.([A-Za-z_]\w{0,63})")


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Field:
    """Something to sort or filter by."""

    name: str
    column: ColumnElement[Any]


def field(name: str, params: Sequence[str], dialect: str, parameter: str, allowed: Sequence[str]) -> Field:
    """Find a field by name. Raises RefusedError when it is not in the table of allowed ones."""
    if name in allowed:
        return Field(name, t[name])
    if name.startswith("params.") and name[7:] in params:
        return Field(name, _inside(t.params, name[7:], dialect))
    if match := _METRIC.fullmatch(name):
        return Field(name, _inside(t.metrics, match[1], dialect))
    known = [*allowed, *(f"params.{one}" for one in params), "metrics.NAME"]
    raise RefusedError.of(parameter, f"{name!r} is not a field of trials", f"known: {', '.join(known)}")


def _inside(column: ColumnElement[Any], key: str, dialect: str) -> ColumnElement[Any]:
    """Give one value of a JSON column; on Postgres as a number where it is one."""
    if dialect == "sqlite":
        return func.json_extract(column, f'$."{key}"')
    inner = cast(column, JSONB)[key]
    return case((func.jsonb_typeof(inner) == "number", cast(inner.astext, Float)), else_=None)


def conditions(texts: Sequence[str], params: Sequence[str], dialect: str) -> list[ColumnElement[bool]]:
    """Read filters such as `params.l2<0.1` and `state=completed`. Raises RefusedError."""
    found = []
    for text in (part for whole in texts for part in re.split(r"\s+and\s+|&&", whole)):
        match = _FILTER.fullmatch(text)
        if match is None:
            raise RefusedError.of("filter", f"{text!r} cannot be read", "write filter=params.l2<0.1")
        name, comparison, value = match.groups()
        column = field(name, params, dialect, "filter", COMPARABLE).column
        if dialect != "sqlite" and name.startswith("params.") and _number(value) is None:
            column = cast(t.params, JSONB)[name[7:]].astext
        found.append(_compare(column, comparison, value, name))
    return found


def _compare(column: ColumnElement[Any], comparison: str, text: str, name: str) -> ColumnElement[bool]:
    number = _number(text)
    value: Any = text.strip("'\"") if number is None else number
    ordered = comparison not in ("=", "!=")
    if number is None and (ordered or (name in SORTABLE and name != "state")):
        raise RefusedError.of("filter", f"{text!r} is not a number", f"compare {name} with a number")
    if text in ("true", "false"):
        value = text == "true"
    compared: ColumnElement[bool] = OPERATIONS[comparison](column, value)
    return compared


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def states(text: str | None) -> list[str]:
    """Read a comma-separated list of states. Raises RefusedError."""
    wanted = [one.strip() for one in (text or "").split(",") if one.strip()]
    for one in wanted:
        if one not in STATES:
            raise RefusedError.of("state", f"{one!r} is not a state", f"known: {', '.join(STATES)}")
    return wanted


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see of a search's trials."""

    sort: str
    state: str | None
    filters: tuple[str, ...]
    limit: int
    cursor: str | None


def trials_page(connection: Connection, search: int, wish: Wish) -> dict[str, Any]:
    """Give a page of a search's trials as REST shows it. Raises NotFoundError, RefusedError."""
    row = reads.search_row(connection, search)
    params = tuple(orjson.loads(row.spec)["space"])
    dialect = connection.dialect.name
    wanted = states(wish.state)
    where = conditions(wish.filters, params, dialect)
    counted = not where
    if wanted:
        where.append(t.state.in_(wanted))
    name = wish.sort.removeprefix("-")
    order = field(name, params, dialect, "sort", SORTABLE)
    found = page(connection, search, where, order, wish.sort.startswith("-"), wish.limit, wish.cursor)
    if counted:
        total = sum(getattr(row, state) for state in wanted or STATES)
    else:
        count = select(func.count()).select_from(trials).where(t.search_id == search, *where)
        total = connection.execute(count).scalar_one()
    return {"items": [records.trial(one) for one in found.rows], "next": found.next, "total": total}


@dataclass(frozen=True)
class Page:
    """Rows, and the cursor of those that follow."""

    rows: Sequence[Row[Any]]
    next: str | None


def page(
    connection: Connection,
    search: int,
    where: Sequence[ColumnElement[bool]],
    sort: Field,
    descending: bool,
    limit: int,
    cursor: str | None,
) -> Page:
    """Give a page of trials; those without a value of the sorted field come last in both directions."""
    scope = and_(t.search_id == search, *where)
    after = read_cursor(cursor, sort.name)
    rows: list[Row[Any]] = []
    if after is None or after[0] is not None:
        rows += _valued(connection, scope, sort, descending, limit + 1, after)
    if len(rows) <= limit and sort.name != "number":
        rest = after[1] if after is not None and after[0] is None else None
        rows += _valueless(connection, scope, sort, limit + 1 - len(rows), rest)
    if len(rows) <= limit:
        return Page(rows, None)
    last = rows[limit - 1]
    value = getattr(last, sort.name, None) if sort.name in t else last.sorted
    return Page(rows[:limit], write_cursor(sort.name, value, last.number))


def _valued(
    connection: Connection,
    scope: ColumnElement[bool],
    sort: Field,
    descending: bool,
    limit: int,
    after: tuple[Any, int] | None,
) -> Sequence[Row[Any]]:
    column = sort.column
    if sort.name == "number":
        query = select(trials).where(scope)
        if after is not None:
            query = query.where(t.number < after[1] if descending else t.number > after[1])
        order: tuple[Any, ...] = (t.number.desc(),) if descending else (t.number,)
        return connection.execute(query.order_by(*order).limit(limit)).all()
    query = select(trials, column.label("sorted")).where(scope, column.is_not(None))
    if after is not None:
        here = tuple_(column, t.number)
        there = tuple_(literal(after[0]), literal(after[1]))
        query = query.where(here < there if descending else here > there)
    order = (column.desc(), t.number.desc()) if descending else (column, t.number)
    return connection.execute(query.order_by(*order).limit(limit)).all()


def _valueless(
    connection: Connection, scope: ColumnElement[bool], sort: Field, limit: int, after: int | None
) -> Sequence[Row[Any]]:
    query = select(trials, sort.column.label("sorted")).where(scope, sort.column.is_(None))
    if after is not None:
        query = query.where(t.number > after)
    return connection.execute(query.order_by(t.number).limit(limit)).all()


def write_cursor(sort: str, value: Any, number: int) -> str:
    """Write where a page ended."""
    return base64.urlsafe_b64encode(orjson.dumps([sort, value, number])).decode().rstrip("=")


def read_cursor(cursor: str | None, sort: str) -> tuple[Any, int] | None:
    """Read a cursor. Raises RefusedError when it was not made by this server for this order."""
    if cursor is None:
        return None
    try:
        name, value, number = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if name == sort and isinstance(number, int) and isinstance(value, int | float | str | None):
            return value, number
    except (ValueError, TypeError, binascii.Error):
        pass
    raise RefusedError.of("cursor", "is not one of this list in this order", "take it from `next`, unchanged")
