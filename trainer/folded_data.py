"""The data of a trial with folds: one `Data` for each, made when it is first trained on."""

from __future__ import annotations

from threading import Lock

import numpy as np

from .data.load import Prepared
from .data.types import Data

MOST_BYTES = 1 << 29  # of folds that are kept ready; beyond it the oldest is made anew


class FoldedData:
    """Folds of a data set, shared by the trials of a search."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._made: dict[int, Data] = {}
        self._lock = Lock()

    @property
    def folds(self) -> int:
        """Trainings of a trial: folds times repeats."""
        return self._prepared.folds

    def fold(self, index: int) -> Data:
        """Return a fold, encoded and normalised by its own training rows."""
        with self._lock:
            if index not in self._made:
                self._made[index] = self._prepared.data(index)
                while len(self._made) > 1 and sum(map(_bytes, self._made.values())) > MOST_BYTES:
                    del self._made[next(iter(self._made))]
            return self._made[index]


def _bytes(data: Data) -> int:
    return sum(array.nbytes for array in vars(data).values() if isinstance(array, np.ndarray))
