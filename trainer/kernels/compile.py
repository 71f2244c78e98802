"""How every kernel is compiled."""

from numba import njit

# Not "ninf" and "nnan": with those, isfinite() lies and a diverging run would not be seen.
FAST_BUT_HONEST = {"nsz", "arcp", "contract", "afn", "reassoc"}


def kernel(function):
    """Compile for the machine, without the GIL, cached on disk; division by zero gives inf, not an exception."""
    return njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST_BUT_HONEST)(function)


@njit(nogil=True, cache=True)
def is_finite(x):
    """Is x neither NaN nor infinite? np.isfinite asks x - x == 0, which fast arithmetic may simplify to true."""
    return abs(x) <= 1.7976931348623157e308
