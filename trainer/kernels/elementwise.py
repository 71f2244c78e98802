"""Short loops over flat arrays. Each is a function of its own: inside a long one LLVM cannot rule out that
arrays overlap, and does not vectorise."""

import numpy as np

from .arrays import fetch, like, part
from .compile import inner_kernel

_FAR = 1 << 18  # elements: smaller sets stay in the second cache
_AHEAD = 4  # rows
_LINE = 16  # elements: a cache line in float32


@inner_kernel
def add_bias(Z, b, m, n):
    """Z := Z + b for each of m rows of n."""
    for i in range(m):
        row = part(Z, i * n, n)
        for j in range(n):
            row[j] += b[j]


@inner_kernel
def column_sums(D, sums, m, n):
    """Write the sum over m rows of each of n columns: db from dZ."""
    for j in range(n):
        sums[j] = like(sums, 0)
    for i in range(m):
        row = part(D, i * n, n)
        for j in range(n):
            sums[j] += row[j]


@inner_kernel
def gather(X, order, begin, m, n, A):
    """Copy the examples order[begin : begin + m] of X (rows of n) into A.

    Where the next rows lie the processor cannot guess, so it is told a little ahead if they may be far away.
    """
    told = m - _AHEAD if X.size >= _FAR else 0
    for i in range(m):
        if i < told:
            following = np.int64(order[begin + i + _AHEAD]) * n
            for j in range(0, n, _LINE):
                fetch(X, following + j)
        source = part(X, np.int64(order[begin + i]) * n, n)
        row = part(A, i * n, n)
        for j in range(n):
            row[j] = source[j]


@inner_kernel
def scale_and_shift(Z, scale, shift, m, n):
    """Z := Z * scale + shift by columns: batch norm at test time."""
    for i in range(m):
        row = part(Z, i * n, n)
        for j in range(n):
            row[j] = row[j] * scale[j] + shift[j]


@inner_kernel
def norm(x):
    """Return the root of the sum of squares, in float64: in float32 the square of 1e-23 is 0, of 1e20 inf."""
    total = 0.0
    for i in range(x.size):
        total += np.float64(x[i]) * np.float64(x[i])
    return np.sqrt(total)


@inner_kernel
def add_l2(W, dW, factor):
    """DW := dW + factor W; return the sum of squares of W."""
    f = like(W, factor)
    total = like(W, 0)
    for i in range(W.size):
        w = W[i]
        dW[i] += f * w
        total += w * w
    return np.float64(total)


@inner_kernel
def add_l1(W, dW, factor):
    """DW := dW + factor sign(W); return the sum of |W|."""
    f = like(W, factor)
    zero = like(W, 0)
    total = zero
    for i in range(W.size):
        w = W[i]
        dW[i] += f if w > zero else (-f if w < zero else zero)
        total += abs(w)
    return np.float64(total)


@inner_kernel
def count_small(W, bound):
    """Return how many elements are smaller than bound in absolute value."""
    b = like(W, bound)
    count = 0
    for i in range(W.size):
        count += abs(W[i]) < b
    return count


@inner_kernel
def copy(source, target):
    """target := source."""
    for i in range(source.size):
        target[i] = source[i]
