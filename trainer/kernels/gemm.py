"""The three products of a layer, on flat row-major arrays."""

import numpy as np

from .compile import kernel


@kernel
def multiply_nn(C, A, B, m, n, k, pack):
    """C (m, n) = A (m, k) B (k, n): Z = A W."""
    np.dot(A.reshape(m, k), B.reshape(k, n), C.reshape(m, n))


@kernel
def multiply_tn(C, A, B, m, n, k, pack):
    """C (m, n) = A^T B with A (k, m), B (k, n): dW = A^T dZ."""
    np.dot(A.reshape(k, m).T, B.reshape(k, n), C.reshape(m, n))


@kernel
def multiply_nt(C, A, B, m, n, k, pack):
    """C (m, n) = A (m, k) B^T with B (n, k): dA = dZ W^T."""
    np.dot(A.reshape(m, k), B.reshape(n, k).T, C.reshape(m, n))
