"""Encoding of a space as arrays: many points at once, moved to values that exist, and as features."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache, cached

from caviar.search.axes import Axis, Numbers
from caviar.search.history import Floats, Integers
from caviar.search.space import NEUTRAL, Space

MOST_CENTRES = 4096  # an integer with more values is treated as a continuum
MOST_POINTS = 1024  # a space with fewer points is looked at point by point


@dataclass(frozen=True, eq=False)
class SpaceEncoding:
    """Axes of a space as arrays, for strategies that look at thousands of points."""

    space: Space
    centres: tuple[Floats | None, ...]  # coordinates of the values of a counted axis, ascending
    zeros: Floats  # (d,) share at the low end that is exactly zero
    categorical: npt.NDArray[np.bool_]  # (d,) more than two choices without an order

    @property
    def dimensions(self) -> int:
        """Number of axes."""
        return len(self.centres)

    def snap(self, units: Floats) -> Floats:
        """Move coordinates (m, d) to those of points that exist: values counted, inactive axes at 0.5."""
        units = np.clip(units, 0.0, 1.0)
        for axis, middles in enumerate(self._middles):
            if middles is not None:
                units[:, axis] = self.centres[axis][np.searchsorted(middles, units[:, axis])]  # type: ignore[index]
            elif self.zeros[axis]:
                units[units[:, axis] < self.zeros[axis], axis] = self.zeros[axis] / 2
        return np.where(self._active(units), units, NEUTRAL) if self.space.conditional else units

    def candidates(self, units: Floats) -> Floats:
        """Move coordinates (m, d) to those of points that exist and obey the relations."""
        region = self.space.region
        return self.snap(units) if region is None else region.settle(self.snap(units))

    @cached_property
    def _middles(self) -> tuple[Floats | None, ...]:
        return tuple(None if one is None else (one[1:] + one[:-1]) / 2 for one in self.centres)

    @cached_property
    def cells(self) -> Floats:
        """Step on each axis that surely leads to another value; 0 on a continuum."""
        return np.array([0.0 if one is None or len(one) < 2 else np.diff(one).max() for one in self.centres])

    def _active(self, units: Floats) -> npt.NDArray[np.bool_]:
        """Whether each coordinate counts, decided once for equal values of the axes that decide."""
        _, rows, where = np.unique(units[:, self.deciding], axis=0, return_index=True, return_inverse=True)
        return np.asarray(self.space.active_at(units[rows])[where.ravel()], dtype=np.bool_)

    @cached_property
    def deciding(self) -> list[int]:
        """Axes of the parameters that others hang on."""
        deciders = self.space.deciders
        return [place for place, axis in enumerate(self.space.axes) if axis.parameter in deciders]

    def features(self, units: Floats) -> Floats:
        """Columns with a sensible Euclidean distance: a choice is a corner of a simplex with sides 1."""
        columns = []
        for axis, centres in enumerate(self.centres):
            column = units[:, axis, None]
            if centres is not None and self.categorical[axis]:
                column = (np.abs(column - centres) < 1e-9) * 2.0**-0.5
            columns.append(column)
        return np.hstack(columns)

    @cached_property
    def axis_of_feature(self) -> Integers:
        """Axis of each column of the features."""
        widths = [len(self.centres[axis]) if self.categorical[axis] else 1 for axis in range(self.dimensions)]  # type: ignore[arg-type]
        return np.repeat(np.arange(self.dimensions), widths)

    @cached_property
    def every_point(self) -> Floats | None:
        """All points of a small space (m, d), None if there are too many or a continuum of them."""
        counted = [centres for centres in self.centres if centres is not None]
        if len(counted) < self.dimensions or prod(map(len, counted)) > MOST_POINTS:
            return None
        return np.unique(self.candidates(np.array(list(product(*counted)))), axis=0)


def _centres(axis: Axis) -> Floats | None:
    if axis.levels is None or axis.levels > MOST_CENTRES:
        return None
    if isinstance(axis.domain, Numbers):
        low, step = axis.domain.definition.low, axis.domain.step or 1.0
        values: list[Any] = [
            axis.domain.canonical(low + place * step) for place in range(axis.domain.steps + 1)
        ]
        values += [0] if axis.domain.zero else []
    else:
        values = list(axis.domain.definition.choices)
    return np.unique([axis.to_unit(value) for value in values])


@cached(LRUCache(64), key=id, lock=Lock())
def encoding_of(space: Space) -> SpaceEncoding:
    """Return the encoding of a space; remembered by identity: it has no cheap hash, and never changes."""
    axes = space.axes
    return SpaceEncoding(
        space,
        tuple(map(_centres, axes)),
        np.array([axis.zero for axis in axes]),
        np.array([not axis.ordered and (axis.levels or 0) > 2 for axis in axes], dtype=np.bool_),
    )


def count_points(space: Space) -> int | None:
    """Return how many points a space has; None for a continuum, or for too many under conditions."""
    levels = [axis.levels for axis in space.axes]
    if None in levels:
        return None
    every = encoding_of(space).every_point
    if every is not None:
        return len(every)
    dependent = bool(space.conditional) or space.region is not None
    return None if dependent else prod(one for one in levels if one is not None)
