"""g of the hidden layers and its derivative. Both work in place: A replaces Z, and dZ replaces dA."""

import numpy as np

from .arrays import like
from .compile import inner_kernel
from .structs import LEAKY_RELU, RELU, TANH


@inner_kernel
def activate(Z, activation, slope):
    """A = g(Z), in place."""
    if activation == RELU:
        _leaky(Z, 0.0)
    elif activation == LEAKY_RELU:
        _leaky(Z, slope)
    elif activation == TANH:
        _tanh(Z)
    else:
        _sigmoid(Z)


@inner_kernel
def activate_backward(D, A, activation, slope, keep):
    """dZ = dA * g'(Z), in place of dA; g' is written in terms of A, which dropout has divided by keep."""
    if activation == RELU:
        _leaky_backward(D, A, 0.0)
    elif activation == LEAKY_RELU:
        _leaky_backward(D, A, slope)
    elif activation == TANH:
        _tanh_backward(D, A, keep)
    else:
        _sigmoid_backward(D, A, keep)


@inner_kernel
def _leaky(Z, slope):
    zero, s = like(Z, 0), like(Z, slope)
    for i in range(Z.size):
        z = Z[i]
        Z[i] = s * z if z <= zero else z  # a NaN stays a NaN


@inner_kernel
def _leaky_backward(D, A, slope):
    zero, s = like(A, 0), like(A, slope)
    for i in range(D.size):
        d = D[i]
        D[i] = d if A[i] > zero else s * d


@inner_kernel
def _tanh(Z):
    for i in range(Z.size):
        Z[i] = np.tanh(Z[i])


@inner_kernel
def _tanh_backward(D, A, keep):
    one, k = like(A, 1), like(A, keep)
    for i in range(D.size):
        a = k * A[i]
        D[i] *= one - a * a


@inner_kernel
def _sigmoid(Z):
    one = like(Z, 1)
    for i in range(Z.size):
        Z[i] = one / (one + np.exp(-Z[i]))


@inner_kernel
def _sigmoid_backward(D, A, keep):
    one, k = like(A, 1), like(A, keep)
    for i in range(D.size):
        a = k * A[i]
        D[i] *= a * (one - a)
