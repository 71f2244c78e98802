"""What a strategy answers."""

from dataclasses import dataclass

from search.space import Point, Units


@dataclass(frozen=True)
class Proposal:
    """The point of one trial, and why it was chosen."""

    point: Point
    unit: Units  # (d,) coordinates of the point
    origin: str  # random, sobol, grid, coarse, zoom, global, tpe, gp, cmaes, enqueued, reevaluation
    why: str
    round: int | None = None
    parent: int | None = None  # the trial whose point this is (re-evaluation)
    continue_from: int | None = None  # the trial whose last checkpoint to start from
    epochs: int | None = None  # train up to this epoch; None: as the settings say
