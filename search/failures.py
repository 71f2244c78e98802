"""Keeping away from failures: whether a point lies nearer to trials that failed than to those that worked."""

import numpy as np

from caviar.search.encoding import SpaceEncoding
from caviar.search.history import Floats, History
from caviar.search.surrogate import squared_distances

LATEST = 256  # trials of each kind that are looked at


class Caution:
    """The logarithm of the chance to work that is left to a point by the nearest trials."""

    def __init__(self, encoding: SpaceEncoding, history: History, failed: Floats) -> None:
        worked = history.units[np.isfinite(history.values)][-LATEST:]
        self._encoding = encoding
        self._failed, self._worked = (encoding.features(encoding.snap(some)) for some in (failed, worked))

    @classmethod
    def of(cls, encoding: SpaceEncoding, history: History) -> "Caution | None":
        """Return the caution that a history teaches; None without failures to learn from."""
        failed = history.units[history.fails][-LATEST:]
        return cls(encoding, history, failed) if len(failed) else None

    def at(self, units: Floats) -> Floats:
        """Return the log of the share of the distance to a failure in that to a failure and to a success."""
        columns = self._encoding.features(units)
        to_failed, to_worked = (_nearest(columns, some) for some in (self._failed, self._worked))
        return np.asarray(np.round(np.log(np.maximum(to_failed / (to_failed + to_worked), 1e-6)), 6))


def _nearest(columns: Floats, others: Floats) -> Floats:
    if not len(others):
        return np.ones(len(columns))
    return np.asarray(np.sqrt(np.maximum(squared_distances(columns, others).min(axis=1), 1e-12)))
