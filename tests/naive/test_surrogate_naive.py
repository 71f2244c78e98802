"""Slow and obvious twins of the Gaussian process and of what is chosen with it.

Rasmussen and Williams (2006): Matérn 5/2 is equation 4.17, the prediction 2.25 and 2.26.
"""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from caviar.search.encoding import encoding_of
from caviar.search.improvement import Improvement, log_expected_improvement
from caviar.search.observations import Observations
from caviar.search.space import Space
from caviar.search.surrogate import PRIOR_TRIALS, Kernel, Surrogate

KERNEL = Kernel((0.3, 1.2, 0.6), 0.05)
AXIS_OF_COLUMN = np.array([0, 1, 2, 2])  # the last two columns share a lengthscale


def sample(count, seed):
    return np.random.default_rng(seed).random((count, len(AXIS_OF_COLUMN)))


def results(count=14):
    known = sample(count, 1)
    targets = (known[:, 0] - 0.4) ** 2 + 0.3 * known[:, 2]
    return known, (targets - targets.mean()) / targets.std()


def naive_covariance(left, right):
    """Matérn 5/2 with one lengthscale per axis, entry by entry."""
    found = np.empty((len(left), len(right)))
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            terms = [
                ((one[column] - other[column]) / KERNEL.lengthscales[axis]) ** 2
                for column, axis in enumerate(AXIS_OF_COLUMN)
            ]
            r = math.sqrt(5 * sum(terms))
            found[i, j] = (1 + r + r**2 / 3) * math.exp(-r)
    return found


def naive_predict(points, known, targets, pending=()):
    """Mean and deviation; a pending point is a result whose value is the mean that was predicted for it."""
    centre = np.median(targets)
    noisy = naive_covariance(known, known) + KERNEL.noise * np.eye(len(known))
    residual = targets - centre
    amplitude = (residual @ np.linalg.solve(noisy, residual) + PRIOR_TRIALS) / (len(targets) + PRIOR_TRIALS)
    for point in pending:
        value = naive_covariance([point], known) @ np.linalg.solve(noisy, residual)
        known, residual = np.vstack([known, point]), np.append(residual, value)
        noisy = naive_covariance(known, known) + KERNEL.noise * np.eye(len(known))
    cross = naive_covariance(points, known)
    mean = centre + cross @ np.linalg.solve(noisy, residual)
    explained = np.diag(cross @ np.linalg.solve(noisy, cross.T))
    return mean, np.sqrt(amplitude * (1 - explained))


def close(found, expected):
    """Correlations are computed in 32 bits."""
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-4)


def test_predict():
    known, targets = results()
    points = np.vstack([sample(20, 2), known[:3]])
    model = Surrogate(KERNEL, AXIS_OF_COLUMN, known, targets, known[:0])
    close(model.predict(points), naive_predict(points, known, targets))


def test_pending_points_are_as_good_as_expected():
    known, targets = results()
    points, pending = sample(20, 2), sample(3, 3)
    model = Surrogate(KERNEL, AXIS_OF_COLUMN, known, targets, pending)
    expected = naive_predict(points, known, targets, pending)
    close(model.predict(points), expected)
    _, without = naive_predict(points, known, targets)
    assert (expected[1] < without).all()


def test_believe():
    """Points taken as tried, one after the other, leave what they would as pending points."""
    known, targets = results()
    points = sample(20, 2)
    pool = Surrogate(KERNEL, AXIS_OF_COLUMN, known, targets, known[:0]).pool(points)
    for believed in ([4], [4, 9], [4, 9, 0]):
        pool.believe(believed[-1])
        close((pool.mean, pool.deviation), naive_predict(points, known, targets, points[believed]))


@pytest.mark.parametrize(("mean", "deviation"), [(0.3, 0.5), (-1.0, 0.2), (2.0, 0.7), (0.0, 0.01)])
def test_expected_improvement(mean, deviation):
    best = 0.1
    value = stats.norm(mean, deviation)
    low = min(best, mean) - 12 * deviation
    expected, _ = quad(lambda y: (best - y) * value.pdf(y), low, best, points=[mean] if mean < best else None)
    assert log_expected_improvement(np.array([mean]), np.array([deviation]), best) == pytest.approx(
        math.log(expected), abs=1e-6
    )


def test_expected_improvement_where_it_underflows():
    """Far below, the logarithm falls as -z^2 / 2 - 2 log |z|, and goes on telling points apart."""
    z = np.array([5.9, 6.1, 20.0, 60.0])
    found = log_expected_improvement(z, np.ones(4), 0.0)
    exact = [quad(lambda t, z=z: t * math.exp(-t * z - t * t / 2), 0, math.inf)[0] for z in z]
    expected = -z * z / 2 - math.log(math.sqrt(2 * math.pi)) + np.log(exact)
    assert found == pytest.approx(expected, abs=0.08)


def test_choose():
    """Each one is the best given that those before it are tried; cheaper ones go first among equals."""
    space = Space.model_validate({name: {"low": 0, "high": 1} for name in "abcd"})
    known, targets = results()
    kernel = Kernel((*KERNEL.lengthscales, 0.6), KERNEL.noise)
    observations = Observations(encoding_of(space), np.arange(len(known)), known, None, targets)
    improvement = Improvement(observations, observations.model(kernel), 1.0)
    points = sample(40, 5)
    costs = np.zeros(40)
    costs[7] = -100.0
    expected, best = [], naive_predict(known, known, targets)[0].min()
    for _ in range(4):
        mean, deviation = naive_predict(points, known, targets, points[expected])
        scores = log_expected_improvement(mean, deviation, best) - costs
        scores[[3, *expected]] = -np.inf
        expected.append(int(scores.argmax()))
    found = improvement.choose(points, improvement.at(points), costs, 4, lambda row: row != 3)
    assert found == expected and found[0] == 7
    assert improvement.leaders[0] == naive_predict(known, known, targets)[0].argmin()
