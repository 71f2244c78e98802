"""Expected improvement of the hypervolume: what a point may add to a front, by a model each."""

import numpy as np
from scipy.special import ndtr, ndtri

from caviar.search.failures import Caution
from caviar.search.feasibility import Feasibility
from caviar.search.history import Floats, Integers
from caviar.search.pareto import nondominated
from caviar.search.surrogate import Surrogate

DIRECTIONS, DRAWS = 64, 8  # of the estimate for more than two objectives
LEAST = 1e-300


class FrontImprovement:
    """Scores of points, from one model for each objective; values in units of the models."""

    def __init__(
        self,
        models: list[Surrogate],
        known: Floats,
        reference: Floats,
        caution: Caution | Feasibility | None,
        rng: np.random.Generator,
    ) -> None:
        self._models, self._reference, self._caution = models, reference, caution
        # What the models take the results for, not the results themselves: a lucky one must not lead.
        means = np.column_stack([model.predict(known)[0] for model in models])
        expected: Floats = np.asarray(np.round(means, 9), dtype=np.float64)
        inside = expected[(expected < reference).all(axis=1)]
        self._front: Floats = inside[nondominated(inside)]
        self._directions = np.abs(rng.standard_normal((DIRECTIONS, len(models)))) + 1e-6
        self._directions /= np.linalg.norm(self._directions, axis=1, keepdims=True)
        steps = (np.arange(DRAWS)[:, None] + rng.random((DRAWS, len(models)))) / DRAWS
        self._normals = ndtri(np.clip(rng.permuted(steps, axis=0), 1e-6, 1 - 1e-6))

    def at(self, units: Floats, columns: Floats) -> Floats:
        """Return the logarithm of the expected improvement at each point, rounded: sums are not exact."""
        predicted = [model.predict(columns) for model in self._models]
        mean, deviation = (np.column_stack(part) for part in zip(*predicted, strict=True))
        scores = self._scores(mean, deviation)
        return scores if self._caution is None else scores + self._caution.at(units)

    def _scores(self, mean: Floats, deviation: Floats) -> Floats:
        expected = self._exact(mean, deviation) if mean.shape[1] == 2 else self._drawn(mean, deviation)
        # Where nothing is expected any more the nearest to the front is the best.
        far = np.max((mean - self._reference) / deviation, axis=1)
        scores = np.where(
            expected > LEAST, np.log(np.maximum(expected, LEAST)), np.log(LEAST) - np.maximum(far, 0)
        )
        return np.asarray(np.round(scores, 6))

    def choose(self, units: Floats, columns: Floats, size: int) -> Integers:
        """Return rows of up to `size` points, each the best one if those before it come out as expected."""
        pools = [model.pool(columns) for model in self._models]
        chosen: list[int] = []
        caution = 0.0 if self._caution is None else self._caution.at(units)
        while len(chosen) < min(size, len(units)):
            if chosen:
                for pool in pools:
                    pool.believe(chosen[-1])
                self._reach(np.round([pool.mean[chosen[-1]] for pool in pools], 9))
            mean = np.column_stack([pool.mean for pool in pools])
            scores = self._scores(mean, np.column_stack([pool.deviation for pool in pools])) + caution
            scores[chosen] = -np.inf
            chosen.append(int(np.argmax(scores)))
        return np.array(chosen, dtype=np.int64)

    def _reach(self, values: Floats) -> None:
        """Take values as those of a trial: what lies behind them widens the front no more."""
        if (values < self._reference).all():
            front = np.vstack([self._front, values])
            self._front = front[nondominated(front)]

    def _exact(self, mean: Floats, deviation: Floats) -> Floats:
        """Sum over the strips between neighbours on the front, each a product of two expectations."""
        front = self._front[np.argsort(self._front[:, 0], kind="stable")]
        ends = np.append(front[:, 0], self._reference[0])
        heights = np.append(self._reference[1], front[:, 1])
        wide = _below(ends, mean[:, :1], deviation[:, :1])
        widths = np.diff(wide, axis=1, prepend=0.0)
        return np.asarray((widths * _below(heights, mean[:, 1:], deviation[:, 1:])).sum(axis=1))

    def _drawn(self, mean: Floats, deviation: Floats) -> Floats:
        """Average over directions from the reference: a hypervolume is the mean of lengths^m along them."""
        power = mean.shape[1]
        best = _power(self._lengths(self._front).max(axis=0, initial=0.0), power)
        total = np.zeros(len(mean))
        # No draw of the others reaches beyond the front.
        luckiest = _power(self._lengths(mean + self._normals.min(axis=0) * deviation), power)
        hopeful = np.flatnonzero((luckiest > best).any(axis=1))
        mean, deviation = mean[hopeful], deviation[hopeful]
        for normal in self._normals:
            lengths = _power(self._lengths(mean + normal * deviation), power)
            total[hopeful] += np.maximum(lengths - best, 0.0).mean(axis=1)
        return total / DRAWS

    def _lengths(self, points: Floats) -> Floats:
        """Return how far each point reaches beyond the reference along each direction (n, directions)."""
        beyond = self._reference - points
        reach = np.full((len(points), len(self._directions)), np.inf)
        for axis in range(beyond.shape[1]):  # a minimum over a short last axis takes several times as long
            np.minimum(reach, beyond[:, axis, None] / self._directions[:, axis], out=reach)
        return np.asarray(np.maximum(reach, 0.0))


def _power(lengths: Floats, power: int) -> Floats:
    """Return lengths^power by products: numpy's power takes several times as long."""
    found = lengths * lengths
    for _ in range(power - 2):
        found *= lengths
    return found


def _below(bounds: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Return E[max(bound - value, 0)] for each point and each bound."""
    z = (bounds - mean) / deviation
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return np.asarray(np.maximum(deviation * (z * ndtr(z) + density), 0.0))
