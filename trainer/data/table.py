"""A data set as it was read: numbers, categories and targets, before anything is encoded or split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from trainer.problem import DataError

Task = Literal["classification", "regression"]
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Category:
    """A column of texts, each text stored once.

    Attributes
    ----------
    codes : ndarray(int32, (m,))
        Index into `levels`; -1 where the cell is missing.
    levels : tuple of str
        The different texts, in ascending order (as numbers, if all are numbers).
    """

    codes: Array
    levels: tuple[str, ...]

    @classmethod
    def of(cls, values: Array | Sequence[Any]) -> Category:
        """Make a category of texts or numbers; None and NaN are missing."""
        array = np.asarray(values)
        if array.dtype.kind == "f":
            missing = np.isnan(array)
        elif array.dtype.kind == "O":
            missing = np.array([value is None or value != value for value in array], dtype=bool)
            array = np.array(["" if gone else str(v) for v, gone in zip(array, missing, strict=True)])
        else:
            missing = np.zeros(array.shape, dtype=bool)
        levels, codes = np.unique(array[~missing], return_inverse=True)
        all_codes = np.full(array.shape, -1, dtype=np.int32)
        all_codes[~missing] = codes
        return cls(all_codes, tuple(text_of(level) for level in levels))._ordered()

    @classmethod
    def of_levels(cls, codes: Array, levels: Sequence[str]) -> Category:
        """Make a category of codes into levels that are in no order, and may not all be used."""
        return cls(codes, tuple(levels))._ordered()

    def _ordered(self) -> Category:
        """Sort numeric levels by value: 2 before 10."""
        try:
            order = sorted(range(len(self.levels)), key=lambda i: float(self.levels[i]))
        except ValueError:
            order = sorted(range(len(self.levels)), key=lambda i: self.levels[i])
        rank = np.full(len(order) + 1, -1, dtype=np.int32)  # the last entry maps code -1 to itself
        rank[order] = np.arange(len(order))
        return Category(rank[self.codes], tuple(self.levels[i] for i in order))

    def coded_by(self, levels: Sequence[str]) -> Array:
        """Return the codes of these cells in another list of levels; -1 for missing and unknown texts."""
        index = {level: code for code, level in enumerate(levels)}
        lookup = np.array([index.get(level, -1) for level in self.levels] + [-1], dtype=np.int32)
        return lookup[self.codes]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows as they stand in a file or array. Rows are counted from 1, a header not among them.

    Attributes
    ----------
    source : str
        What a person calls it: the name of a built-in set or of a file.
    numbers : ndarray(any real dtype, (m, p))
        Numeric columns; NaN is a missing cell.
    number_names : tuple of str
        Names of the p columns.
    categories : mapping of str to Category
        Text columns by name.
    target : ndarray(float64, (m, k)) or Category or None
        What to predict; None in a table that is only predicted on.
    target_names : tuple of str
        Names of the k targets.
    task : {"classification", "regression"} or None
        Where the source itself says so.
    image_shape : (height, width, channels) or None
        When a row of `numbers` is an image.
    missing : {"impute", "refuse"}
        What a missing number means here. A file of cells has gaps; an array with NaN is more often a mistake.
    """

    source: str
    numbers: Array
    number_names: tuple[str, ...]
    categories: Mapping[str, Category] = field(default_factory=dict)
    target: Array | Category | None = None
    target_names: tuple[str, ...] = ()
    task: Task | None = None
    image_shape: tuple[int, int, int] | None = None
    missing: Literal["impute", "refuse"] = "refuse"

    @property
    def rows(self) -> int:
        """Number of examples m."""
        return len(self.numbers)

    def take(self, rows: Array) -> Table:
        """Return these rows only, in this order."""
        target = self.target
        if isinstance(target, Category):
            target = Category(target.codes[rows], target.levels)
        elif target is not None:
            target = target[rows]
        categories = {n: Category(c.codes[rows], c.levels) for n, c in self.categories.items()}
        return replace(self, numbers=self.numbers[rows], categories=categories, target=target)

    def with_categories(self, names: Sequence[str], where: str) -> Table:
        """Return a table in which these numeric columns are categories.

        Raises
        ------
        DataError
            A name is not a column.
        """
        known = (*self.number_names, *self.categories)
        for name in names:
            if name not in known:
                raise DataError.of(where, f"{self.source} has no column {name!r}", f"use {shown(known)}")
        moved = [name for name in self.number_names if name in set(names)]
        if not moved:
            return self
        index = {name: j for j, name in enumerate(self.number_names)}
        kept = [j for name, j in index.items() if name not in moved]
        categories = {**self.categories, **{n: Category.of(self.numbers[:, index[n]]) for n in moved}}
        names_kept = tuple(self.number_names[j] for j in kept)
        return replace(self, numbers=self.numbers[:, kept], number_names=names_kept, categories=categories)


def text_of(value: Any) -> str:
    """Return a label as text: 3.0 and 3 are both "3"."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def shown(names: Sequence[str], most: int = 12) -> str:
    """Return names for a message, cut short when there are many."""
    listed = ", ".join(map(str, names[:most]))
    return f"{listed} ... ({len(names)} in all)" if len(names) > most else listed or "(there are none)"
