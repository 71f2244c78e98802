"""Would the target be what it is, had only the columns moved? Older rows are weighed like the newer ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .data.table import Array, Category
from .distance import holm, kolmogorov

MOST_COLUMNS = 20  # by which rows are weighed, those that moved most
MOST_LEVELS = 10  # of a category
ENOUGH = 20.0  # rows that the weighed ones must be worth
RIDGE = 1.0
STEPS = 25
Column = Array | Category


@dataclass(frozen=True, eq=False)
class Side:
    """The rows that are compared of one of two data sets.

    Attributes
    ----------
    columns : mapping of str to ndarray(float64, (m,)) or Category
    target : ndarray(float64, (m, k)) or ndarray(int, (m,))
        Classes by the numbers of the older data; -1 for those that it does not have.
    """

    columns: Mapping[str, Column]
    target: Array

    @property
    def rows(self) -> int:
        """Number of rows m."""
        return len(self.target)


def reweighed(before: Side, after: Side, moved: Sequence[str], classes: bool) -> float | None:
    """Return p of the targets of both, older rows weighed by the odds of being a newer one.

    The odds are those of a logistic regression on the columns that moved, their squares and their levels (H.
    Shimodaira 2000, doi:10.1016/S0378-3758(00)00115-4). None where too few older rows are like the newer.
    """
    wanted = moved[:MOST_COLUMNS]
    features = np.hstack([_features(before.columns[name], after.columns[name]) for name in wanted])
    newer = np.arange(len(features)) >= before.rows
    scores = features @ _logistic(features, newer.astype(np.float64))
    weights = np.exp(np.clip(scores[~newer], -20, 20))
    weights /= weights.sum()
    worth = 1.0 / float((weights**2).sum())
    if worth < ENOUGH:
        return None
    if classes:
        return _same_classes(before.target, after.target, weights, worth)
    raw = [
        _same_values(before.target[:, j], after.target[:, j], weights, worth)
        for j in range(before.target.shape[1])
    ]
    return min(holm(raw))


def _features(one: Column, other: Column) -> Array:
    """Return a column of both sides in units of its spread, and squared; of a category its common levels."""
    if isinstance(one, Category) and isinstance(other, Category):
        levels = tuple(dict.fromkeys((*one.levels, *other.levels)))
        codes = np.concatenate([one.coded_by(levels), other.coded_by(levels)])
        common = np.argsort(-np.bincount(codes[codes >= 0], minlength=len(levels)), kind="stable")
        return np.column_stack([codes == code for code in common[:MOST_LEVELS]]).astype(np.float64)
    both = np.concatenate([np.asarray(one), np.asarray(other)])
    gaps = np.isnan(both)
    middle, spread = np.nanmean(both), np.nanstd(both) or 1.0
    scaled = np.where(gaps, 0.0, np.clip((both - middle) / spread, -5, 5))
    return np.column_stack([scaled, scaled**2, gaps])


def _logistic(X: Array, y: Array) -> Array:
    """Return the weights (p,) of a logistic regression with a ridge, without the intercept (Newton)."""
    X = np.column_stack([X, np.ones(len(X))])
    w = np.zeros(X.shape[1])
    ridge = RIDGE * np.eye(len(w))
    ridge[-1, -1] = 1e-6
    for _ in range(STEPS):
        a = 1 / (1 + np.exp(-np.clip(X @ w, -30, 30)))
        step = np.linalg.solve(X.T @ (X * (a * (1 - a))[:, None]) + ridge, X.T @ (a - y) + ridge @ w)
        w -= step
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(w[:-1])


def _same_classes(one: Array, other: Array, weights: Array, worth: float) -> float:
    raw = []
    for label in np.unique(np.concatenate([one, other])):
        share, newer = float(weights[one == label].sum()), float((other == label).mean())
        pooled = (share * worth + newer * len(other)) / (worth + len(other))
        error = math.sqrt(pooled * (1 - pooled) * (1 / worth + 1 / len(other)))
        raw.append(math.erfc(abs(share - newer) / error / math.sqrt(2)) if error else 1.0)
    return min(holm(raw))


def _same_values(one: Array, other: Array, weights: Array, worth: float) -> float:
    """Return p of the test of Kolmogorov and Smirnov, one side weighed."""
    order = np.argsort(one, kind="stable")
    shares = np.concatenate([[0.0], np.cumsum(weights[order])])
    points = np.concatenate([one, other])
    weighed = shares[np.searchsorted(one[order], points, side="right")]
    plain = np.searchsorted(np.sort(other), points, side="right") / len(other)
    return kolmogorov(float(np.abs(weighed - plain).max()), round(worth), len(other))
