"""Which parts of the data a model is worse on, column by column, and whether that is more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import gammaln, ndtr

from .data.load import Origin
from .data.source_rows import SourceRows
from .data.table import Array, Category

MOST_SLICES = 20  # of a column: its most frequent categories
FEWEST = 5  # rows of a slice
FEW_VALUES = 6  # different numbers up to which each is a slice of its own
QUANTILES = (0.25, 0.5, 0.75)
MOST_COLUMNS = 200  # that are told, those with the clearest differences
ALPHA = 0.05


def slices_of(
    columns: Mapping[str, Array | Category], wrong: Array | None, losses: Array, weights: Array, scale: float
) -> list[dict[str, Any]]:
    """Compare the rows of each slice of each column with all other rows.

    Parameters
    ----------
    columns : mapping of str to ndarray(float64, (m,)) or Category
        NaN, or a code of -1, is a missing cell, which is a slice too.
    wrong : ndarray(bool, (m,)) or None
        None for a regression.
    losses, weights : ndarray(float64, (m,))
    scale : float
        What the root of a mean loss is divided by to be the error of a regression.

    Returns
    -------
    list of dict
        For each column `name` and `slices`, worst first: name, rows, error, `rest` (the error of all other
        rows), `p` (adjusted) and `real`. The column with the clearest difference comes first.

    Notes
    -----
    Wrong answers are compared by R. A. Fisher's exact test, losses of a regression by the test of H. B. Mann
    and D. R. Whitney (1947), normal with correction for ties; both two-sided, each row counting once. All
    slices of all columns are one family: p is adjusted by S. Holm's method (1979), real means below 0.05.
    """
    found: list[dict[str, Any]] = []
    ranks = _ranks(losses)
    for name, column in columns.items():
        slices: list[dict[str, Any]] = []
        for label, inside in _cut(column):
            if not FEWEST <= inside.sum() <= len(inside) - FEWEST:
                continue
            p = fisher(wrong, inside) if wrong is not None else _rank_test(ranks, inside)
            error, rest = (_error(wrong, losses, weights, part, scale) for part in (inside, ~inside))
            slices.append({"name": label, "rows": int(inside.sum()), "error": error, "rest": rest, "p": p})
        if slices:
            found.append({"name": name, "slices": sorted(slices, key=lambda one: -one["error"])})
    _adjust([one for column in found for one in column["slices"]])
    found.sort(key=lambda column: min(one["p"] for one in column["slices"]))
    return found[:MOST_COLUMNS]


def columns_of(origin: Origin, written: SourceRows, groups: Sequence[str]) -> dict[str, Array | Category]:
    """Return the columns that slices are made of: the target, those of the table, and all others as written.

    Parameters
    ----------
    origin : Origin
    written : SourceRows
    groups : sequence of str
        Names of columns of which each number is a group.
    """
    table, rows = origin.table, origin.rows
    columns: dict[str, Array | Category] = {}
    if isinstance(table.target, Category):
        columns[table.target_names[0]] = _chosen(table.target, rows)
    elif table.target is not None:
        columns |= {n: table.target[rows, j] for j, n in enumerate(table.target_names)}
    if table.image_shape is None:
        numbers = table.numbers[rows].astype(np.float64)
        for j, name in enumerate(table.number_names):
            columns[name] = Category.of(numbers[:, j]) if name in groups else numbers[:, j]
    columns |= {name: _chosen(category, rows) for name, category in table.categories.items()}
    for name in written.columns:
        if name not in columns:
            cells = written.cells(name)
            values = None if name in groups else _numbers(cells)
            columns[name] = _categories(cells) if values is None else values
    return columns


def fisher(wrong: Array, inside: Array) -> float:
    """Return the p of Fisher's exact test, two-sided: are wrong answers as frequent inside as outside?"""
    m, k, n = len(wrong), int(wrong.sum()), int(inside.sum())
    a = np.arange(max(0, k + n - m), min(k, n) + 1)
    logs = _choose(k, a) + _choose(m - k, n - a) - _choose(m, np.array([n]))
    seen = logs[int((wrong & inside).sum()) - a[0]]
    return min(1.0, float(np.exp(logs[logs <= seen + 1e-7]).sum()))


