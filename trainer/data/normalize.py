"""Normalise inputs: x := (x - mu) / sigma, with mu and sigma of the training set only."""

from __future__ import annotations

import numpy as np

from caviar.trainer.data.table import Array

_ROWS = 4096  # rows worked on at a time, so that no float64 copy of a large float32 matrix is made


def moments(X: Array) -> tuple[Array, Array]:
    """Return the mean and standard deviation of each column.

    Parameters
    ----------
    X : ndarray(any real dtype, (m, n))
        Finite numbers, m >= 1.

    Returns
    -------
    mu, sigma : ndarray(float64, (n,))
        sigma = sqrt(1/m sum (x - mu)^2), and 1 for a constant column, so that it becomes 0 and stays finite.

    Notes
    -----
    Deviations are divided by the largest of the column before they are squared: neither 1e200 nor 1e-200
    leaves the range of float64 on the way.
    """
    m, n = X.shape
    low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
    total = np.zeros(n)
    for start in range(0, m, _ROWS):
        total += (X[start : start + _ROWS].astype(np.float64) / m).sum(axis=0)
    mu = np.clip(total, low, high)  # rounding may not carry the mean outside the values
    reach = np.maximum(high - mu, mu - low)
    constant = high == low
    reach[constant] = 1.0
    squares = np.zeros(n)
    for start in range(0, m, _ROWS):
        squares += np.square((X[start : start + _ROWS].astype(np.float64) - mu) / reach).sum(axis=0)
    sigma = reach * np.sqrt(squares / m)
    sigma[constant] = 1.0
    mu[constant] = low[constant]
    return mu, sigma


def apply(X: Array, mu: Array, sigma: Array, dtype: np.dtype[np.floating] | type[np.floating]) -> Array:
    """Return (X - mu) / sigma, computed in float64, as a new C-contiguous array.

    Parameters
    ----------
    X : ndarray(any real dtype, (m, n))
    mu, sigma : ndarray(float64, (n,))
    dtype : float32 or float64
        Of the result.
    """
    out = np.empty(X.shape, dtype=dtype)
    for start in range(0, len(X), _ROWS):
        rows = slice(start, start + _ROWS)
        with np.errstate(over="ignore"):  # what does not fit becomes infinite and is refused by the caller
            out[rows] = (X[rows].astype(np.float64) - mu) / sigma
    return out
