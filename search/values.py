"""The value of a trial: what of its learning curve counts.

The one place that says it: stopping rules, results, exports and the model that is kept follow from it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar.search.history import Floats

# last, best, or the mean of so many last epochs. None: the last one, while stopping rules compare the best.
How = str | int | None


def read_how(written: Any) -> How:
    """Return what `objective.value` says; the mean of the last epochs as their number."""
    if isinstance(written, Mapping):
        return int(written["mean_of_last"])
    return None if written is None else str(written)


def values_along(curve: Sequence[float] | Floats, how: How, direction: str) -> Floats:
    """Return the value that a trial would have after each epoch, NaN while it has none.

    The curve has the metric of epoch 1 first; epochs that are not finite count for nothing.
    """
    told = np.asarray(curve, dtype=np.float64)
    told = np.where(np.isfinite(told), told, np.nan)
    if how == "best":
        return np.asarray((np.fmax if direction == "maximize" else np.fmin).accumulate(told))
    return _means(told, how) if isinstance(how, int) else told


def _means(told: Floats, epochs: int) -> Floats:
    """Return the mean of the last epochs at each one, added in an order that hangs on nothing else."""
    known = ~np.isnan(told)
    total, counted = np.zeros(len(told)), np.zeros(len(told))
    for back in range(min(epochs, len(told))):
        end = len(told) - back
        total[back:] += np.where(known[:end], told[:end], 0.0)
        counted[back:] += known[:end]
    return np.where(counted > 0, total / np.maximum(counted, 1.0), np.nan)


def value_of(curve: Sequence[float] | Floats, how: How, direction: str, final: float | None) -> float | None:
    """Return a trial's value; `final` is its result, which counts where its epochs say nothing.

    Means and bests have the seven digits that curves are kept with.
    """
    if how is None or how == "last":
        return final
    along = values_along(curve, how, direction)
    if not len(along) or math.isnan(along[-1]):
        return final
    return float(f"{along[-1]:.7g}")


def best_epoch(curve: Sequence[float] | Floats, direction: str) -> int:
    """Return the first epoch with the best value, 0 where none has one."""
    best = values_along(curve, "best", direction)
    if not len(best) or math.isnan(best[-1]):
        return 0
    return int(np.flatnonzero(np.asarray(curve) == best[-1])[0]) + 1
