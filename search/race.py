"""A race over folds: which trials the first folds leave no hope of being the best.

Trials are compared fold by fold: what makes a fold hard makes it hard for all of them and cancels out. What
is left of the differences is noise, estimated from the trials that went through all folds.
"""

import math

import numpy as np
from scipy.special import stdtrit

from caviar.search.history import Floats

MOST_COMPARED = 16  # of the trials that went through all folds, the best ones: noise grows with the error


def bounds(means: Floats, chance: float, least: int) -> list[float | None]:
    """Return the worst mean after each fold but the last with which a trial may still become the best.

    `means` (n, k): of each trial seen the mean of its first 1 .. k folds, lower is better, NaN where it was
    ended. After f folds a trial's mean and that of the leader differ by chance with the variance
    2 s^2 (1/f - 1/k) from what they will differ by after all k; s^2 is that of a single fold.
    """
    folds = means.shape[1]
    whole = means[np.isfinite(means).all(axis=1)]
    if len(whole) < max(least, 2) or folds < 2:
        return [None] * (folds - 1)
    whole = whole[np.argsort(whole[:, -1], kind="stable")][: max(min(len(whole) // 2, MOST_COMPARED), least)]
    turns = np.arange(1, folds + 1)
    single = np.diff(whole * turns, axis=1, prepend=0.0)  # (n, k) of each fold alone
    apart = single - single.mean(axis=1, keepdims=True) - single.mean(axis=0) + single.mean()
    freedom = (len(whole) - 1) * (folds - 1)
    noise = math.sqrt(float((apart**2).sum()) / freedom)
    quantile = -float(stdtrit(freedom, chance))
    margins = quantile * noise * np.sqrt(2.0 * (1.0 / turns[:-1] - 1.0 / folds))
    found: list[float | None] = (whole[0, :-1] + margins).tolist()
    return found
