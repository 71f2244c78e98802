"""Warm start: the best points of an earlier search, brought into the space of a new one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar.search.space import Point, Space


def starting_points(
    space: Space, earlier: Sequence[tuple[Mapping[str, Any], float]], most: int = 5
) -> list[Point]:
    """Starting points from pairs of (point, value, lower is better), the best first and each one once.

    Common parameters keep their values, clipped to the new ranges; a choice that is no longer there, what is
    no number where there is a range, and a parameter that was not there take the middle of theirs. The spaces
    may differ in any way.
    """
    best = sorted((pair for pair in earlier if np.isfinite(pair[1])), key=lambda pair: pair[1])
    found: dict[Any, Point] = {}
    for point, _ in best:
        if len(found) == most:
            break
        brought = transfer(space, point)
        found.setdefault(space.key(brought), brought)
    return list(found.values())


def transfer(space: Space, point: Mapping[str, Any]) -> Point:
    """Point of the space nearest to a point of another one; values that it cannot read are left out."""
    common = {}
    for name, axis in {axis.parameter: axis for axis in space.axes}.items():
        if name in point and axis.entries(point[name]) is not None:
            common[name] = point[name]
    return space.from_unit(space.settle(space.to_unit(common)))
