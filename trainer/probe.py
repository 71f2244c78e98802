"""Why a cost stands still, by a sample of the training set: units, gradients, the rate that steps bear.

In plain NumPy, on copies: nothing of a run changes, and what nobody probes costs nothing.
"""

from __future__ import annotations

import string
from typing import Any, NamedTuple

import numpy as np

from .choices import Activation, Optimizer
from .data.types import Data
from .kernels import structs
from .network import Network
from .weighing import cost_weights_of

Array = np.ndarray[Any, Any]
Tensors = dict[str, Array]

ROWS = 512  # of the training set that are looked at, evenly spaced
FEW = 256  # of these, for curvatures
MOST = 1e9  # what is larger, or infinite, is told so: curves hold finite numbers
_DEAD = 1e-3  # of the largest g' there is: a unit that is below it for every row does not learn
_SATURATED = 0.05  # of it: a row hardly teaches the unit
_SAME = 1e-6  # of the largest weight, that those of identical units differ at most
_POWERS = 6  # of the curvature, to find its largest value
_STEP = 1e-4  # of the norm of W, for differences of gradients


class Sample(NamedTuple):
    """Rows of the training set, in float64."""

    X: Array  # (m, n[0])
    Y: Array  # (m,) or (m, k)
    weights: Array  # (m,), mean 1

    def few(self, most: int = FEW) -> Sample:
        """Return evenly spaced rows of it."""
        rows = np.arange(min(len(self.X), most)) * len(self.X) // min(len(self.X), most)
        return Sample(self.X[rows], self.Y[rows], self.weights[rows])


class Purpose(NamedTuple):
    """What a probe is to tell beside what one pass forward does."""

    noise: bool  # how much of the cost is the noise of mini-batches: by gradients of each row
    longer: bool  # what longer steps would bring: by some thirteen passes through few rows


class Passed(NamedTuple):
    """One pass of a sample through a network."""

    A: list[Array]  # A[0] .. A[L-1] and Z[L], each (m, n[l])
    slopes: list[Array]  # g'(Z) of the hidden layers over the largest g' there is
    normal: list[tuple[Array, Array]]  # Z_norm and 1/sqrt(sigma^2 + epsilon), with batch norm
    loss: Array  # (m,) of each row, weighted
    dZ: Array  # noqa: N815 - (m, n[L]) of each row's loss


def sample_of(data: Data, settings: Any, most: int = ROWS) -> Sample:
    """Return the rows that are looked at, evenly spaced."""
    rows = _rows_of(data, most)
    return Sample(data.X_train[rows].astype(np.float64), *_targets_of(data, settings, rows))


def constant_cost_of(data: Data, settings: Any) -> float:
    """Return `constant_cost` of the rows that are looked at."""
    return constant_cost(data.kind, *_targets_of(data, settings, _rows_of(data, ROWS)))


def _rows_of(data: Data, most: int) -> Array:
    m = len(data.X_train)
    return np.arange(min(m, most), dtype=np.int64) * m // min(m, most)


def _targets_of(data: Data, settings: Any, rows: Array) -> tuple[Array, Array]:
    """Return what is right for some rows, and their weights in the cost."""
    costs = cost_weights_of(settings, data)
    weights = np.asarray(costs[rows], np.float64) if costs.size else np.ones(len(rows))
    return data.Y_train[rows].astype(np.float64 if data.kind == "regression" else np.int64), weights


def layer_statistics(network: Network, weights: Array, sample: Sample) -> dict[str, float]:
    """Return the norm of each W[l], and mean, deviation and share of dead units of each hidden layer.

    Parameters
    ----------
    weights : ndarray(float32 or float64, (network.total,))
    """
    tensors = _tensors(network, weights)
    return _statistics(network, tensors, _forward(network, tensors, sample))


def cost_of(network: Network, weights: Array, sample: Sample) -> float:
    """Return the mean loss of a sample, batch norm by the sample's own mean and variance.

    Parameters
    ----------
    weights : ndarray(float32 or float64, (network.learned,) or longer)
    """
    with np.errstate(all="ignore"):
        return float(np.mean(_forward(network, _tensors(network, weights), sample).loss))


