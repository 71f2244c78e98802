"""Coarse in time: leaders of short trainings that may go on from their checkpoints."""

import numpy as np
import numpy.typing as npt

from caviar.search.history import Floats, History, Integers
from caviar.search.observations import Observations


def continuable(observations: Observations, history: History, epochs: int | None) -> tuple[Integers, Floats]:
    """Rows of the observations that can be trained on up to `epochs`, and the logarithms of their costs.

    The cost is the share of the epochs that is still to be trained; a point from scratch costs 1. A trial
    goes on once: not if it does already, or if a longer training of its point is known.
    """
    if epochs is None or observations.lengths is None:
        return np.empty(0, dtype=np.int64), np.empty(0)
    places = np.searchsorted(history.numbers, observations.numbers)
    trained = history.epochs[places]
    able = (history.states[places] == "completed") & (trained < epochs)
    rows = [
        row
        for row in np.flatnonzero(able).tolist()
        if not _same(observations.units[row], history.pending).any()
        and not (_same(observations.units[row], observations.units) & (trained > trained[row])).any()
    ]
    kept = np.array(rows, dtype=np.int64)
    return kept, np.log((epochs - trained[kept]) / epochs)


def _same(unit: Floats, units: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray((np.abs(units - unit) < 1e-7).all(axis=1))
