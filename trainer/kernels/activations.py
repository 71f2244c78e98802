"""g of the hidden layers and its derivative. Both work in place: A replaces Z, and dZ replaces dA."""

from .arrays import like
from .compile import inlined_kernel, inner_kernel
from .exponential import sigmoid, tanh
from .structs import LEAKY_RELU, RELU, TANH


@inlined_kernel
def activate(Z, activation, slope):
    """A = g(Z), in place."""
    if activation == RELU:
        _leaky(Z, 0.0)
    elif activation == LEAKY_RELU:
        _leaky(Z, slope)
    elif activation == TANH:
        tanh(Z)
    else:
        sigmoid(Z)


@inlined_kernel
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
    """Times 1 or slope: of a choice between z and slope z LLVM makes masked stores, which are slow."""
    zero, one, s = like(Z, 0), like(Z, 1), like(Z, slope)
    for i in range(Z.size):
        Z[i] *= s if Z[i] <= zero else one


@inner_kernel
def _leaky_backward(D, A, slope):
    zero, one, s = like(A, 0), like(A, 1), like(A, slope)
    for i in range(D.size):
        D[i] *= one if A[i] > zero else s


@inner_kernel
def _tanh_backward(D, A, keep):
    one, k = like(A, 1), like(A, keep)
    for i in range(D.size):
        a = k * A[i]
        D[i] *= one - a * a


@inner_kernel
def _sigmoid_backward(D, A, keep):
    one, k = like(A, 1), like(A, keep)
    for i in range(D.size):
        a = k * A[i]
        D[i] *= a * (one - a)