def probe(
    network: Network, hyper: structs.Hyper, state: structs.State, sample: Sample, m: int, purpose: Purpose
) -> dict[str, float]:
    """Return `layer_statistics`, and what tells why a cost stands still.

    Parameters
    ----------
    hyper, state : structs.Hyper, structs.State
        Of a run; neither is changed.
    m : int
        Examples of the training set.

    Returns
    -------
    dict of str to float
        Those of each layer, `least_gain`, and of the whole: `cost_share` and `weight_decay`; with
        `purpose.noise` `noise_cost`, with `purpose.longer` `rate_limit` and `fall_by_rate`.
    """
    tensors = _tensors(network, state.weights)
    passed = _forward(network, tensors, sample)
    found = _statistics(network, tensors, passed) | _units(network, tensors, passed)
    constant = max(constant_cost(network.kind, sample.Y, sample.weights), 1e-12)
    found["cost_share"] = float(np.mean(passed.loss)) / constant
    found["weight_decay"] = (hyper.l1 + hyper.l2) / min(hyper.batch_size, m)
    if any(purpose):
        found |= _of_steps(network, hyper, state, sample, m, purpose, tensors, passed)
    return {name: min(value, MOST) for name, value in found.items()}


def _of_steps(
    network: Network,
    hyper: structs.Hyper,
    state: structs.State,
    sample: Sample,
    m: int,
    purpose: Purpose,
    tensors: Tensors,
    passed: Passed,
) -> dict[str, float]:
    """Return what the gradient tells of the steps: of their noise, and of longer ones."""
    steps, errors = _preconditioner(network, hyper, state), _backward(network, tensors, passed)
    gradient = _gradients(tensors, passed, errors)
    gradient = {name: dP for name, dP in gradient.items() if _layer_of(name) > network.frozen}
    scale, batch = {name: steps[name] for name in gradient}, min(hyper.batch_size, m)
    found: dict[str, float] = {}
    if purpose.noise:
        squares = _squares(tensors, passed, errors)
        noise = sum(float(np.sum(np.maximum(squares[n] - gradient[n] ** 2, 0) / scale[n])) for n in gradient)
        found["noise_cost"] = float(state.sums[structs.RATE]) / 4 * noise * (1 / batch - 1 / m)
    if purpose.longer:
        _add_penalty(network, tensors, gradient, hyper, m)
        fall = sum(float(np.sum(gradient[n] ** 2 / scale[n])) for n in gradient)
        found["fall_by_rate"] = -(-m // batch) * fall
        found["rate_limit"] = _rate_limit(network, tensors, sample.few(), hyper, scale, m)
    return found


def _layer_of(name: str) -> int:
    return int(name.lstrip(string.ascii_letters))


def _tensors(network: Network, weights: Array) -> Tensors:
    return {name: np.array(value, np.float64) for name, value in network.tensors(weights).items()}


def _forward(network: Network, tensors: Tensors, sample: Sample) -> Passed:
    """Z = W A + b, batch norm by the sample's own mean and variance, A = g(Z); then loss and dZ[L].

    Frozen layers normalise by the averages that they came with, which need no correction.
    """
    A, slopes, normal = [sample.X], [], []
    for layer in range(1, network.layers + 1):
        Z = A[-1] @ tensors[f"W{layer}"].T
        if f"gamma{layer}" in tensors:
            mean, variance = Z.mean(axis=0), Z.var(axis=0)
            if layer <= network.frozen:
                mean, variance = tensors[f"mean{layer}"], tensors[f"variance{layer}"]
            root = 1 / np.sqrt(variance + network.batch_norm_epsilon)
            Z = (Z - mean) * root
            normal.append((Z, root))
            Z = tensors[f"gamma{layer}"] * Z + tensors[f"beta{layer}"]
        else:
            Z = Z + tensors[f"b{layer}"]
        if layer < network.layers:
            Z, slope = _activated(Z, network)
            slopes.append(slope)
        A.append(Z)
    loss, dZ = _loss(network.kind, A[-1], sample)
    return Passed(A, slopes, normal, loss, dZ)


def _activated(Z: Array, network: Network) -> tuple[Array, Array]:
    """Return A = g(Z) and g'(Z), the latter over its largest value."""
    activation = Activation[network.activation]
    if activation == Activation.sigmoid:
        A = 0.5 * (1 + np.tanh(0.5 * Z))
        return A, 4 * A * (1 - A)
    if activation == Activation.tanh:
        A = np.tanh(Z)
        return A, 1 - A**2
    slope = np.maximum(Z > 0, float(network.slope))
    return Z * slope, slope


def _loss(kind: str, Z: Array, sample: Sample) -> tuple[Array, Array]:
    Y, w = sample.Y, sample.weights
    if kind == "regression":
        D = Z - Y.reshape(Z.shape)
        return w * np.mean(D**2, axis=1), 2 * w[:, None] * D / Z.shape[1]
    if kind == "binary":
        z, y = Z[:, 0], Y
        a = 0.5 * (1 + np.tanh(0.5 * z))
        return w * (np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))), (w * (a - y))[:, None]
    shifted = Z - Z.max(axis=1, keepdims=True)
    a = np.exp(shifted)
    total = a.sum(axis=1, keepdims=True)
    rows = np.arange(len(Y))
    D = a / total
    D[rows, Y] -= 1
    return w * (np.log(total[:, 0]) - shifted[rows, Y]), w[:, None] * D


