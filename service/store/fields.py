"""Fields of a search's trials as columns in memory, to filter and sort by any of them at once.

A column is caught up from the store by revision when it is asked for: the first time it reads all rows, later
only those that changed. Nothing is ever written from here.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from service.errors import RefusedError
from service.store.tables import trials

t = trials.c
REAL = ("number", "value", "ended", "started", "created", "epoch", "attempt", "round", "epochs", "seed")
TEXT = ("state", "origin", "agent")
KEPT = 128  # columns in memory
_METRIC = re.compile(r"metrics\.([A-Za-z_]\w{0,63})")
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Field:
    """Something to sort or filter by: its name on the wire, and where it is stored."""

    name: str
    document: str | None = None  # params or metrics
    key: str = ""

    def expression(self, dialect: str) -> ColumnElement[Any]:
        """Give it as SQL."""
        if self.document is None:
            return t[self.name]
        column = t[self.document]
        if dialect == "sqlite":
            return func.json_extract(column, f'$."{self.key}"')
        return cast(column, JSONB)[self.key]


def find(name: str, params: Sequence[str], parameter: str) -> Field:
    """Find a field by name. Raises RefusedError when it is not an allowed one."""
    if name in REAL or name in TEXT:
        return Field(name)
    if name.startswith("params.") and name[7:] in params:
        return Field(name, "params", name[7:])
    if match := _METRIC.fullmatch(name):
        return Field(name, "metrics", match[1])
    known = ", ".join([*REAL, *TEXT, *(f"params.{one}" for one in params), "metrics.NAME"])
    raise RefusedError.of(parameter, f"{name!r} is not a field of trials", f"known: {known}")


class Column:
    """One field of all trials of a search, by number: floats, and codes of texts where some are texts."""

    def __init__(self, search: int, field: Field) -> None:
        self._search, self._field, self._revision = search, field, 0
        self._numeric = np.full(64, np.nan)
        self._codes = np.full(64, -1, dtype=np.int32)
        self._vocabulary: dict[str, int] = {}
        self.count = 0

    def catch_up(self, connection: Connection) -> None:
        """Take in what changed since the last time."""
        expression = self._field.expression(connection.dialect.name)
        rows = connection.execute(
            select(t.number, t.revision, expression).where(
                t.search_id == self._search, t.revision > self._revision
            )
        ).all()
        if not rows:
            return
        numbers, revisions, values = zip(*rows, strict=True)
        self._grow(max(numbers) + 1)
        if any(isinstance(value, str) for value in values):
            where = np.array(numbers)
            self._codes[where] = [self._code(value) for value in values]
            values = tuple(None if isinstance(value, str) else value for value in values)
        self._numeric[np.array(numbers)] = np.array(values, dtype=np.float64)  # None becomes NaN
        self._revision = max(self._revision, *revisions)

    def _grow(self, count: int) -> None:
        self.count = max(self.count, count)
        if count > len(self._numeric):
            more = 2 * count - len(self._numeric)
            self._numeric = np.pad(self._numeric, (0, more), constant_values=np.nan)
            self._codes = np.pad(self._codes, (0, more), constant_values=-1)

    def _code(self, value: Any) -> int:
        if not isinstance(value, str):
            return -1
        return self._vocabulary.setdefault(value, len(self._vocabulary))

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """Give the values as floats, NaN where there is none or a text."""
        return self._numeric[: self.count]

    def texts(self) -> Mask:
        """Tell where there are texts."""
        return self._codes[: self.count] >= 0

    def among(self, wanted: Sequence[str]) -> Mask:
        """Tell where the value is one of some texts."""
        codes = [self._vocabulary[text] for text in wanted if text in self._vocabulary]
        return np.isin(self._codes[: self.count], codes)

    def ranks(self) -> npt.NDArray[np.float64]:
        """Give numbers whose order is that of the values: texts after numbers, in alphabetical order."""
        if not self._vocabulary:
            return self.numbers
        ranks, codes = self.numbers.copy(), self._codes[: self.count]
        top = np.nanmax(ranks) + 1 if np.isfinite(ranks).any() else 0.0
        order = {text: rank for rank, text in enumerate(sorted(self._vocabulary))}
        places = np.array([order[text] for text in self._vocabulary], dtype=np.float64)
        ranks[codes >= 0] = top + places[codes[codes >= 0]]
        return ranks


class Columns:
    """The columns in memory, the least used go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], Column] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, connection: Connection, search: int, field: Field) -> Column:
        """Give a column, caught up with the store."""
        with self._lock:
            key = (search, field.name)
            column = self._kept.get(key)
            if column is None:
                column = self._kept[key] = Column(search, field)
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            column.catch_up(connection)
            return column
