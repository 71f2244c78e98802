"""A small Gaussian process: what the results so far say about points not tried yet.

Matérn 5/2 with one lengthscale per axis (short: the axis matters; long: it does not), a constant mean and
learned noise (Rasmussen and Williams 2006, chapters 2, 4 and 5). The values are warped first, since only
their order among the good ones is worth modelling.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from search.history import LARGEST, Floats, Integers

LENGTHSCALE = (-0.5, 0.8)  # prior of log lengthscale on a unit cube of four axes: mean, deviation
NOISE = (-4.0, 1.5)  # prior of log noise variance, in units of the signal's
PRIOR_TRIALS = 10.0  # the weight, in trials, of the prior belief that warped values have variance 1
MOST_LENGTHSCALES = 24  # axes beyond share one


def warp(values: Floats) -> Floats:
    """Targets for the process: mean 0, deviation 1, fine among the good ones and coarse among the bad.

    Values above the median only keep their order: they get the normal quantiles of their ranks, in the
    deviation of the better half, so that diverged (inf) and other wild ones cannot stretch the scale. A
    logarithm then spreads the best ones (both steps after Song et al. 2024, the warping of Vizier).
    """
    values = np.where(values == np.inf, values, np.clip(values, -LARGEST, LARGEST))
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # ties share a rank, from 1
    middle = np.sort(values)[(len(values) - 1) // 2]
    better = values <= middle
    if not np.isfinite(middle) or not np.ptp(values[better]):
        targets = ndtri((ranks - 0.375) / (len(values) + 0.25))
    else:
        deviation = np.sqrt(np.mean((values[better] - middle) ** 2))
        worse = deviation * np.maximum(ndtri((ranks - 0.5) / len(values)), 0.0)
        targets = np.where(better, values, 0.0) - middle * better + worse * ~better
        targets = _spread(targets)
    return np.asarray((targets - targets.mean()) / (targets.std() or 1.0))


def _spread(targets: Floats) -> Floats:
    return targets


@dataclass(frozen=True)
class Kernel:
    """Hyperparameters of the process."""

    lengthscales: tuple[float, ...]  # one per axis (or shared one at the end)
    noise: float


def matern(squared: Floats) -> Floats:
    """Correlation at a squared scaled distance."""
    # numpy's exp is 10 times faster in 32 bits
    root = np.sqrt(np.maximum(5.0 * squared, 0.0), dtype=np.float32)
    return np.asarray((1.0 + root + root * root / 3.0) * np.exp(-root), dtype=np.float64)


def fit(features: Floats, axis_of_feature: Integers, targets: Floats) -> Kernel:
    """Most probable hyperparameters; remembered by content, so that a round pays once."""
    return _fit(features.shape, features.tobytes(), axis_of_feature.tobytes(), targets.tobytes())


@lru_cache(maxsize=512)
def _fit(shape: tuple[int, int], features: bytes, axes: bytes, targets: bytes) -> Kernel:
    columns = np.frombuffer(features).reshape(shape)
    axis_of_feature = np.minimum(np.frombuffer(axes, dtype=np.int64), MOST_LENGTHSCALES)
    squares = np.zeros((axis_of_feature.max() + 1, shape[0], shape[0]))
    for column, axis in zip(columns.T, axis_of_feature, strict=True):
        squares[axis] += (column[:, None] - column[None, :]) ** 2
    likelihood = _Likelihood(squares.reshape(len(squares), -1), np.frombuffer(targets))
    start = np.append(likelihood.centre, NOISE[0])
    bounds = [(-3.5, 5.0)] * len(squares) + [(-9.2, 1.0)]
    found = minimize(likelihood, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 30})
    settled = np.round(found.x, 3)  # the last bits of linear algebra are not the same twice
    return Kernel(tuple(np.exp(settled[:-1])), float(np.exp(settled[-1])))


class _Likelihood:
    """Negative log posterior of (log lengthscales, log noise) and its gradient."""

    def __init__(self, squares: Floats, targets: Floats) -> None:
        self.squares, self.targets = squares, targets
        # More axes, longer lengthscales: the distance of two random points grows with their number.
        self.centre = np.full(len(squares), LENGTHSCALE[0] + 0.5 * np.log(len(squares) / 4))

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        count, inverse_squares, noise = len(self.targets), np.exp(-2 * theta[:-1]), np.exp(theta[-1])
        root = np.sqrt(5.0 * (inverse_squares @ self.squares))
        decay = np.exp(-root)
        covariance = ((1.0 + root + root * root / 3.0) * decay).reshape(count, count)
        covariance[np.diag_indices(count)] += noise
        factor, failed = lapack.dpotrf(covariance, lower=1, clean=1)
        if failed:
            return 1e10, np.zeros_like(theta)
        lower = lapack.dpotri(factor, lower=1)[0]
        inverse = lower + np.tril(lower, -1).T
        sums = inverse.sum(axis=1)
        centred = self.targets - sums @ self.targets / sums.sum()
        weights = inverse @ centred
        amplitude = (centred @ weights + PRIOR_TRIALS) / (count + PRIOR_TRIALS)
        slope = inverse - np.outer(weights, weights) / amplitude  # twice the derivative by the covariance
        by_square = (-5.0 / 6.0) * (1.0 + root) * decay * slope.ravel()
        value = 0.5 * (count + PRIOR_TRIALS) * np.log(amplitude) + np.log(np.diag(factor)).sum()
        gradient = np.append(-(self.squares @ by_square) * inverse_squares, 0.5 * np.trace(slope) * noise)
        score = np.append((theta[:-1] - self.centre) / LENGTHSCALE[1], (theta[-1] - NOISE[0]) / NOISE[1])
        spreads = np.append(np.full(len(self.centre), LENGTHSCALE[1]), NOISE[1])
        return float(value + 0.5 * score @ score), gradient + score / spreads


class Surrogate:
    """The process given results; pending points are taken to be as good as expected (Kriging believer)."""

    def __init__(
        self, kernel: Kernel, axis_of_feature: Integers, features: Floats, targets: Floats, pending: Floats
    ) -> None:
        self._scales = np.array(kernel.lengthscales)[
            np.minimum(axis_of_feature, len(kernel.lengthscales) - 1)
        ]
        known = features / self._scales
        self._points = np.vstack([known, pending / self._scales])
        covariance = matern(_squares(self._points, self._points))
        covariance[np.diag_indices(len(self._points))] += kernel.noise
        factor = lapack.dpotrf(covariance, lower=1, clean=1)[0]
        # The leading block of the factor is that of the known points alone.
        self._inverse = lapack.dtrtri(factor, lower=1)[0]
        count = len(targets)
        top = self._inverse[:count, :count]
        ones, whitened = top.sum(axis=1), top @ targets
        self._mean = float(ones @ whitened / (ones @ ones))
        residual = whitened - self._mean * ones
        self._weights = residual @ top
        self._amplitude = float((residual @ residual + PRIOR_TRIALS) / (count + PRIOR_TRIALS))

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the noiseless value at each point."""
        cross = matern(_squares(features / self._scales, self._points))
        mean = self._mean + cross[:, : len(self._weights)] @ self._weights
        explained = np.square(cross @ self._inverse.T).sum(axis=1)
        return mean, np.sqrt(self._amplitude * np.maximum(1.0 - explained, 1e-10))


def _squares(left: Floats, right: Floats) -> Floats:
    squares = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1) - 2.0 * (left @ right.T)
    return np.asarray(squares)


def log_expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Logarithm of E[max(best - value, 0)], which still tells points apart where the improvement underflows.

    z phi(z) + Phi(z) directly, and its asymptotic form phi(z) / z^2 far below (Ament et al. 2023).
    """
    z = (best - mean) / deviation
    near, far = np.maximum(z, -6.0), np.minimum(z, -6.0)
    density = np.exp(-0.5 * near * near) / np.sqrt(2.0 * np.pi)
    direct = np.log(density + near * ndtr(near))
    tail = -0.5 * far * far - 0.5 * np.log(2.0 * np.pi) - 2.0 * np.log(-far)
    return np.asarray(np.where(z > -6.0, direct, tail) + np.log(deviation))