def _backward(network: Network, tensors: Tensors, passed: Passed) -> list[Array]:
    """Return dZ[1] .. dZ[L] of each row, before batch norm where there is some."""
    D = passed.dZ
    found = [D]
    for layer in range(network.layers - 1, 0, -1):
        D = (D @ tensors[f"W{layer + 1}"]) * passed.slopes[layer - 1] * _steepest(network)
        if passed.normal:
            Z, root = passed.normal[layer - 1]
            D = D * tensors[f"gamma{layer}"]
            D = root * (D - D.mean(axis=0) - Z * np.mean(D * Z, axis=0))
        found.append(D)
    return found[::-1]


def _steepest(network: Network) -> float:
    return 0.25 if network.activation == Activation.sigmoid.name else 1.0


def _gradients(tensors: Tensors, passed: Passed, errors: list[Array]) -> Tensors:
    """Return the gradient of the mean loss, by dZ of each row and layer."""
    gradient = {}
    for layer, D in enumerate(errors, 1):
        gradient[f"W{layer}"] = D.T @ passed.A[layer - 1] / len(D)
        if f"b{layer}" in tensors:
            gradient[f"b{layer}"] = D.mean(axis=0)
    return gradient


def _squares(tensors: Tensors, passed: Passed, errors: list[Array]) -> Tensors:
    """Return the mean of the squares of the gradient of each row."""
    squares = {}
    for layer, D in enumerate(errors, 1):
        squares[f"W{layer}"] = (D**2).T @ passed.A[layer - 1] ** 2 / len(D)
        if f"b{layer}" in tensors:
            squares[f"b{layer}"] = (D**2).mean(axis=0)
    return squares


def _preconditioner(network: Network, hyper: structs.Hyper, state: structs.State) -> Tensors:
    """Return what a step divides the gradient by: 1, or sqrt(s) + epsilon."""
    if hyper.optimizer in (Optimizer.gd, Optimizer.momentum):
        return {name: np.ones(1) for name in network.tensors(state.s)}
    t = max(1, int(state.counters[structs.MOMENTS]))
    correction = 1 - hyper.beta2**t if hyper.optimizer == Optimizer.adam else 1.0
    return {
        name: np.sqrt(np.asarray(s, np.float64) / correction) + hyper.epsilon
        for name, s in network.tensors(state.s).items()
    }


def _add_penalty(network: Network, tensors: Tensors, gradient: Tensors, hyper: structs.Hyper, m: int) -> None:
    batch = min(hyper.batch_size, m)
    for layer in range(network.frozen + 1, network.layers + 1):
        W = tensors[f"W{layer}"]
        gradient[f"W{layer}"] = (
            gradient[f"W{layer}"] + hyper.l2 / batch * W + hyper.l1 / (2 * batch) * np.sign(W)
        )


