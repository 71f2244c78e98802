"""Gradient descent, momentum, RMSprop and Adam, each as one pass over the flat buffer of all parameters."""

import numpy as np

from ..choices import Decay, Optimizer
from .arrays import like
from .compile import inlined_kernel, inner_kernel
from .structs import UNKNOWN


@inlined_kernel
def update(W, dW, v, s, hyper, alpha, t):
    """Take step t (1, 2, ...) of the chosen optimiser with learning rate alpha; tell whether it is known."""
    if hyper.optimizer == Optimizer.gd:
        gradient_descent(W, dW, alpha)
    elif hyper.optimizer == Optimizer.momentum:
        momentum(W, dW, v, alpha, hyper.momentum)
    elif hyper.optimizer == Optimizer.rmsprop:
        rmsprop(W, dW, s, alpha, hyper.beta2, hyper.epsilon)
    elif hyper.optimizer == Optimizer.adam:
        adam(W, dW, v, s, alpha, hyper.beta1, hyper.beta2, hyper.epsilon, t)
    else:
        return False
    return True


@inner_kernel
def gradient_descent(W, dW, alpha):
    """W -= alpha dW."""
    a = like(W, alpha)
    for i in range(dW.size):
        W[i] -= a * dW[i]


@inner_kernel
def momentum(W, dW, v, alpha, beta):
    """v = beta v + (1 - beta) dW; W -= alpha v."""
    a, b, c = like(W, alpha), like(W, beta), like(W, 1.0 - beta)
    for i in range(dW.size):
        average = b * v[i] + c * dW[i]
        v[i] = average
        W[i] -= a * average


@inner_kernel
def rmsprop(W, dW, s, alpha, beta2, epsilon):
    """s = beta2 s + (1 - beta2) dW^2; W -= alpha dW / (sqrt(s) + epsilon)."""
    a, b, c, e = like(W, alpha), like(W, beta2), like(W, 1.0 - beta2), like(W, epsilon)
    for i in range(dW.size):
        g = dW[i]
        average = b * s[i] + c * g * g
        s[i] = average
        W[i] -= a * g / (np.sqrt(average) + e)


@inner_kernel
def adam(W, dW, v, s, alpha, beta1, beta2, epsilon, t):
    """Both averages, corrected: W -= alpha v/(1 - beta1^t) / (sqrt(s/(1 - beta2^t)) + epsilon)."""
    a, e = like(W, alpha / (1.0 - beta1**t)), like(W, epsilon)
    correction = like(W, 1.0 / (1.0 - beta2**t))
    b1, c1, b2, c2 = like(W, beta1), like(W, 1.0 - beta1), like(W, beta2), like(W, 1.0 - beta2)
    for i in range(dW.size):
        g = dW[i]
        first = b1 * v[i] + c1 * g
        second = b2 * s[i] + c2 * g * g
        v[i] = first
        s[i] = second
        W[i] -= a * first / (np.sqrt(second * correction) + e)


@inner_kernel
def decayed(hyper, epoch, t):
    """Return alpha for an epoch (1, 2, ...) and step t (1, 2, ...), by the closed forms of the course."""
    alpha, rate = hyper.learning_rate, hyper.decay_rate
    if hyper.decay == Decay.none:
        return alpha
    if hyper.decay == Decay.inverse:
        return alpha / (1.0 + rate * epoch)
    if hyper.decay == Decay.exponential:
        return alpha * rate**epoch
    if hyper.decay == Decay.inverse_sqrt:
        return alpha * rate / np.sqrt(epoch)
    if hyper.decay == Decay.inverse_sqrt_step:
        return alpha * rate / np.sqrt(t)
    if hyper.decay == Decay.staircase:
        return alpha * rate ** ((epoch - 1) // hyper.decay_epochs)
    return UNKNOWN
