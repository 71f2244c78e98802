"""g of the hidden layers and its derivative. Both work in place: A replaces Z, and dZ replaces dA."""

from ..choices import Activation
from .arrays import like
from .compile import inlined_kernel, inner_kernel
from .exponential import sigmoid, tanh


@inlined_kernel
def activate(Z, activation, slope):
    """A = g(Z), in place; return whether g is known."""
    if activation == Activation.relu:
        _leaky(Z, 0.0)
    elif activation == Activation.leaky_relu:
        _leaky(Z, slope)
    elif activation == Activation.tanh:
        tanh(Z)
    elif activation == Activation.sigmoid:
        sigmoid(Z)
    else:
        return False
    return True


@inlined_kernel
def activate_backward(D, A, activation, slope, keep):
    """dZ = dA * g'(Z), in place of dA; g' is written in terms of A, which dropout has divided by keep.

    Return whether g is known.
    """
    if activation == Activation.relu:
        _leaky_backward(D, A, 0.0)
    elif activation == Activation.leaky_relu:
        _leaky_backward(D, A, slope)
    elif activation == Activation.tanh:
        _tanh_backward(D, A, keep)
    elif activation == Activation.sigmoid:
        _sigmoid_backward(D, A, keep)
    else:
        return False
    return True


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
