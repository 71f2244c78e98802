"""Columns of a table to columns of X: numbers imputed, with an indicator, and categories one-hot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.trainer.data.table import Array, Table, shown
from caviar.trainer.problem import DataError

MOST_LEVELS = 1000  # of one column; beyond this it is an identifier rather than a category
MOST_ONCE = 20  # rows of a column in which no text occurs twice; beyond this it is an identifier, too


@dataclass(frozen=True)
class Encoding:
    """How columns become X, learned from the training rows alone.

    X has, in this order: the numbers; for each column of `indicators` a 1 where the cell was missing; for
    each level of each category a 1 where the cell is that level. A level not seen in training, like a
    missing cell, has 0 in all of them.

    Attributes
    ----------
    numbers : tuple of str
    fills : tuple of float
        Median of each number column: what a missing cell becomes. Empty where missing numbers are refused.
    indicators : tuple of str
        Columns that had missing cells in training; of an image none, so that X stays an image.
    levels : mapping of str to tuple of str
        Of each category, in order.
    """

    numbers: tuple[str, ...]
    fills: tuple[float, ...]
    indicators: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(cls, table: Table, rows: Array) -> Encoding:
        """Learn fills, indicators and levels from these rows of a table.

        Raises
        ------
        DataError
            A column has no value at all in these rows, or is a category with too many levels.
        """
        fills, indicators = _medians(table, rows) if table.missing == "impute" else ([], [])
        levels = {}
        for name, category in table.categories.items():
            codes = category.codes[rows]
            seen = np.unique(codes[codes >= 0])
            if not len(seen):
                raise _empty(name)
            if len(seen) > MOST_LEVELS or len(seen) == len(rows) > MOST_ONCE:
                message = f"column {name!r} has {len(seen)} different texts in {len(rows)} rows of training"
                remedy = f"list it in dataset.ignore, or group its texts to at most {MOST_LEVELS}"
                raise DataError.of("dataset.ignore", message, remedy)
            levels[name] = tuple(category.levels[code] for code in seen)
            if (codes < 0).any():
                indicators.append(name)
        if table.image_shape:
            indicators = []
        return cls(table.number_names, tuple(fills), tuple(indicators), levels)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of X."""
        one_hot = (f"{name}={level}" for name, levels in self.levels.items() for level in levels)
        return (*self.numbers, *(f"{name} is missing" for name in self.indicators), *one_hot)

    def transform(self, table: Table) -> Array:
        """Return X of a table's rows.

        Parameters
        ----------
        table : Table
            With the columns of the training table, in any order; others are ignored.

        Returns
        -------
        X : ndarray(float64 or, if nothing had to be encoded, the dtype of the table's numbers, (m, n))

        Raises
        ------
        DataError
            A column is missing, or is text where training had numbers.
        """
        self._require(table)
        plain = table.number_names == self.numbers and not self.indicators and not self.levels
        if plain and not _gaps(table.numbers).any():
            return table.numbers
        X = np.zeros((table.rows, len(self.feature_names)))
        index = {name: j for j, name in enumerate(table.number_names)}
        p = len(self.numbers)
        X[:, :p] = table.numbers[:, [index[name] for name in self.numbers]]
        gaps = np.isnan(X[:, :p])
        if self.fills:
            X[:, :p][gaps] = np.broadcast_to(self.fills, gaps.shape)[gaps]
        for j, name in enumerate(self.indicators, start=p):
            if name in self.levels:
                X[:, j] = table.categories[name].codes < 0
            else:
                X[:, j] = gaps[:, self.numbers.index(name)]
        start = p + len(self.indicators)
        for name, levels in self.levels.items():
            codes = table.categories[name].coded_by(levels)
            known = np.flatnonzero(codes >= 0)
            X[known, start + codes[known]] = 1.0
            start += len(levels)
        return X

    def _require(self, table: Table) -> None:
        have = (*table.number_names, *table.categories)
        there = set(have)
        lacking = [name for name in (*self.numbers, *self.levels) if name not in there]
        if lacking:
            message = f"{table.source} lacks the columns {shown(lacking)}"
            raise DataError.of("dataset", message, f"name them as in training; it has {shown(have)}")
        texts = [name for name in self.numbers if name in table.categories]
        if texts:
            message = f"{table.source} has texts in {shown(texts)}, where training had numbers"
            raise DataError.of("dataset", message, "write numbers there, or leave the cells empty")

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "numbers": list(self.numbers),
            "fills": list(self.fills),
            "indicators": list(self.indicators),
            "levels": {name: list(levels) for name, levels in self.levels.items()},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Encoding:
        """Make an encoding of what `as_dict` returned."""
        levels = {name: tuple(values) for name, values in plain["levels"].items()}
        return cls(tuple(plain["numbers"]), tuple(plain["fills"]), tuple(plain["indicators"]), levels)


def _gaps(numbers: Array) -> Array:
    return np.isnan(numbers) if numbers.dtype.kind == "f" else np.zeros(numbers.shape, dtype=bool)


def _medians(table: Table, rows: Array) -> tuple[list[float], list[str]]:
    """Return the median of each number column, and the names of those with missing cells."""
    fills, indicators = [], []
    for j, name in enumerate(table.number_names):
        values = table.numbers[rows, j]
        present = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        if not len(present):
            raise _empty(name)
        if len(present) < len(values):
            indicators.append(name)
        fills.append(float(np.median(present)))
    return fills, indicators


def _empty(name: str) -> DataError:
    message = f"column {name!r} has no value in the training set"
    return DataError.of("dataset.ignore", message, "list the column in dataset.ignore")
