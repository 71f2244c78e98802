"""Boxes: a part of the unit cube per round, drawn around where good points are expected."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from caviar.search.encoding import SpaceEncoding
from caviar.search.history import Floats

EDGE = 0.05  # share of the elite on each side that may lie outside the box


@dataclass(frozen=True, eq=False)
class Box:
    """An interval per axis, and of unordered choices those that are still in play."""

    low: Floats  # (d,)
    high: Floats  # (d,)
    choices: tuple[Floats | None, ...]  # coordinates of the choices left on a categorical axis

    @property
    def widths(self) -> Floats:
        """Sides of the box, 1 being the whole range."""
        return self.high - self.low

    def spread(self, uniforms: Floats) -> Floats:
        """Lay points of the unit cube (m, d) over the box."""
        units = self.low + uniforms * self.widths
        for axis, left in enumerate(self.choices):
            if left is not None:
                units[:, axis] = left[(uniforms[:, axis] * len(left)).astype(np.int64)]
        return units

    def contains(self, units: Floats) -> npt.NDArray[np.bool_]:
        """Return which points (m, d) lie in the box."""
        inside = ((units >= self.low) & (units <= self.high)).all(axis=1)
        for axis, left in enumerate(self.choices):
            if left is not None:
                inside &= (np.abs(units[:, axis, None] - left) < 1e-9).any(axis=1)
        return np.asarray(inside)

    def clip(self, units: Floats) -> Floats:
        """Move points to the nearest ones of the box; choices that are out stay as they are."""
        return np.clip(units, self.low, self.high)


def whole(encoding: SpaceEncoding) -> Box:
    """The whole range of every axis."""
    left = tuple(
        centres if unordered else None
        for centres, unordered in zip(encoding.centres, encoding.categorical, strict=True)
    )
    return Box(np.zeros(encoding.dimensions), np.ones(encoding.dimensions), left)


def around(encoding: SpaceEncoding, elite: Floats, leaders: Floats) -> Box:
    """Box that holds most of the elite (m, d) and, with room on both sides, the leaders (k, d).

    An axis that does not matter keeps its whole range: the elite is spread over it. A leader near the side of
    the box pulls that side outwards, so that a box that was zoomed wrongly wanders.
    """
    low, high = np.quantile(elite, [EDGE, 1.0 - EDGE], axis=0)
    room = 0.25 * (high - low) + 0.02
    low = np.clip(np.minimum(low, leaders.min(axis=0) - room), 0.0, 1.0)
    high = np.clip(np.maximum(high, leaders.max(axis=0) + room), 0.0, 1.0)
    choices: list[Floats | None] = []
    for axis, centres in enumerate(encoding.centres):
        if encoding.categorical[axis] and centres is not None:
            low[axis], high[axis] = 0.0, 1.0
            choices.append(_left(centres, elite[:, axis], leaders[:, axis]))
        else:
            choices.append(None)
    return Box(low, high, tuple(choices))


def _left(centres: Floats, elite: Floats, leaders: Floats) -> npt.NDArray[np.float64]:
    """Choices that some of the elite or of the leaders have."""
    there = np.concatenate([elite, leaders])
    left = centres[[bool(np.any(np.abs(there - centre) < 1e-9)) for centre in centres]]
    return left if len(left) else centres
