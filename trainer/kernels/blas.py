"""The product of two matrices by the BLAS that comes with SciPy, for hosts without register tiles.

Used with one thread: a trial has one core, and sums must not depend on how many threads share them.
"""

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  Numba's np.dot calls this BLAS: load it before it is limited
from numba import carray
from threadpoolctl import threadpool_limits


def multiply(C, A, B, m, n, k, row_step, k_step, transposed, pack):
    """C (m, n) = op(A) op(B); row_step is k or 1, k_step is 1 or m."""
    result = carray(C, (m, n))
    if transposed:
        np.dot(carray(A, (m, k)), carray(B, (n, k)).T, result)
    elif k_step == 1:
        np.dot(carray(A, (m, k)), carray(B, (k, n)), result)
    else:
        np.dot(carray(A, (k, m)).T, carray(B, (k, n)), result)


threadpool_limits(1, user_api="blas")