def _rate_limit(
    network: Network, tensors: Tensors, sample: Sample, hyper: structs.Hyper, scale: Tensors, m: int
) -> float:
    """Return the learning rate above which steps overshoot, by the largest curvature of the cost.

    Found by the power method on P^-1/2 H P^-1/2, where P, `scale`, is what a step divides the gradient by.
    """
    beta = {int(Optimizer.momentum): hyper.momentum, int(Optimizer.adam): hyper.beta1}.get(
        hyper.optimizer, 0.0
    )

    def slope(at: Tensors) -> Tensors:
        passed = _forward(network, at, sample)
        found = _gradients(at, passed, _backward(network, at, passed))
        _add_penalty(network, at, found, hyper, m)
        return found

    names = list(scale)
    roots = {name: np.sqrt(scale[name]) for name in names}
    generator = np.random.default_rng(0)
    v = {name: generator.standard_normal(tensors[name].shape) for name in names}
    size = np.sqrt(sum(float(np.sum(tensors[name] ** 2)) for name in names)) + 1e-3
    largest = 0.0
    for _ in range(_POWERS):
        length = np.sqrt(sum(float(np.sum(one**2)) for one in v.values()))
        if not 0 < length < np.inf:
            break
        d = {name: v[name] / length / roots[name] for name in names}
        h = _STEP * size / np.sqrt(sum(float(np.sum(one**2)) for one in d.values()))
        above, below = (
            slope({**tensors, **{name: tensors[name] + sign * h * d[name] for name in names}})
            for sign in (1, -1)
        )
        v = {name: (above[name] - below[name]) / (2 * h) / roots[name] for name in names}
        largest = np.sqrt(sum(float(np.sum(one**2)) for one in v.values()))
    return float(2 * (1 + beta) / (1 - beta) / largest) if largest > 0 else np.inf


def _statistics(network: Network, tensors: Tensors, passed: Passed) -> dict[str, float]:
    found: dict[str, float] = {}
    for layer in range(1, network.layers + 1):
        found[f"weight_norm_{layer}"] = float(np.linalg.norm(tensors[f"W{layer}"]))
        if layer < network.layers:
            A, slope = passed.A[layer], passed.slopes[layer - 1]
            found[f"unit_mean_{layer}"] = float(A.mean())
            found[f"unit_deviation_{layer}"] = float(np.sqrt(np.mean(A.var(axis=0))))
            found[f"dead_units_{layer}"] = float(np.mean(slope.max(axis=0) < _DEAD))
    return found


def _units(network: Network, tensors: Tensors, passed: Passed) -> dict[str, float]:
    """Return for each hidden layer the share of saturated outputs, and of units that are like another one.

    And the least of the layers' gains: the root mean square of the norms of its units' weights.
    """
    found, gains = {}, [MOST]
    for layer in range(1, network.layers):
        slope = passed.slopes[layer - 1]
        if network.activation in (Activation.sigmoid.name, Activation.tanh.name):
            found[f"saturated_{layer}"] = float(np.mean(slope < _SATURATED))
        W = tensors[f"W{layer}"]
        alike = np.round(W / max(float(np.abs(W).max()), 1e-30) / _SAME) + 0.0  # -0.0 becomes 0.0
        same = len(W) - len({row.tobytes() for row in alike})
        found[f"identical_units_{layer}"] = (same + 1) / len(W) if same else 0.0
        gains.append(float(np.linalg.norm(W)) / len(W) ** 0.5)
    return {**found, "least_gain": min(gains)}


def constant_cost(kind: str, Y: Array, w: Array) -> float:
    """Return the cost of the best model that does not look at its inputs; w are the weights of rows."""
    if kind == "regression":
        Y = Y.reshape(len(Y), -1)
        mean = np.average(Y, axis=0, weights=w)
        return float(np.mean(w[:, None] * (Y - mean) ** 2))
    counts = np.bincount(Y, weights=w)
    p = counts[counts > 0] / counts.sum()
    return float(-np.sum(p * np.log(p)))
