"""The losses of losses.py with weights of examples and a limit of z."""

import math

import numpy as np

from ..choices import Output
from .arrays import like, part
from .compile import inlined_kernel, inner_kernel
from .structs import UNKNOWN


@inlined_kernel
def weighted_loss(output, Z, labels, targets, order, begin, m, n, D, cost_weights, weights, limit):
    """Write D = dZ of J = 1/m sum c_i loss_i; return the sums of c_i loss_i and of w_i errors.

    c = cost_weights, w = weights, by the examples' numbers; of none: 1. With two classes the second one is
    predicted where z > limit. UNKNOWN errors: there is no such output.
    """
    if output == Output.binary:
        return _weighted_binary(Z, labels, order, begin, m, D, cost_weights, weights, limit)
    if output == Output.multiclass:
        return _weighted_softmax(Z, labels, order, begin, m, n, D, cost_weights, weights)
    if output == Output.regression:
        return _weighted_square(Z, targets, order, begin, m, n, D, cost_weights, weights)
    return UNKNOWN, UNKNOWN


@inner_kernel
def _weighted_binary(Z, labels, order, begin, m, D, cost_weights, weights, limit):
    """dz = c (a - y)/m."""
    total, wrong = 0.0, 0.0
    for i in range(m):
        z, row = np.float64(Z[i]), order[begin + i]
        y = labels[row]
        c = cost_weights[row] if cost_weights.size > 0 else 1.0
        e = math.exp(-abs(z))
        a = 1.0 / (1.0 + e) if z > 0 else e / (1.0 + e)
        total += c * (max(z, 0.0) - y * z + math.log1p(e))
        if (z > limit) != (y == 1):
            wrong += weights[row] if weights.size > 0 else 1.0
        D[i] = like(D, c * (a - y) / m)
    return total, wrong


@inner_kernel
def _weighted_softmax(Z, labels, order, begin, m, n, D, cost_weights, weights):
    """dz = c (a - y)/m."""
    total, wrong = 0.0, 0.0
    for i in range(m):
        z, d, row = part(Z, i * n, n), part(D, i * n, n), order[begin + i]
        y = labels[row]
        c = cost_weights[row] if cost_weights.size > 0 else 1.0
        largest = np.float64(z[0])
        for j in range(1, n):
            largest = max(largest, np.float64(z[j]))
        s = 0.0
        for j in range(n):
            s += math.exp(np.float64(z[j]) - largest)
        for j in range(n):
            d[j] = like(D, c * math.exp(np.float64(z[j]) - largest) / (s * m))
        d[y] -= like(D, c / m)
        total += c * (largest + math.log(s) - z[y])
        if _beaten(z, y, n):
            wrong += weights[row] if weights.size > 0 else 1.0
    return total, wrong


@inner_kernel
def _weighted_square(Z, targets, order, begin, m, n, D, cost_weights, weights):
    """dz = 2 c (z - y)/(n m)."""
    total, wrong = 0.0, 0.0
    for i in range(m):
        z, d, row = part(Z, i * n, n), part(D, i * n, n), np.int64(order[begin + i])
        y = part(targets, row * n, n)
        c = cost_weights[row] if cost_weights.size > 0 else 1.0
        squares = 0.0
        for j in range(n):
            difference = np.float64(z[j]) - np.float64(y[j])
            squares += difference * difference
            d[j] = like(D, 2.0 * c * difference / (n * m))
        total += c * squares
        wrong += (weights[row] if weights.size > 0 else 1.0) * squares
    return total / n, wrong / n


@inner_kernel
def _beaten(row, y, n):
    """Is another class than y the first of the most probable ones?"""
    best = 0
    for j in range(1, n):
        if row[j] > row[best]:
            best = j
    return best != y
