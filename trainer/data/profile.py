"""What the columns of the training set looked like: so a model knows what is far from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from caviar.trainer.data import normalize
from caviar.trainer.data.columns import Encoding
from caviar.trainer.data.table import Array, Table

MARK = "profile_"  # begins the names of these tensors in a model file
DECILES = np.arange(1, 10) / 10
SAMPLED = 4096  # rows from which the deciles are taken


@dataclass(frozen=True, eq=False)
class Profile:
    """The columns of the training rows, in the order of their encoding: p of numbers, c of categories.

    Attributes
    ----------
    rows : int
    ranges : ndarray(float64, (p, 4))
        Low, high, mean and standard deviation of the cells that are there; of an image those of all pixels.
    points, shares : ndarray(float64, (p, 9)), ndarray(float32, (p, 9))
        The deciles, and the share of cells up to each of them.
    gaps : ndarray(float64, (p + c,))
        The share of missing cells.
    counts : ndarray(int64, (number of levels,))
        Rows of each level of each category, one category after another.
    """

    rows: int
    ranges: Array
    points: Array
    shares: Array
    gaps: Array
    counts: Array

    @classmethod
    def fit(cls, table: Table, rows: Array, encoding: Encoding, mu: Array, sigma: Array) -> Profile:
        """Describe these rows; `mu` and `sigma` are those of X, 0 and 1 where nothing is normalised."""
        X, p = table.numbers[rows], len(encoding.numbers)
        if table.number_names != encoding.numbers:  # of an encoding that was learned elsewhere
            X = X[:, [table.number_names.index(name) for name in encoding.numbers]]
        ranges, points, shares, gaps = _ranges(X), np.zeros((p, 9)), np.zeros((p, 9), np.float32), np.zeros(p)
        ranges[:, 2:] = np.column_stack([mu[:p], sigma[:p]])
        unknown = (mu[:p] == 0) & (sigma[:p] == 1)  # it was not normalised, or is constant
        holed: Array = np.zeros(p, dtype=bool)
        if X.dtype.kind == "f":
            holed |= np.isnan(X).any(axis=0)
        for j in np.flatnonzero(unknown | holed):
            present = X[~np.isnan(X[:, j]), j] if holed[j] else X[:, j]
            gaps[j] = 1 - len(present) / len(X)
            ranges[j, 2:] = np.concatenate(normalize.moments(present[:, None]))
        ranges[ranges[:, 0] == ranges[:, 1], 3] = 0.0
        sample = X[:: -(-len(X) // SAMPLED)].astype(np.float64)
        points[~holed], shares[~holed] = _deciles(sample[:, ~holed])
        for j in np.flatnonzero(holed):
            present = sample[~np.isnan(sample[:, j]), j]
            if len(present):
                points[j], shares[j] = (one[0] for one in _deciles(present[:, None]))
        if table.image_shape and p:
            ranges[:] = _of_all(ranges)
        counts, lacking = _levels(table, rows, encoding)
        return cls(len(X), ranges, points, shares, np.concatenate([gaps, lacking]), counts)

    def tensors(self) -> dict[str, Array]:
        """Return what a model file holds of it."""
        named = {name: getattr(self, name) for name in ("ranges", "points", "shares", "gaps", "counts")}
        return {MARK + "rows": np.array([self.rows], np.int64)} | {
            MARK + name: np.ascontiguousarray(array) for name, array in named.items()
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Array]) -> Profile | None:
        """Make it of the tensors of a model file; None of one that was written without it."""
        if MARK + "rows" not in tensors:
            return None
        named = {name: tensors[MARK + name] for name in ("ranges", "points", "shares", "gaps", "counts")}
        return cls(int(tensors[MARK + "rows"][0]), **named)


def _ranges(X: Array) -> Array:
    """Return the lowest and the highest cell of each column, and room for two more numbers."""
    ranges = np.zeros((X.shape[1], 4))
    if X.shape[1]:
        ranges[:, 0], ranges[:, 1] = np.fmin.reduce(X), np.fmax.reduce(X)
    return ranges


def _deciles(X: Array) -> tuple[Array, Array]:
    """Return the deciles of columns without gaps, (p, 9), and the share of cells up to each."""
    points = np.sort(X, axis=0)[np.ceil(DECILES * len(X)).astype(int) - 1]
    return points.T, np.array([(point >= X).mean(axis=0) for point in points], np.float32).T


def _of_all(ranges: Array) -> Array:
    """Return low, high, mean and deviation of the cells of all columns together."""
    low, high, mean, deviation = ranges.T
    whole = float(np.sqrt(np.mean(deviation**2) + np.var(mean)))
    return np.array([low.min(), high.max(), mean.mean(), whole])


def _levels(table: Table, rows: Array, encoding: Encoding) -> tuple[Array, Array]:
    """Return the rows of each level of each category, and the share of missing cells of each category."""
    counts, gaps = [np.zeros(0, np.int64)], []
    for name, levels in encoding.levels.items():
        codes = table.categories[name].coded_by(levels)[rows]
        counts.append(np.bincount(codes[codes >= 0], minlength=len(levels)).astype(np.int64))
        gaps.append(float((codes < 0).mean()))
    return np.concatenate(counts), np.array(gaps, np.float64)
