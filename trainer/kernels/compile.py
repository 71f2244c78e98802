"""How every kernel is compiled."""

from contextlib import contextmanager

from numba import cfunc, config, njit

from ..cache import folder

# Not "ninf" and "nnan": with those, comparisons lie and a diverging run would not be seen.
_OPTIONS = {"cache": True, "error_model": "numpy"}
FAST_BUT_HONEST = {"nsz", "arcp", "contract", "afn", "reassoc"}


def kernel(function):
    """Compile for the machine, without the GIL, cached on disk; division by zero gives inf, no exception."""
    with _our_cache():
        return njit(nogil=True, fastmath=FAST_BUT_HONEST, **_OPTIONS)(function)


def inner_kernel(function):
    """Compile what only other kernels call: without the entry from Python, which takes longest."""
    return njit(
        nogil=True,
        fastmath=FAST_BUT_HONEST,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        error_model="numpy",
    )(function)


def inlined_kernel(function):
    """Make a function a part of each kernel that calls it: it is never compiled on its own."""
    return njit(nogil=True, inline="always", fastmath=FAST_BUT_HONEST, error_model="numpy")(function)


def exact_kernel(function):
    """Compile in the same way, but with arithmetic as written; a product may still be fused with a sum."""
    with _our_cache():
        return njit(nogil=True, fastmath={"contract"}, **_OPTIONS)(function)


def pointer_kernel(signature, function):
    """Compile a function that is called by its address."""
    with _our_cache():
        return cfunc(signature, fastmath=FAST_BUT_HONEST, **_OPTIONS)(function)


@contextmanager
def _our_cache():
    """Numba reads its cache folder when a function is declared; other packages keep theirs."""
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder())
    try:
        yield
    finally:
        config.CACHE_DIR = before


@exact_kernel
def is_finite(x):
    """Is x neither NaN nor infinite? np.isfinite asks x - x == 0, which fast arithmetic may take for true."""
    return abs(x) <= 1.7976931348623157e308
