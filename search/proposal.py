"""What a strategy answers."""

from dataclasses import dataclass
from typing import Any

from search.space import Point, Space, Units


@dataclass(frozen=True)
class Proposal:
    """The point of one trial, and why it was chosen."""

    point: Point
    unit: Units  # (d,) Space.to_unit(point)
    origin: str  # random, sobol, grid, coarse, zoom, global, tpe, gp, cmaes, enqueued, reevaluation
    why: str
    round: int | None = None
    parent: int | None = None  # the trial whose point this is (re-evaluation)
    continue_from: int | None = None  # the trial whose last checkpoint to start from
    epochs: int | None = None  # train up to this epoch; None: as the settings say


def at(space: Space, units: Units, origin: str, why: str, **rest: Any) -> Proposal:
    """Propose the point at some coordinates; its own ones may differ where values are counted or inactive."""
    point = space.from_unit(units)
    return Proposal(point, space.to_unit(point), origin, why, **rest)
