"""Pages of trials: sorted and filtered by allowed fields alone, continued by keyset cursors.

The orders that have an index come from the database. Every other order and every filter goes over columns in
memory, and only the rows of the page are read.
"""

from __future__ import annotations

import base64
import binascii
import operator
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import literal, select, tuple_

from caviar.search.space import parameter_names
from caviar.service.errors import RefusedError
from caviar.service.store import reads
from caviar.service.store import searches as search_rows
from caviar.service.store.fields import Field, find
from caviar.service.store.memory import Column, Columns, Mask
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import trials
from caviar.trial_fields import STATES, StoredTrial

t = trials.c
INDEXED = ("number", "value", "ended")
STATE = Field("state", "state")
_FILTER = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(<=|>=|!=|=|<|>)\s*(.+?)\s*")
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PageRequest:
    """Which of a search's trials to return, and in which order."""

    sort: str
    state: str | None
    filters: tuple[str, ...]
    limit: int
    cursor: str | None


@dataclass(frozen=True)
class Condition:
    """A filter: a field, a comparison, and what to compare with; None: no value at all."""

    field: Field
    comparison: str
    value: float | str | None


@dataclass(frozen=True)
class TrialPage:
    """Trials, the cursor of those that follow, and how many there are in all."""

    items: list[StoredTrial]
    next: str | None
    total: int


def trials_page(snapshot: Snapshot, search: int, request: PageRequest, columns: Columns) -> TrialPage:
    """Return a page of a search's trials. Raises NotFoundError, RefusedError."""
    row = search_rows.get(snapshot, search)
    params = tuple(parameter_names(orjson.loads(row.spec)["space"]))
    wanted = states(request.state)
    where = conditions(request.filters, params)
    sort = find(request.sort.removeprefix("-"), params, "sort")
    after = read_cursor(request.cursor, sort.name)
    if sort.name in INDEXED and not where and not wanted:
        total = sum(getattr(row, state) for state in STATES)
        return _indexed(snapshot, search, request, sort, after, total)
    return _filtered(snapshot, search, request, sort, after, (wanted, where, columns))


def conditions(texts: Sequence[str], params: Sequence[str]) -> list[Condition]:
    """Read filters such as `params.l2<0.1` and `state=completed`. Raises RefusedError."""
    found = []
    for text in (part for whole in texts for part in re.split(r"\s+and\s+|&&", whole)):
        match = _FILTER.fullmatch(text)
        if match is None:
            raise RefusedError.of("filter", f"{text!r} cannot be read", "write filter=params.l2<0.1")
        name, comparison, given = match.groups()
        value = _value(given)
        if not isinstance(value, float) and comparison not in ("=", "!="):
            raise RefusedError.of("filter", f"{given!r} is not a number", f"compare {name} with a number")
        found.append(Condition(find(name, params, "filter"), comparison, value))
    return found


def _value(text: str) -> float | str | None:
    if text in ("true", "false"):
        return float(text == "true")
    if text == "null":
        return None
    if text.startswith("["):
        with suppress(orjson.JSONDecodeError):
            return orjson.dumps(orjson.loads(text)).decode()  # as lists are held, whatever the spaces
    try:
        number = float(text)
    except ValueError:
        return text.strip("'\"")
    return number if np.isfinite(number) else text


def states(text: str | None) -> list[str]:
    """Read a comma-separated list of states. Raises RefusedError."""
    wanted = [one.strip() for one in (text or "").split(",") if one.strip()]
    for one in wanted:
        if one not in STATES:
            raise RefusedError.of("state", f"{one!r} is not a state", f"known: {', '.join(STATES)}")
    return wanted


After = tuple[Any, int] | None


def _indexed(
    snapshot: Snapshot, search: int, request: PageRequest, sort: Field, after: After, total: int
) -> TrialPage:
    """Walk along an index; trials without a value of the sorted field come last in both directions."""
    column, descending = t[sort.name], request.sort.startswith("-")
    rows: list[StoredTrial] = []
    if after is None or after[0] is not None:
        query = select(trials).where(t.search_id == search, column.is_not(None))
        if after is not None:
            here, there = tuple_(column, t.number), tuple_(literal(after[0]), literal(after[1]))
            query = query.where(here < there if descending else here > there)
        order = (column.desc(), t.number.desc()) if descending else (column, t.number)
        rows += reads.trials_of(snapshot, query.order_by(*order).limit(request.limit + 1))
    if len(rows) <= request.limit and sort.name != "number":
        query = select(trials).where(t.search_id == search, column.is_(None))
        if after is not None and after[0] is None:
            query = query.where(t.number > after[1])
        rows += reads.trials_of(snapshot, query.order_by(t.number).limit(request.limit + 1 - len(rows)))
    if len(rows) <= request.limit:
        return TrialPage(rows, None, total)
    last = rows[request.limit - 1]
    return TrialPage(
        rows[: request.limit], write_cursor(sort.name, getattr(last, sort.name), last.number), total
    )