def rank_test(values: Array, inside: Array) -> float:
    """Return the p of the test of Mann and Whitney, two-sided, normal with correction for ties."""
    return _rank_test(_ranks(values), inside)


def _choose(n: int, k: Array) -> Array:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _ranks(values: Array) -> tuple[Array, float]:
    """Return the ranks of values, the mean one of equal values, and sum t^3 - t over their ties."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse], float((counts.astype(np.float64) ** 3 - counts).sum())


def _rank_test(ranked: tuple[Array, float], inside: Array) -> float:
    ranks, ties = ranked
    m, n = len(ranks), int(inside.sum())
    others = m - n
    if m < 2:
        return 1.0
    U = float(ranks[inside].sum()) - n * (n + 1) / 2
    variance = n * others / 12 * ((m + 1) - ties / (m * (m - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(U - n * others / 2) - 0.5) / math.sqrt(variance)
    return min(1.0, float(2 * ndtr(-z)))


def _error(wrong: Array | None, losses: Array, weights: Array, part: Array, scale: float) -> float:
    total = float(weights[part].sum())
    if total == 0:
        return 0.0
    if wrong is not None:
        return float(weights[part & wrong].sum()) / total
    return math.sqrt(float((weights * losses)[part].sum()) / total) / scale


def _adjust(slices: list[dict[str, Any]]) -> None:
    """Adjust p by Holm's method and say what is real."""
    largest = 0.0
    for place, one in enumerate(sorted(slices, key=lambda one: one["p"])):
        largest = max(largest, min(1.0, one["p"] * (len(slices) - place)))
        one["p"] = largest
        one["real"] = largest < ALPHA


def _cut(column: Array | Category) -> list[tuple[str, Array]]:
    """Cut a column into slices: name and which rows, ndarray(bool, (m,)).

    Of many categories the most frequent are slices; a column in which hardly a cell repeats has none.
    """
    if not isinstance(column, Category):
        present = column[~np.isnan(column)]
        values = np.unique(present)
        if len(values) > FEW_VALUES:
            return [*_quantiles(column, present), ("missing", np.isnan(column))]
        column = Category.of(column)
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))
    frequent = np.argsort(-counts, kind="stable")[:MOST_SLICES]
    slices = [(column.levels[code], column.codes == code) for code in frequent]
    return [*slices, ("missing", column.codes < 0)]


def _quantiles(column: Array, present: Array) -> list[tuple[str, Array]]:
    edges = np.unique(np.quantile(present, QUANTILES))
    edges = edges[edges < present.max()]
    if not len(edges):  # most rows have the largest value
        edges = present[present < present.max()].max(keepdims=True)
    place = np.searchsorted(edges, column)  # the slice of an edge is the one below it
    shown = next(texts for digits in (4, 6, 9, 17) if _differ(texts := _written(edges, digits)))
    names = [f"up to {shown[0]}", *(f"{a} to {b}" for a, b in pairwise(shown))]
    names.append(f"above {shown[-1]}")
    there = ~np.isnan(column)
    return [(name, there & (place == at)) for at, name in enumerate(names)]


def _written(edges: Array, digits: int) -> list[str]:
    """Return numbers with so many digits, without an exponent where they are not very large or small."""
    positional = ((edges == 0) | ((abs(edges) >= 1e-4) & (abs(edges) < 1e9))).all()
    if not positional:
        return [f"{edge:.{digits}g}" for edge in edges]
    return [np.format_float_positional(edge, digits, fractional=False, trim="-") for edge in edges]


def _differ(texts: Sequence[str]) -> bool:
    return len(set(texts)) == len(texts)


def _chosen(category: Category, rows: Array) -> Category:
    return Category(category.codes[rows], category.levels)


def _categories(cells: Sequence[Any]) -> Category:
    return Category.of(np.array([None if cell == "" else cell for cell in cells] + [None], object)[:-1])


def _numbers(cells: Sequence[Any]) -> Array | None:
    """Return cells as numbers, NaN where missing; None if one is no number."""
    try:
        numbers = np.array([np.nan if c is None or c == "" else float(c) for c in cells], np.float64)
    except (TypeError, ValueError):
        return None
    return np.where(np.isfinite(numbers), numbers, np.nan)
