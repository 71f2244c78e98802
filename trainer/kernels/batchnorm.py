"""Batch norm on Z before g: Z_norm = (Z - mu) / sqrt(sigma^2 + epsilon), Z~ = gamma Z_norm + beta.

The mathematics is in docs/trainer/batch_norm.md.
"""

import numpy as np

from .arrays import like, part
from .compile import inlined_kernel, inner_kernel


@inlined_kernel
def batch_norm_forward(Z, Z_norm, gamma, beta, mu, deviation, m, n, epsilon):
    """Replace Z (m, n) by Z~; keep Z_norm, mu and deviation = 1/sqrt(sigma^2 + epsilon); return nothing."""
    _means(Z, mu, m, n)
    _variances(Z, mu, deviation, m, n)
    _inverse_roots(deviation, epsilon)
    _normalize(Z, Z_norm, gamma, beta, mu, deviation, m, n)


@inlined_kernel
def batch_norm_backward(D, Z_norm, gamma, deviation, dgamma, dbeta, m, n):
    """Replace D = dZ~ (m, n) by dZ; write dgamma = sum dZ~ * Z_norm and dbeta = sum dZ~."""
    _sums_backward(D, Z_norm, dgamma, dbeta, m, n)
    _backward(D, Z_norm, gamma, deviation, dgamma, dbeta, m, n)


@inner_kernel
def update_averages(mean, variance, mu, deviation, epsilon, momentum):
    """average := momentum average + (1 - momentum) value, for mu and sigma^2 = 1/deviation^2 - epsilon."""
    one, b, e = like(mu, 1), like(mu, momentum), like(mu, epsilon)
    c = one - b
    for j in range(mu.size):
        d = deviation[j]
        mean[j] = b * mean[j] + c * mu[j]
        variance[j] = b * variance[j] + c * max(one / (d * d) - e, like(mu, 0))


@inner_kernel
def fold_averages(gamma, beta, mean, variance, correction, epsilon, scale, shift):
    """Write scale and shift, so that Z~ = scale Z + shift at test time, from averages / correction."""
    e, c, one = like(mean, epsilon), like(mean, 1.0 / correction), like(mean, 1)
    for j in range(mean.size):
        scale[j] = gamma[j] * (one / np.sqrt(variance[j] * c + e))
        shift[j] = beta[j] - mean[j] * c * scale[j]


@inner_kernel
def _means(Z, mu, m, n):
    share = like(Z, 1.0 / m)
    for j in range(n):
        mu[j] = like(Z, 0)
    for i in range(m):
        row = part(Z, i * n, n)
        for j in range(n):
            mu[j] += row[j]
    for j in range(n):
        mu[j] *= share


@inner_kernel
def _variances(Z, mu, variance, m, n):
    share = like(Z, 1.0 / m)
    for j in range(n):
        variance[j] = like(Z, 0)
    for i in range(m):
        row = part(Z, i * n, n)
        for j in range(n):
            d = row[j] - mu[j]
            variance[j] += d * d
    for j in range(n):
        variance[j] *= share


@inner_kernel
def _inverse_roots(variance, epsilon):
    one, e = like(variance, 1), like(variance, epsilon)
    for j in range(variance.size):
        variance[j] = one / np.sqrt(variance[j] + e)


@inner_kernel
def _normalize(Z, Z_norm, gamma, beta, mu, deviation, m, n):
    for i in range(m):
        row, normal = part(Z, i * n, n), part(Z_norm, i * n, n)
        for j in range(n):
            h = (row[j] - mu[j]) * deviation[j]
            normal[j] = h
            row[j] = gamma[j] * h + beta[j]


@inner_kernel
def _sums_backward(D, Z_norm, dgamma, dbeta, m, n):
    for j in range(n):
        dgamma[j] = like(D, 0)
        dbeta[j] = like(D, 0)
    for i in range(m):
        row, normal = part(D, i * n, n), part(Z_norm, i * n, n)
        for j in range(n):
            dgamma[j] += row[j] * normal[j]
            dbeta[j] += row[j]


@inner_kernel
def _backward(D, Z_norm, gamma, deviation, dgamma, dbeta, m, n):
    share = like(D, 1.0 / m)
    for i in range(m):
        row, normal = part(D, i * n, n), part(Z_norm, i * n, n)
        for j in range(n):
            row[j] = gamma[j] * deviation[j] * (row[j] - share * dbeta[j] - share * dgamma[j] * normal[j])
