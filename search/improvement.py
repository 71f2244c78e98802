"""Expected improvement: how much better than the best a point may be, weighed by how likely that is."""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.special import ndtr

from caviar.search.failures import Caution
from caviar.search.feasibility import Feasibility
from caviar.search.history import Floats, Integers
from caviar.search.observations import Observations
from caviar.search.surrogate import Surrogate


class Improvement:
    """Improvement that a model expects on the best of the results, in trainings of some length.

    Where trials have failed, it is weighed by the chance that a point works.
    """

    def __init__(
        self,
        observations: Observations,
        model: Surrogate,
        length: float,
        caution: Caution | Feasibility | None = None,
        broken: Integers | None = None,
    ) -> None:
        """`broken`: the numbers of trials that break a constraint, which is why they do not lead."""
        self._observations, self._model, self._length = observations, model, length
        self._caution = caution
        # What the model takes the results for, not the results themselves: a lucky one must not lead.
        expected, _ = model.predict(observations.columns(observations.units, length))
        if broken is not None:
            aside = np.isin(observations.numbers, broken)
            expected = np.where(aside, expected.max() + 1.0 + expected - expected.min(), expected)
        self._best = float(expected.min())
        self.leaders: Integers = np.argsort(np.round(expected, 9), kind="stable")

    def at(self, units: Floats) -> Floats:
        """Logarithm of the expected improvement at each point."""
        scores = self._scores(*self._model.predict(self._observations.columns(units, self._length)))
        return scores if self._caution is None else scores + self._caution.at(units)

    def _scores(self, mean: Floats, deviation: Floats) -> Floats:
        # Rounded, because the last bits of linear algebra are not the same twice.
        return np.asarray(np.round(log_expected_improvement(mean, deviation, self._best), 6))

    def choose(
        self, units: Floats, scores: Floats, costs: Floats, size: int, allowed: Callable[[int], bool]
    ) -> list[int]:
        """Rows of up to `size` points, each the best one given that those before it are tried.

        Points are compared by their scores less the logarithms of their costs.
        """
        chosen: list[int] = []
        caution: Floats | float
        pool, caution, gone = None, 0.0, np.zeros(len(units), dtype=np.bool_)
        allowed = cache(allowed)
        while True:
            order = np.argsort(costs - scores, kind="stable").tolist()
            row = next((row for row in order if scores[row] > -np.inf and allowed(row)), None)
            if row is None:
                return chosen
            chosen.append(row)
            if len(chosen) == size:
                return chosen
            if pool is None:
                pool = self._model.pool(self._observations.columns(units, self._length))
                caution = 0.0 if self._caution is None else self._caution.at(units)
            pool.believe(row)
            gone |= (units == units[row]).all(axis=1)
            scores = np.where(gone, -np.inf, self._scores(pool.mean, pool.deviation) + caution)


def log_expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Logarithm of E[max(best - value, 0)], which still tells points apart where the improvement underflows.

    z Phi(z) + phi(z) directly, and its asymptotic form phi(z) / z^2 far below (Ament et al. 2023).
    """
    z = (best - mean) / deviation
    near, far = np.maximum(z, -6.0), np.minimum(z, -6.0)
    density = np.exp(-0.5 * near * near) / np.sqrt(2.0 * np.pi)
    direct = np.log(density + near * ndtr(near))
    tail = -0.5 * far * far - 0.5 * np.log(2.0 * np.pi) - 2.0 * np.log(-far)
    return np.asarray(np.where(z > -6.0, direct, tail) + np.log(deviation))
