"""A small Gaussian process: what the results so far say about points not tried yet.

Matérn 5/2 with one lengthscale per axis (short: the axis matters; long: it does not) and learned noise
(Rasmussen and Williams 2006, chapters 2, 4 and 5). The values are warped first, since only their order among
the good ones is worth modelling.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize
from scipy.special import ndtri

from caviar.search.history import Floats, Integers

LENGTHSCALE = (-1.0, 0.8)  # prior of the log lengthscale on four axes: mean, deviation
NOISE = (-3.0, 1.5)  # prior of the log noise variance, in units of the signal's
PRIOR_TRIALS = 10.0  # weight, in trials, of the belief that warped values have variance 1
MOST_LENGTHSCALES = 24  # axes beyond share one
FARTHEST = 50.0  # above the median of the results, in units of how far the best is below it


def warp(values: Floats) -> Floats:
    """Targets for the process: mean 0, deviation 1, true among the good ones and tame among the bad.

    Linear up to the median and a logarithm beyond it, with the same slope where they meet: what is smooth
    stays smooth, and values that are far off cannot stretch the scale. Diverged ones (inf) are a
    little worse than the worst that is a number.
    """
    ordered = np.sort(values)
    middle = ordered[(len(values) - 1) // 2]
    if np.isinf(middle) or ordered[0] == middle:
        targets = _normal_scores(values)  # there is no scale among the better half
    else:
        with np.errstate(over="ignore"):
            far = np.minimum((values - middle) / (middle - ordered[0]), FARTHEST)
        far = np.where(np.isinf(values), far[~np.isinf(values)].max() + 1.0, far)
        targets = np.where(far > 0.0, np.log1p(np.maximum(far, 0.0)), far)
    return np.asarray((targets - targets.mean()) / targets.std())


def _normal_scores(values: Floats) -> Floats:
    """Normal quantiles of the ranks, from 1; ties share a rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return np.asarray(ndtri((ranks - 0.375) / (len(values) + 0.25)))


def expected_elsewhere(targets: Floats) -> float:
    """Value that the process expects far from all results: the median.

    A search looks mostly where it is good, so this is a little worse than what lies elsewhere on average.
    """
    return float(np.median(targets))


def matern(squared: Floats) -> Floats:
    """Correlation at a squared scaled distance."""
    # In 32 bits numpy's exp is ten times faster, and a ten-millionth is far below the noise.
    root = np.sqrt(np.maximum(5.0 * squared, 0.0), dtype=np.float32)
    return np.asarray((1.0 + root + root * root / 3.0) * np.exp(-root), dtype=np.float64)


def squared_distances(left: Floats, right: Floats) -> Floats:
    """Squared distance of each of some points from each of others."""
    squares = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)
    return np.asarray(squares - 2.0 * (left @ right.T))


@dataclass(frozen=True)
class Kernel:
    """Hyperparameters of the process."""

    lengthscales: tuple[float, ...]  # one per axis; the last one is that of all further axes
    noise: float

    def varied(self, deviation: float, rng: np.random.Generator) -> "Kernel":
        """Another opinion on which axes matter: log lengthscales drawn around these."""
        factors = np.exp(deviation * rng.standard_normal(len(self.lengthscales)))
        return Kernel(tuple((factors * self.lengthscales).tolist()), self.noise)


def fit(columns: Floats, axis_of_column: Integers, targets: Floats) -> Kernel:
    """Most probable hyperparameters; remembered by content, so that a round pays once."""
    return _fit(columns.shape, columns.tobytes(), axis_of_column.tobytes(), targets.tobytes())


@lru_cache(maxsize=512)
def _fit(shape: tuple[int, int], content: bytes, axes: bytes, targets: bytes) -> Kernel:
    columns = np.frombuffer(content).reshape(shape)
    axis_of_column = np.minimum(np.frombuffer(axes, dtype=np.int64), MOST_LENGTHSCALES)
    squares = np.zeros((axis_of_column.max() + 1, shape[0], shape[0]))
    for column, axis in zip(columns.T, axis_of_column, strict=True):
        squares[axis] += (column[:, None] - column[None, :]) ** 2
    posterior = _Posterior(squares.reshape(len(squares), -1), np.frombuffer(targets))
    bounds = [(-3.5, 5.0)] * len(squares) + [(-9.2, 1.0)]
    found = minimize(
        posterior, posterior.centre, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 30}
    )
    settled = np.round(found.x, 3)  # the last bits of linear algebra are not the same twice
    return Kernel(tuple(np.exp(settled[:-1]).tolist()), float(np.exp(settled[-1])))