def _filtered(
    snapshot: Snapshot,
    search: int,
    request: PageRequest,
    sort: Field,
    after: After,
    by: tuple[list[str], list[Condition], Columns],
) -> TrialPage:
    """Filter and sort columns in memory, then read the rows of the page."""
    wanted, where, columns = by
    ranks = columns.get(snapshot, search, sort).ranks()
    kept = np.ones(len(ranks), dtype=np.bool_)
    if wanted:
        kept &= _fit(columns.get(snapshot, search, STATE).among(wanted), len(kept))
    for one in where:
        kept &= _fit(_meets(columns.get(snapshot, search, one.field), one), len(kept))
    numbers = np.flatnonzero(kept)
    total = len(numbers)
    ordered = _first(numbers, ranks[numbers], request.sort.startswith("-"), after, request.limit + 1)
    chosen = ordered[: request.limit]
    rows = _rows(snapshot, search, chosen)
    if len(ordered) <= request.limit:
        return TrialPage(rows, None, total)
    last = int(chosen[-1])
    rank = float(ranks[last])
    return TrialPage(rows, write_cursor(sort.name, None if np.isnan(rank) else rank, last), total)


def _fit(mask: Mask, length: int) -> Mask:
    """Cut or lengthen a mask: columns may have been caught up by different readers."""
    return np.pad(mask[:length], (0, max(0, length - len(mask))))


def _meets(column: Column, condition: Condition) -> Mask:
    """Return which trials meet a condition; one without a value is neither equal to another nor different."""
    numbers, wanted = column.numbers, condition.value
    present = ~np.isnan(numbers) | column.texts()
    if wanted is None:
        return present if condition.comparison == "!=" else ~present
    if condition.comparison not in ("=", "!="):
        return np.asarray(OPERATIONS[condition.comparison](numbers, wanted), dtype=np.bool_)  # never of NaN
    same = column.among([wanted]) if isinstance(wanted, str) else np.asarray(numbers == wanted)
    return same if condition.comparison == "=" else present & ~same


def _first(
    numbers: Numbers, ranks: npt.NDArray[np.float64], descending: bool, after: After, count: int
) -> Numbers:
    """Return the first so many of ascending numbers, by rank then number, from where an earlier page ended.

    Those without a rank come last, by number. Only what is given is sorted: the time grows with the trials.
    """
    missing = np.isnan(ranks)
    rest = numbers[missing]
    if after is not None and after[0] is None:
        return np.asarray(rest[rest > after[1]][:count])
    sign = -1 if descending else 1
    keys, order = sign * ranks[~missing][::sign], sign * numbers[~missing][::sign]  # both to ascend
    if after is not None:
        value, number = sign * after[0], sign * after[1]
        ahead = (keys > value) | ((keys == value) & (order > number))
        keys, order = keys[ahead], order[ahead]
    if len(keys) > count:
        bound = np.partition(keys, count - 1)[count - 1]
        below = np.flatnonzero(keys < bound)
        equal = np.flatnonzero(keys == bound)[: count - len(below)]
        chosen = np.concatenate([below, equal])
        keys, order = keys[chosen], order[chosen]
    order = order[np.argsort(keys, kind="stable")]
    return np.concatenate([sign * order, rest[: count - len(order)]])


def _rows(snapshot: Snapshot, search: int, numbers: Numbers) -> list[StoredTrial]:
    """Return the trials of a page, in its order."""
    wanted = numbers.tolist()
    query = select(trials).where(t.search_id == search, t.number.in_(wanted))
    found = {row.number: row for row in reads.trials_of(snapshot, query)}
    return [found[number] for number in wanted if number in found]


def write_cursor(sort: str, value: Any, number: int) -> str:
    """Write where a page ended."""
    return base64.urlsafe_b64encode(orjson.dumps([sort, value, number])).decode().rstrip("=")


def read_cursor(cursor: str | None, sort: str, kinds: tuple[type, ...] = (int, float, NoneType)) -> After:
    """Read a cursor with a value of some kinds. Raises RefusedError when it was not made for this order."""
    if cursor is None:
        return None
    try:
        name, value, number = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if name == sort and type(value) in kinds and type(number) is int:
            return value, number
    except (ValueError, TypeError, binascii.Error):
        pass
    raise RefusedError.of("cursor", "is not one of this list in this order", "take it from `next`, unchanged")
