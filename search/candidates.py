"""Candidates: points of a box among which a strategy chooses."""

from collections.abc import Callable, Sequence

import numpy as np

from caviar.search.boxes import Box, whole
from caviar.search.encoding import SpaceEncoding
from caviar.search.history import Floats, History

ALIKE = 1e-7  # what coordinates of the same point may differ by
MORE = 4  # times as many points are drawn where relations leave some out


def spread(encoding: SpaceEncoding, box: Box, count: int, rng: np.random.Generator) -> Floats:
    """Random points of the box; all of it if the space is small."""
    every = encoding.every_point
    if every is not None:
        inside = every[box.contains(every)]
        return inside if len(inside) else every
    region = encoding.space.region
    if region is None:
        return encoding.snap(box.spread(rng.random((count, encoding.dimensions))))
    units = encoding.snap(box.spread(rng.random((MORE * count, encoding.dimensions))))
    obey = region.obeyed(units[:, region.columns])
    first = np.argsort(~obey, kind="stable")[:count]  # only if those that obey are too few, others, moved
    return region.settle(units[first])


def near(
    encoding: SpaceEncoding, box: Box, points: Floats, each: int, size: float, rng: np.random.Generator
) -> Floats:
    """Points of the box that differ from each given one by steps of about `size` on a few axes.

    Integers move by at least one; unordered choices are drawn afresh half of the time.
    """
    base = np.repeat(points, each, axis=0)
    count, dimensions = base.shape
    moved = rng.random(base.shape) < max(2.0 / dimensions, 0.3)
    moved[np.arange(count), rng.integers(dimensions, size=count)] = True
    steps = rng.normal(size=base.shape) * size
    steps = np.where(np.abs(steps) < encoding.cells, np.copysign(encoding.cells, steps), steps)
    units = box.clip(np.where(moved, base + steps, base))
    if encoding.categorical.any():
        other = moved & (rng.random(base.shape) < 0.5)
        drawn = np.where(other, box.spread(rng.random(base.shape)), base)
        units = np.where(encoding.categorical, drawn, units)
    return encoding.candidates(units)


def refined(
    encoding: SpaceEncoding,
    units: Floats,
    score: Callable[[Floats], Floats],
    best: int,
    each: int,
    sizes: Sequence[float],
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Points, and `each` near each of so many of the best, once for every size; and the scores of all."""
    anywhere, scores = whole(encoding), score(units)
    for size in sizes:
        top = np.argsort(-scores, kind="stable")[:best]
        moved = near(encoding, anywhere, units[top], each, size, rng)
        units, scores = np.vstack([units, moved]), np.append(scores, score(moved))
    return units, scores


def is_new(unit: Floats, history: History) -> bool:
    """Return whether a point is neither among the results nor pending."""
    return not any(_holds(units, unit) for units in (history.pending, history.units))


def _holds(units: Floats, unit: Floats) -> bool:
    rows = np.flatnonzero(np.abs(units[:, 0] - unit[0]) < ALIKE)
    for axis in range(1, len(unit)):
        if not len(rows):
            break
        rows = rows[np.abs(units[rows, axis] - unit[axis]) < ALIKE]
    return len(rows) > 0


class Newness:
    """Whether points are neither among the results nor pending, for many that are asked about."""

    def __init__(self, history: History) -> None:
        # All coordinates weighed into one number, in order: what is far apart in it is not the same.
        units = np.vstack([history.units, history.pending])
        self._weights: Floats = np.random.default_rng(0).random((units.shape[1],)) + 0.5
        sums = units @ self._weights
        order = np.argsort(sums)
        self._units, self._sums = units[order], sums[order]
        self._apart = ALIKE * float(self._weights.sum()) + 1e-9

    def __call__(self, unit: Floats) -> bool:
        """Return what `is_new` does."""
        place = float(unit @ self._weights)
        first, end = np.searchsorted(self._sums, (place - self._apart, place + self._apart))
        return first == end or not _holds(self._units[first:end], unit)
