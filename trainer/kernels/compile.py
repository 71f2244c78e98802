"""How every kernel is compiled."""

from contextlib import contextmanager

from numba import cfunc, config, njit

from ..cache import folder

# Not "ninf" and "nnan": with those, comparisons lie and a diverging run would not be seen.
FAST_BUT_HONEST = {"nsz", "arcp", "contract", "afn", "reassoc"}
# Division by zero gives inf, no exception. No kernel allocates, so none counts references.
_ALL = {"nogil": True, "error_model": "numpy", "_nrt": False}
_INNER = {**_ALL, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function):
    """Compile what Python calls, cached on disk with all that it calls."""
    with cached_in_our_folder():
        return njit(cache=True, fastmath=FAST_BUT_HONEST, **_ALL)(function)


def inner_kernel(function):
    """Compile what only other kernels call: without the entry from Python, which takes longest."""
    return njit(fastmath=FAST_BUT_HONEST, **_INNER)(function)


def inlined_kernel(function):
    """Make a function a part of each kernel that calls it: it is never compiled on its own."""
    return njit(inline="always", fastmath=FAST_BUT_HONEST, **_ALL)(function)


def exact_kernel(function):
    """Compile an inner kernel with arithmetic as written; a product may still be fused with a sum."""
    return njit(fastmath={"contract"}, **_INNER)(function)


def as_written(function):
    """Compile what Python calls, with arithmetic exactly as written; it may allocate."""
    with cached_in_our_folder():
        return njit(cache=True, nogil=True, error_model="numpy")(function)


def pointer_kernel(signature, function):
    """Compile a function that is called by its address, cached on disk."""
    with cached_in_our_folder():
        return cfunc(signature, cache=True, error_model="numpy", fastmath=FAST_BUT_HONEST)(function)


def entry(inner):
    """Make an inner kernel callable from Python, for tests."""

    @njit
    def call(*arguments):
        return inner(*arguments)

    return call


@contextmanager
def cached_in_our_folder():
    """Keep in our folder what is compiled: Numba reads its name as a function is declared."""
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder())
    try:
        yield
    finally:
        config.CACHE_DIR = before


@exact_kernel
def is_finite(x):
    """Is x neither NaN nor infinite? np.isfinite asks x - x == 0, which fast arithmetic may take for true."""
    return abs(x) <= 1.7976931348623157e308
