"""Which trials have no hope of becoming the best, foreseen from the curves of those that ran to their end.

A trial that ends as well as the best one so far comes by values at earlier epochs that a straight line
foretells: the value at an epoch on the value at the end, over the better half of the finished trials. What
lies above the line by more than the scatter around it allows is hopeless.
"""

import math

import numpy as np
from scipy.special import stdtrit

from caviar.search.history import Floats


def bounds(values: Floats, risk: float, least: int) -> list[float | None]:
    """Return the worst value at each rung but the last with which a trial may still become the best.

    `values` (n, r): of each trial seen its values at the rungs, of which the last is the end; lower is
    better, NaN where it was ended. A bound is the upper end of a one-sided prediction interval of a linear
    regression (Draper and Smith 1998, section 3.1) at the value of the leader; `risk`, for all rungs
    together, is shared among them.
    """
    rungs = values.shape[1] - 1
    whole = values[np.isfinite(values).all(axis=1)]
    if len(whole) < least or rungs < 1:
        return [None] * max(rungs, 0)
    whole = whole[np.argsort(whole[:, -1], kind="stable")][: max(least, -(-len(whole) // 2))]
    ends = whole[:, -1]
    return [_bound(whole[:, rung], ends, risk / rungs) for rung in range(rungs)]


def _bound(values: Floats, ends: Floats, risk: float) -> float:
    """Return the value at an epoch that a trial as good as the leader exceeds with a chance of `risk`."""
    m, from_mean = len(ends), ends - ends.mean()
    spread = float(from_mean @ from_mean)
    slope = float(from_mean @ values) / spread if spread > 0 else 0.0
    residuals = values - values.mean() - slope * from_mean
    freedom = m - 2
    leader = float(from_mean[0])  # the leader comes first
    factor = 1.0 + 1.0 / m + (leader**2 / spread if spread > 0 else 0.0)
    scatter = math.sqrt(float(residuals @ residuals) / freedom * factor)
    return float(values.mean() + slope * leader - float(stdtrit(freedom, risk)) * scatter)
