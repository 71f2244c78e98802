"""Candidates: points of a box among which a strategy chooses."""

import numpy as np

from caviar.search.boxes import Box
from caviar.search.history import Floats
from caviar.search.layout import Layout


def spread(layout: Layout, box: Box, count: int, rng: np.random.Generator) -> Floats:
    """Random points of the box; all of it if the space is small."""
    every = layout.every_point
    if every is not None:
        inside = every[box.contains(every)]
        return inside if len(inside) else every
    return layout.snap(box.spread(rng.random((count, layout.dimensions))))


def near(
    layout: Layout, box: Box, points: Floats, each: int, size: float, rng: np.random.Generator
) -> Floats:
    """Points of the box that differ from each given one by steps of about `size` on a few axes.

    Integers move by at least one; unordered choices are drawn afresh half of the time.
    """
    base = np.repeat(points, each, axis=0)
    count, dimensions = base.shape
    moved = rng.random(base.shape) < max(2.0 / dimensions, 0.3)
    moved[np.arange(count), rng.integers(dimensions, size=count)] = True
    steps = rng.normal(size=base.shape) * size
    steps = np.where(np.abs(steps) < layout.cells, np.copysign(layout.cells, steps), steps)
    units = box.clip(np.where(moved, base + steps, base))
    if layout.categorical.any():
        other = moved & (rng.random(base.shape) < 0.5)
        drawn = np.where(other, box.spread(rng.random(base.shape)), base)
        units = np.where(layout.categorical, drawn, units)
    return layout.snap(units)
