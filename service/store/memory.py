"""Columns of trials in memory, to filter and sort by any field at once; nothing is ever written from here.

What is in memory is caught up from the store by revision: the first time all rows are read, later those that
changed. The database puts thousands of rows into one text, so that other threads run meanwhile: fetched row
by row, a large search would hold up the whole server. `prepare` reads large searches before anybody asks.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from cachetools import LRUCache
from sqlalchemy import Select, bindparam, select

from caviar.service.store import bulk
from caviar.service.store.fields import FILTERED, SORTED, Field
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import searches, trials

t = trials.c
PLAIN = tuple(dict.fromkeys(SORTED + FILTERED))
SOURCES = {"params": ("params",), "metrics": ("metrics",), "plain": PLAIN}  # read together
CHUNK = 4096  # rows in one text
KEPT_BYTES = 96 << 20
LARGE = 5000  # trials of a search that is prepared
PREPARED_SEARCHES = 4  # those that changed last
Mask = npt.NDArray[np.bool_]
_NUMERIC = frozenset({float, int, bool, type(None)})


class Column:
    """One field of all trials of a search, by number: floats, and codes of texts where some are texts."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self._numeric = np.full(max(64, count), np.nan)
        self._codes: npt.NDArray[np.int32] | None = None  # -1: not a text; made with the first text
        self._vocabulary: dict[str, int] = {}

    def put(self, where: npt.NDArray[np.int64], values: Sequence[Any], count: int) -> None:
        """Take in values of some trials; there are `count` trials now."""
        self._grow(count)
        if not _NUMERIC.issuperset(map(type, values)):
            if self._codes is None:
                self._codes = np.full(len(self._numeric), -1, dtype=np.int32)
            self._codes[where] = [self._code(value) for value in values]
            values = [value if type(value) in _NUMERIC else None for value in values]
        elif self._codes is not None:
            self._codes[where] = -1
        self._numeric[where] = np.array(values, dtype=np.float64)  # None becomes NaN

    def _grow(self, count: int) -> None:
        more = count + count // 4 - len(self._numeric) if count > len(self._numeric) else 0
        if more:
            self._numeric = np.pad(self._numeric, (0, more), constant_values=np.nan)
        if more and self._codes is not None:
            self._codes = np.pad(self._codes, (0, more), constant_values=-1)
        self.count = max(self.count, count)

    def _code(self, value: Any) -> int:
        if type(value) in _NUMERIC:
            return -1
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return self._vocabulary.setdefault(text, len(self._vocabulary))

    @property
    def size(self) -> int:
        """Return its bytes."""
        return self._numeric.nbytes + (0 if self._codes is None else self._codes.nbytes)

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """Return the values as floats, NaN where there is none or a text."""
        return self._numeric[: self.count]

    def among(self, wanted: Sequence[str]) -> Mask:
        """Return where the value is one of some texts."""
        if self._codes is None:
            return np.zeros(self.count, dtype=np.bool_)
        codes, found = self._codes[: self.count], np.zeros(self.count, dtype=np.bool_)
        for text in wanted:
            if text in self._vocabulary:
                found |= codes == self._vocabulary[text]
        return found

    def texts(self) -> Mask:
        """Return where there are texts."""
        if self._codes is None:
            return np.zeros(self.count, dtype=np.bool_)
        return np.asarray(self._codes[: self.count] >= 0)

    def ranks(self) -> npt.NDArray[np.float64]:
        """Return numbers whose order is that of the values: texts after numbers, in alphabetical order."""
        if self._codes is None:
            return self.numbers
        ranks, codes = self.numbers.copy(), self._codes[: self.count]
        top = np.nanmax(ranks) + 1 if np.isfinite(ranks).any() else 0.0
        order = {text: rank for rank, text in enumerate(sorted(self._vocabulary))}
        places = np.array([order[text] for text in self._vocabulary], dtype=np.float64)
        ranks[codes >= 0] = top + places[codes[codes >= 0]]
        return ranks


class Source:
    """What is read together of a search's trials: all plain columns, or all members of a document."""

    def __init__(self, search: int, name: str) -> None:
        self._search, self._name = search, name
        self._revision = self._count = 0
        self._columns: dict[str, Column] = {}
        self._lock = threading.Lock()
        self.size = 0

    def column(self, name: str) -> Column:
        """Return a column as it is; empty when no trial has such a member."""
        return self._columns.get(name) or Column(self._count)

    def catch_up(self, snapshot: Snapshot) -> None:
        """Take in what changed since the last time."""
        with self._lock:
            while self._read(snapshot) == CHUNK:
                pass
            self.size = sum(column.size for column in self._columns.values())

    def _read(self, snapshot: Snapshot) -> int:
        """Take in the next rows in the order of their last change; tell how many."""
        names = SOURCES[self._name]
        wanted = {"search": self._search, "after": self._revision, "chunk": CHUNK}
        row = snapshot.execute(_news(self._name, snapshot.dialect), wanted).one()
        numbers, revisions, *values = bulk.parsed(row)
        if not numbers:
            return 0
        self._count = max(self._count, max(numbers) + 1)
        where = np.array(numbers)
        found = dict(zip(names, values, strict=True))
        if self._name in found:
            documents = [one or {} for one in found[self._name]]
            members = {*self._columns, *(name for one in documents for name in one)}
            found = {member: [one.get(member) for one in documents] for member in members}
        for name, column in found.items():
            self._columns.setdefault(name, Column()).put(where, column, self._count)
        self._revision = max(revisions)
        return len(numbers)


@cache
def _news(name: str, dialect: str) -> Select[Any]:
    """Return the statement that reads what changed of a source: to build it takes longer than to run it."""
    changed = (
        select(t.number, t.revision, *(t[column].label(f"wanted_{column}") for column in SOURCES[name]))
        .where(t.search_id == bindparam("search"), t.revision > bindparam("after"))
        .order_by(t.revision)
        .limit(bindparam("chunk"))
    )
    return bulk.statement(changed, dialect)


class Columns:
    """The columns in memory; of more than `KEPT_BYTES` the least used go first."""

    def __init__(self) -> None:
        self._sources: LRUCache[tuple[int, str], Source] = LRUCache(
            KEPT_BYTES,
            getsizeof=lambda source: min(source.size, KEPT_BYTES),  # one too large stays alone
        )
        self._lock = threading.Lock()

    def get(self, snapshot: Snapshot, search: int, field: Field) -> Column:
        """Return a column, caught up with the store."""
        name = field.column if field.member else "plain"
        return self._caught_up(snapshot, search, name).column(field.member or field.column)

    def held(self, search: int) -> set[str]:
        """Return which sources of a search are in memory."""
        with self._lock:
            return {name for number, name in self._sources if number == search}

    def prepare(self, snapshot: Snapshot) -> None:
        """Catch up with large searches, before anybody waits for it."""
        s = searches.c
        query = select(s.id).where(s.proposed >= LARGE).order_by(s.revision.desc()).limit(PREPARED_SEARCHES)
        for search in snapshot.execute(query).scalars().all():
            for name in SOURCES:
                self._caught_up(snapshot, search, name)

    def _caught_up(self, snapshot: Snapshot, search: int, name: str) -> Source:
        key = search, name
        with self._lock:
            source = self._sources.get(key)
            if source is None:
                source = self._sources[key] = Source(search, name)
        source.catch_up(snapshot)
        with self._lock:
            if self._sources.get(key) is source:  # not gone meanwhile
                self._sources[key] = source  # weighed anew: it has grown
        return source
