"""Inverted dropout: D = rand < keep_prob, A := A * D / keep_prob. The mask is a hash of (key, element): the
backward pass draws it again instead of storing it."""

import numpy as np

from .arrays import like
from .compile import inner_kernel
from .random import WEYL, element_hash


@inner_kernel
def drop(A, keep, key):
    """A := A * D / keep, in place. Applied to dA with the same key it is its own backward pass."""
    zero, scale = like(A, 0), like(A, 1.0 / keep)
    low, high = np.uint32(key), np.uint32(key >> np.uint64(32))
    bound = np.int32(min(keep * 2147483648.0, 2147483647.0))  # 31 bits: signed comparisons are cheaper
    weyl = np.uint32(0)
    for i in range(A.size):
        A[i] *= scale if np.int32(element_hash(weyl, low, high) >> np.uint32(1)) < bound else zero
        weyl = np.uint32(weyl + WEYL)
