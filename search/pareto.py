"""Several objectives: which points no other one beats, and how much of the space they dominate.

All values are lower is better; points without a finite value in every objective count for nothing.
"""

import numpy as np
import numpy.typing as npt

from caviar.search.history import Floats

MARGIN = 0.1  # of the range of a front, by which a reference that nobody gave lies beyond its worst


def nondominated(points: Floats) -> npt.NDArray[np.bool_]:
    """Tell which points (n, m) no other one dominates; equal ones stand together."""
    front = np.zeros(len(points), dtype=np.bool_)
    rows = np.flatnonzero(np.isfinite(points).all(axis=1))
    rows = rows[np.argsort(points[rows, 0])]  # so that hardly any but those of the front get their turn
    left, place = points[rows], 0
    while place < len(rows):  # those before `place` have had their turn; none of the others is beaten yet
        one = left[place]
        stays = ~((one <= left).all(axis=1) & (one < left).any(axis=1))
        place = int(stays[: place + 1].sum())
        rows, left = rows[stays], left[stays]
    front[rows] = True
    return front


def hypervolume(points: Floats, reference: Floats) -> float:
    """Return the volume between some points (n, m) and a reference that they dominate."""
    inside = points[(points < reference).all(axis=1)]
    return _volume(inside[nondominated(inside)], reference) if len(inside) else 0.0


def _volume(front: Floats, reference: Floats) -> float:
    """Slice along the last objective; each slice is a volume of one dimension less (While et al. 2006)."""
    if len(reference) == 1:
        return float(reference[0] - front[:, 0].min())
    if len(reference) == 2:
        ordered = front[np.argsort(front[:, 0], kind="stable")]
        heights = np.minimum.accumulate(np.append(reference[1], ordered[:, 1]))
        return float(((reference[0] - ordered[:, 0]) * (heights[:-1] - heights[1:])).sum())
    ordered = front[np.argsort(front[:, -1], kind="stable")]
    depths = np.append(ordered[1:, -1], reference[-1]) - ordered[:, -1]
    total = 0.0
    for count, depth in enumerate(depths.tolist(), 1):
        if depth > 0:
            some = ordered[:count, :-1]
            total += depth * _volume(some[nondominated(some)], reference[:-1])
    return total


def hypervolumes(points: Floats, reference: Floats) -> Floats:
    """Return the hypervolume after each of some points, in their order."""
    volumes, front, now = np.zeros(len(points)), points[:0], 0.0
    for place, point in enumerate(points):
        inside = bool(np.isfinite(point).all() and (point < reference).all())
        if inside and not (front <= point).all(axis=1).any():
            front = np.vstack([front[~(point <= front).all(axis=1)], point])
            now = _volume(front, reference)
        volumes[place] = now
    return volumes


def reference_of(points: Floats, given: Floats, first: int) -> Floats:
    """Return the reference: what is given, else (NaN) what lies beyond the front and the `first` ones."""
    front = points[nondominated(points)]
    if not len(front):
        return np.where(np.isnan(given), 1.0, given)
    low, high = front.min(axis=0), front.max(axis=0)
    spread = np.where(high > low, high - low, np.maximum(np.abs(high), 1e-9))
    # A front of one point, or of one end, must not make what lies beside it worthless.
    usual = points[np.isfinite(points).all(axis=1)][:first].max(axis=0)
    return np.asarray(np.where(np.isnan(given), np.maximum(high + MARGIN * spread, usual), given))
