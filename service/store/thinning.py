"""Which epochs of a long curve are drawn: few enough for a picture, which yet looks like that of all."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Places = npt.NDArray[np.int64]


def thinned(values: Floats, points: int, column: int = 0) -> Places:
    """Choose about `points` epochs of a curve of values (n, c), in order; all where there are no more.

    The curve is cut into stretches, and of each the lowest and the highest value of `column` stay, so that
    no peak of it is lost. First and last epoch stay too, the lowest and the highest value of each column, and
    both sides of every place where a column stops or begins to be finite (of more than `points` of these an
    even spread): never more than 2 points + 2 c + 4 in all.
    """
    count = len(values)
    if count <= points:
        return np.arange(count)
    finite = np.isfinite(values)
    low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
    width = -(-count // max(1, points // 2))
    chosen = (
        [0, count - 1],
        low.argmin(axis=0),
        high.argmax(axis=0),
        _lowest(low[:, column], width),
        _lowest(-high[:, column], width),
        _edges(finite, points),
    )
    return np.unique(np.concatenate(chosen))


def _lowest(values: Floats, width: int) -> Places:
    """Return the place of the lowest value of each stretch of `width`; its first where none is finite."""
    starts = np.arange(0, len(values), width)
    padded = np.full(len(starts) * width, np.inf, dtype=values.dtype)
    padded[: len(values)] = values
    places: Places = starts + padded.reshape(-1, width).argmin(axis=1)
    return places


def _edges(finite: npt.NDArray[np.bool_], points: int) -> Places:
    """Return the last place before and the first after each change of what is finite: (n, c) to (m,)."""
    before = np.flatnonzero((finite[1:] != finite[:-1]).any(axis=1))
    both = np.union1d(before, before + 1)
    if len(both) <= points:
        return both
    spread: Places = both[np.linspace(0, len(both) - 1, points, dtype=np.int64)]
    return spread
