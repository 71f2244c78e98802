"""The order in which a run sees its examples, for whoever repeats a training in another framework."""

from __future__ import annotations

from typing import Any

import numpy as np

from .kernels import epoch as kernels
from .kernels import structs


def order_of_epoch(seed: int, epoch: int, m: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return the examples of an epoch in the order of training; mini-batches are cut from it in turn.

    Parameters
    ----------
    seed : int
        Of the run.
    epoch : int
        1, 2, ...
    m : int
        Training examples. With batch_size = m there is one mini-batch, and it is not shuffled.

    Returns
    -------
    order : ndarray(int32, (m,))
        A permutation of 0 .. m - 1.
    """
    counters = np.zeros(structs.COUNTERS, np.int64)
    counters[structs.SEED], counters[structs.EPOCH], counters[structs.POSITION] = seed, epoch, m
    order = np.empty(m, np.int32)
    kernels.restore_order(counters, order)
    return order