class _Posterior:
    """Negative log posterior of (log lengthscales, log noise) and its gradient."""

    def __init__(self, squares: Floats, targets: Floats) -> None:
        self.squares = squares  # (axes, n n) squared distances on each axis
        self.residuals = targets - expected_elsewhere(targets)
        axes = len(squares)
        # More axes, longer lengthscales: the distance of two random points grows with their number.
        self.centre = np.append(np.full(axes, LENGTHSCALE[0] + 0.5 * np.log(axes / 4)), NOISE[0])
        self.spread = np.append(np.full(axes, LENGTHSCALE[1]), NOISE[1])

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        count, weights, noise = len(self.residuals), np.exp(-2 * theta[:-1]), np.exp(theta[-1])
        root = np.sqrt(5.0 * (weights @ self.squares))
        decay = np.exp(-root)
        covariance = ((1.0 + root + root * root / 3.0) * decay).reshape(count, count)
        covariance[np.diag_indices(count)] += noise
        factor, failed = lapack.dpotrf(covariance, lower=1, clean=1)
        if failed:
            return 1e10, np.zeros_like(theta)
        lower = lapack.dpotri(factor, lower=1)[0]
        inverse = lower + np.tril(lower, -1).T
        solved = inverse @ self.residuals
        # The amplitude has its most probable value given the others.
        amplitude = (self.residuals @ solved + PRIOR_TRIALS) / (count + PRIOR_TRIALS)
        slope = inverse - np.outer(solved, solved) / amplitude  # twice the derivative by the covariance
        by_square = (-5.0 / 6.0) * (1.0 + root) * decay * slope.ravel()
        value = 0.5 * (count + PRIOR_TRIALS) * np.log(amplitude) + np.log(np.diag(factor)).sum()
        gradient = np.append(-(self.squares @ by_square) * weights, 0.5 * np.trace(slope) * noise)
        score = (theta - self.centre) / self.spread
        return float(value + 0.5 * score @ score), gradient + score / self.spread


class Surrogate:
    """The process given results; pending points are taken to be as good as expected (Kriging believer)."""

    def __init__(
        self, kernel: Kernel, axis_of_column: Integers, known: Floats, targets: Floats, pending: Floats
    ) -> None:
        lengthscales = np.array(kernel.lengthscales)
        self._scales = lengthscales[np.minimum(axis_of_column, len(lengthscales) - 1)]
        self._points = np.vstack([known, pending]) / self._scales
        covariance = matern(squared_distances(self._points, self._points))
        covariance[np.diag_indices(len(covariance))] = 1.0 + kernel.noise
        factor = lapack.dpotrf(covariance, lower=1, clean=1)[0]
        self._whitener = lapack.dtrtri(factor, lower=1)[0]
        # The leading block of the factor is that of the results alone.
        of_results = self._whitener[: len(targets), : len(targets)]
        self._mean = expected_elsewhere(targets)
        residual = of_results @ (targets - self._mean)
        self._weights = residual @ of_results
        self._noise = kernel.noise
        self._amplitude = float((residual @ residual + PRIOR_TRIALS) / (len(targets) + PRIOR_TRIALS))

    def predict(self, columns: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the noiseless value at each point."""
        pool = self.pool(columns)
        return pool.mean, pool.deviation

    def means(self, columns: Floats) -> Floats:
        """Mean at each point: what `predict` says, for a fraction of the work."""
        cross = matern(squared_distances(columns / self._scales, self._points))
        return np.asarray(self._mean + cross[:, : len(self._weights)] @ self._weights)

    def pool(self, columns: Floats) -> "Pool":
        """Points of which several are to be chosen."""
        points = columns / self._scales
        cross = matern(squared_distances(points, self._points))
        mean = self._mean + cross[:, : len(self._weights)] @ self._weights
        return Pool(mean, self._amplitude, self._noise, points, cross @ self._whitener.T)


class Pool:
    """Predictions for some points, which remember what was chosen among them."""

    def __init__(
        self, mean: Floats, amplitude: float, noise: float, points: Floats, whitened: Floats
    ) -> None:
        self.mean, self._amplitude, self._noise, self._points = mean, amplitude, noise, points
        self._whitened = whitened
        self._unexplained = 1.0 - np.square(whitened).sum(axis=1)

    @property
    def deviation(self) -> Floats:
        """Standard deviation of the noiseless value at each point."""
        return np.asarray(np.sqrt(self._amplitude * np.maximum(self._unexplained, 1e-10)))

    def believe(self, chosen: int) -> None:
        """Take a point as tried and as good as expected: less is left to learn near it."""
        apart = squared_distances(self._points, self._points[chosen : chosen + 1])
        covariance = matern(apart)[:, 0] - self._whitened @ self._whitened[chosen]
        column = covariance / np.sqrt(max(float(self._unexplained[chosen]), 0.0) + self._noise)
        self._whitened = np.column_stack([self._whitened, column])
        self._unexplained = self._unexplained - column**2
