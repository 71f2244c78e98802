"""Output unit and loss together: from Z of the output layer to cost, errors and dZ.

All logarithms of a batch are taken at once, of a product: log a + log b = log(a b). The factors lie in
[1, number of classes], so the product stays in range for the block lengths used here.
"""

import math

import numpy as np

from ..choices import Output
from .arrays import like, part
from .compile import inlined_kernel, inner_kernel
from .exponential import exponentials
from .structs import UNKNOWN

_LARGE = 1e200


@inlined_kernel
def loss(output, Z, labels, targets, order, begin, m, n, D):
    """Write D = dZ of the mean cost for m examples order[begin:]; return the sum of losses and of errors.

    An error is a wrong class, or for regression the squared difference, summed over targets. UNKNOWN errors:
    there is no such output.
    """
    if output == Output.binary:
        return _binary(Z, labels, order, begin, m, D)
    if output == Output.multiclass:
        _softmax_numerators(Z, m, n, D)
        return _softmax(Z, labels, order, begin, m, n, D)
    if output == Output.regression:
        return _mean_square(Z, targets, order, begin, m, n, D)
    return UNKNOWN, UNKNOWN


@inner_kernel
def _binary(Z, labels, order, begin, m, D):
    """a = 1/(1 + exp(-z)); loss = -y log a - (1 - y) log(1 - a) = max(z, 0) - y z + log(1 + exp(-|z|))."""
    total, product, wrong = 0.0, 1.0, 0
    for i in range(m):
        z = np.float64(Z[i])
        y = labels[order[begin + i]]
        e = math.exp(-abs(z))
        a = 1.0 / (1.0 + e) if z > 0 else e / (1.0 + e)
        total += max(z, 0.0) - y * z
        product *= 1.0 + e
        if product > _LARGE:
            total += math.log(product)
            product = 1.0
        wrong += (z > 0.0) != (y == 1)
        D[i] = like(D, (a - y) / m)
    return total + math.log(product), np.float64(wrong)


@inner_kernel
def _softmax_numerators(Z, m, n, D):
    """Replace Z by Z - max Z of its row, and write exp of that into D."""
    for i in range(m):
        row = part(Z, i * n, n)
        largest = row[0]
        for j in range(1, n):
            largest = max(row[j], largest)
        for j in range(n):
            row[j] -= largest
    exponentials(part(Z, 0, m * n), D)


@inner_kernel
def _softmax(Z, labels, order, begin, m, n, D):
    """a = exp(z) / sum; loss = -log a_y = log sum - z_y; dZ = (a - y) / m."""
    total, product, wrong = 0.0, 1.0, 0
    for i in range(m):
        row, d = part(Z, i * n, n), part(D, i * n, n)
        y = labels[order[begin + i]]
        s = like(D, 0)
        for j in range(n):
            s += d[j]
        total -= row[y]
        product *= s
        if not product < _LARGE:
            total += math.log(product)
            product = 1.0
        wrong += _beaten(row, y, n)
        share = like(D, 1.0 / (np.float64(s) * m))
        for j in range(n):
            d[j] *= share
        d[y] -= like(D, 1.0 / m)
    return total + math.log(product), np.float64(wrong)


@inner_kernel
def _beaten(row, y, n):
    """Is another class than y the first of the most probable ones?"""
    best = 0
    for j in range(1, n):
        if row[j] > row[best]:
            best = j
    return best != y


@inner_kernel
def _mean_square(Z, targets, order, begin, m, n, D):
    """loss = sum (z - y)^2 / n; dZ = 2 (z - y) / (n m)."""
    factor = like(D, 2.0 / (n * m))
    total = 0.0
    for i in range(m):
        row, d = part(Z, i * n, n), part(D, i * n, n)
        y = part(targets, np.int64(order[begin + i]) * n, n)
        for j in range(n):
            difference = row[j] - y[j]
            total += np.float64(difference) * np.float64(difference)
            d[j] = factor * difference
    return total / n, total / n
