"""What a strategy answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.search.space import Point, Space, Units


@dataclass(frozen=True)
class Proposal:
    """The point of one trial, and why it was chosen."""

    point: Point
    unit: Units  # (d,) Space.to_unit(point)
    origin: str  # random, sobol, grid, coarse, zoom, global, repeat, tpe, gp, cmaes, enqueued, reevaluation
    why: str
    round: int | None = None
    parent: int | None = None  # the trial whose point this is (repeat, re-evaluation)
    continue_from: int | None = None  # the trial whose last checkpoint to start from
    epochs: int | None = None  # train up to this epoch; None: as the settings say


def propose_at(space: Space, units: Units, origin: str, why: str, **rest: Any) -> Proposal:
    """Propose the point at some coordinates.

    Its own ones may differ where values are counted or inactive, and where a relation is broken.
    """
    point = space.from_unit(space.settle(units))
    return Proposal(point, space.to_unit(point), origin, why, **rest)


def round_for_determinism(units: Units) -> Units:
    """Coordinates without the last bits, in which linear algebra is not the same twice.

    The order of its sums hangs on where in memory a matrix lies. A strategy that computes a point with it
    rounds the point, so that the same search gives the same trials.
    """
    return np.asarray(np.round(units * 2.0**26) * 2.0**-26, dtype=np.float64)
