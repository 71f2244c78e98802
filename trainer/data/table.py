"""A data set as it was read: numbers, categories and targets, before anything is encoded or split."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from caviar.trainer.problem import DataError

Task = Literal["classification", "regression"]
Array = np.ndarray[Any, np.dtype[Any]]
_NUMBER = re.compile(r"[+-]?((0|[1-9][0-9]{0,14})(\.[0-9]*)?|\.[0-9]+)")  # 007 is a code, not a number


@dataclass(frozen=True, eq=False)
class Category:
    """A column of texts, each text stored once.

    Attributes
    ----------
    codes : ndarray(int32, (m,))
        Index into `levels`; -1 where the cell is missing.
    levels : tuple of str
        The different texts as `text_of` gives them, in ascending order (as numbers, if all are numbers).
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
        return cls.of_levels(all_codes, levels)

    @classmethod
    def of_levels(cls, codes: Array, levels: Array | Sequence[Any]) -> Category:
        """Make a category of codes into levels in any order; "3.0" and "3" become one."""
        texts = [text_of(level) for level in levels]
        ordered = sorted(set(texts))
        with suppress(ValueError):  # 2 before 10, if all are numbers
            ordered = sorted(ordered, key=float)
        rank = {text: code for code, text in enumerate(ordered)}
        lookup = np.array([*(rank[text] for text in texts), -1], dtype=np.int32)  # the last one is for -1
        return cls(lookup[codes], tuple(ordered))

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
    weights : ndarray(float64, (m,)) or None
        What each row counts.
    groups : ndarray(int32, (m,)) or None
        The number of each row's group; -1 where its cell is missing, which is a group too.
    split_groups : ndarray(int64, (m,)) or None
        The number of the group with which each row stays together in a split.
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
    weights: Array | None = None
    groups: Array | None = None
    split_groups: Array | None = None

    @property
    def rows(self) -> int:
        """Number of examples m."""
        return len(self.numbers)

    def with_categories(self, names: Sequence[str], where: str) -> Table:
        """Return a table in which these numeric columns are categories, the target maybe among them.

        Raises
        ------
        DataError
            A name is not a column.
        """
        known = (*self.number_names, *self.categories, *self.target_names)
        for name in names:
            if name not in known:
                raise DataError.of(where, f"{self.source} has no column {name!r}", f"use {shown(known)}")
        target = self.target
        if isinstance(target, np.ndarray) and target.shape[1] == 1 and self.target_names[0] in names:
            target = Category.of(target[:, 0])
        moved = [name for name in self.number_names if name in set(names)]
        index = {name: j for j, name in enumerate(self.number_names)}
        kept = [j for name, j in index.items() if name not in moved]
        categories = {**self.categories, **{n: Category.of(self.numbers[:, index[n]]) for n in moved}}
        names_kept = tuple(self.number_names[j] for j in kept)
        numbers = self.numbers[:, kept] if moved else self.numbers
        return replace(self, numbers=numbers, number_names=names_kept, categories=categories, target=target)


def text_of(value: Any) -> str:
    """Return a label as text, the same from every kind of file: "3" for 3.0, 3 and "3.0", "true" for True."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return text.lower() if text in ("True", "TRUE", "False", "FALSE") else text


def shown(names: Sequence[str], most: int = 12) -> str:
    """Return names for a message, cut short when there are many."""
    listed = ", ".join(map(str, names[:most]))
    return f"{listed} ... ({len(names)} in all)" if len(names) > most else listed or "(there are none)"


def such_cells(count: int) -> str:
    """Count the cells of which a message names one."""
    return f"{count} such cell" if count == 1 else f"{count} such cells"
