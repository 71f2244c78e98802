"""Forward and backward through the layers, for training and for evaluation."""

import numpy as np

from .activations import activate, activate_backward
from .arrays import part
from .batchnorm import batch_norm_backward, batch_norm_forward, fold_averages, update_averages
from .compile import inlined_kernel
from .dropout import drop
from .elementwise import add_bias, add_l1, add_l2, column_sums, scale_and_shift
from .gemm import multiply_nn, multiply_nt, multiply_tn
from .random import DROPOUT, key_of
from .structs import AVERAGED, SEED, STATUS, STEP, Status


@inlined_kernel
def layer_input(shape, scratch, layer, m):
    """Return A[layer] of m examples, (m * n[layer],)."""
    return part(scratch.A, shape.columns[layer] * scratch.rows, m * shape.sizes[layer])


@inlined_kernel
def forward(shape, hyper, state, scratch, m):
    """Training: from A[0] to Z[L], left in the place of A[L]."""
    last = shape.weight.size - 1
    for layer in range(last + 1):
        k, n = shape.sizes[layer], shape.sizes[layer + 1]
        A, Z = layer_input(shape, scratch, layer, m), layer_input(shape, scratch, layer + 1, m)
        W = part(state.weights, shape.weight[layer], k * n)
        b = part(state.weights, shape.bias[layer], n)
        multiply_nn(scratch.product, Z, A, W, m, n, k, scratch.pack)
        if layer == last:
            add_bias(Z, b, m, n)
            return
        if shape.batch_norm and layer < shape.frozen:
            _apply_averages(shape, state, scratch, layer, Z, m)
        elif shape.batch_norm:
            _normalize_layer(shape, state, scratch, layer, Z, b, m)
        else:
            add_bias(Z, b, m, n)
        if not activate(Z, shape.activation, shape.slope):
            state.counters[STATUS] = Status.unknown_activation
        if hyper.keep[layer + 1] < 1.0:
            drop(Z, hyper.keep[layer + 1], _mask_key(state, layer + 1))


@inlined_kernel
def backward(shape, hyper, state, scratch, m):
    """Training: from D = dZ[L] to the gradient of every parameter that changes."""
    D, E = scratch.D, scratch.E
    hidden = shape.weight.size - 1
    for layer in range(hidden, shape.frozen - 1, -1):
        k, n = shape.sizes[layer], shape.sizes[layer + 1]
        A, dZ = layer_input(shape, scratch, layer, m), part(D, 0, m * n)
        multiply_tn(
            scratch.product, part(scratch.gradient, shape.weight[layer], k * n), A, dZ, k, n, m, scratch.pack
        )
        if layer == hidden or not shape.batch_norm:
            column_sums(dZ, part(scratch.gradient, shape.bias[layer], n), m, n)
        if layer == shape.frozen:
            return
        dA = part(E, 0, m * k)
        multiply_nt(
            scratch.product, dA, dZ, part(state.weights, shape.weight[layer], k * n), m, k, n, scratch.pack
        )
        keep = hyper.keep[layer]
        if keep < 1.0:
            drop(dA, keep, _mask_key(state, layer))
        if not activate_backward(dA, A, shape.activation, shape.slope, keep):
            state.counters[STATUS] = Status.unknown_activation
        if shape.batch_norm:
            _normalize_layer_backward(shape, state, scratch, layer - 1, dA, m)
        D, E = E, D


@inlined_kernel
def regularize(shape, hyper, state, scratch, m):
    """Add lambda/m W and lambda/(2m) sign(W) to every dW; return the terms they add to the cost.

    Layers that keep their weights have no such term.
    """
    cost = 0.0
    for layer in range(shape.frozen, shape.weight.size):
        size = shape.sizes[layer] * shape.sizes[layer + 1]
        W = part(state.weights, shape.weight[layer], size)
        dW = part(scratch.gradient, shape.weight[layer], size)
        if hyper.l2 > 0.0:
            cost += hyper.l2 / (2 * m) * add_l2(W, dW, hyper.l2 / m)
        if hyper.l1 > 0.0:
            cost += hyper.l1 / (2 * m) * add_l1(W, dW, hyper.l1 / (2 * m))
    return cost


@inlined_kernel
def predict(shape, state, scratch, X, m):
    """Evaluation: from m examples X to Z[L], in the place of A[L]; no dropout, averages for batch norm."""
    last = shape.weight.size - 1
    A = X
    for layer in range(last + 1):
        k, n = shape.sizes[layer], shape.sizes[layer + 1]
        Z = layer_input(shape, scratch, layer + 1, m)
        b = part(state.weights, shape.bias[layer], n)
        multiply_nn(
            scratch.product, Z, A, part(state.weights, shape.weight[layer], k * n), m, n, k, scratch.pack
        )
        if shape.batch_norm and layer < last:
            _apply_averages(shape, state, scratch, layer, Z, m)
        else:
            add_bias(Z, b, m, n)
        if layer < last and not activate(Z, shape.activation, shape.slope):
            state.counters[STATUS] = Status.unknown_activation
        A = Z


@inlined_kernel
def _mask_key(state, layer):
    return key_of(state.counters[SEED], DROPOUT, state.counters[STEP], layer)


@inlined_kernel
def _normalize_layer(shape, state, scratch, layer, Z, beta, m):
    n, column = shape.sizes[layer + 1], shape.columns[layer + 1]
    gamma = part(state.weights, shape.gamma[layer], n)
    mu = part(scratch.D, 0, n)  # free until the loss is known
    deviation = part(scratch.deviation, column, n)
    Z_norm = part(scratch.normal, column * scratch.rows, m * n)
    batch_norm_forward(Z, Z_norm, gamma, beta, mu, deviation, m, n, shape.batch_norm_epsilon)
    mean = part(state.weights, shape.mean[layer], n)
    variance = part(state.weights, shape.variance[layer], n)
    update_averages(mean, variance, mu, deviation, shape.batch_norm_epsilon, shape.batch_norm_momentum)


@inlined_kernel
def _normalize_layer_backward(shape, state, scratch, layer, D, m):
    n, column = shape.sizes[layer + 1], shape.columns[layer + 1]
    Z_norm = part(scratch.normal, column * scratch.rows, m * n)
    gamma = part(state.weights, shape.gamma[layer], n)
    dgamma = part(scratch.gradient, shape.gamma[layer], n)
    dbeta = part(scratch.gradient, shape.bias[layer], n)
    batch_norm_backward(D, Z_norm, gamma, part(scratch.deviation, column, n), dgamma, dbeta, m, n)


@inlined_kernel
def _apply_averages(shape, state, scratch, layer, Z, m):
    n = shape.sizes[layer + 1]
    gamma, beta = part(state.weights, shape.gamma[layer], n), part(state.weights, shape.bias[layer], n)
    mean, variance = part(state.weights, shape.mean[layer], n), part(state.weights, shape.variance[layer], n)
    scale, shift = part(scratch.D, 0, n), part(scratch.E, 0, n)
    correction = 1.0 - shape.batch_norm_momentum ** max(np.int64(1), state.counters[AVERAGED])
    fold_averages(gamma, beta, mean, variance, correction, shape.batch_norm_epsilon, scale, shift)
    scale_and_shift(Z, scale, shift, m, n)
