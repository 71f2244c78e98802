"""What a search makes of its sources: a prior mean, each source weighed by how well it predicts.

The process explains what the sources leave unexplained. Their weights come from the search's own results: a
ridge regression whose prior trusts the sources, none below zero, shrunk by how much it explains. So a source
that predicts nothing is soon worth nothing. Compare Feurer, Letham, Hutter and Bakshy (2018).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import nnls

from caviar.search.boxes import whole
from caviar.search.candidates import refined, spread
from caviar.search.encoding import encoding_of
from caviar.search.evidence import Source
from caviar.search.history import Floats, History
from caviar.search.observations import Observations
from caviar.search.randomness import generator
from caviar.search.spec import SearchSpec
from caviar.search.surrogate import Kernel, Pool, Surrogate, squared_distances

TRUST = 0.8  # weight of all sources together before there are results
PRIOR_RESULTS = 3.0  # results that this trust is worth
GUIDED = (0, 3)  # trials that go where the sources expect most, whatever their weights
LEAST_OWN, TRUSTED = 4, 0.5  # results, and weight of all sources, from which the zoom begins early
POOL, NEAR, APART = 512, 64, 0.15
REFINEMENTS = (0.2, 0.05, 0.02)  # how far the most promising ones are moved, again and again


class InformedModel(Surrogate):
    """The process of what the sources leave unexplained, and what they explain."""

    def __init__(self, rest: Surrogate, observations: "InformedObservations") -> None:
        self._rest, self._observations = rest, observations

    def pool(self, columns: Floats) -> Pool:
        """Points of which several are to be chosen."""
        pool = self._rest.pool(columns)
        pool.mean = pool.mean + self._observations.expects(columns)
        return pool


@dataclass(frozen=True, eq=False)
class InformedObservations(Observations):
    """Results of which the sources have explained a part; the targets are the rest."""

    sources: tuple[Source, ...]
    weights: Floats  # (s,)

    def expects(self, columns: Floats) -> Floats:
        """Return what the sources say about some points."""
        found = np.zeros(len(columns))
        for weight, source in zip(self.weights, self.sources, strict=True):
            if weight:
                found += weight * source.expects(columns)
        return found

    def model(self, kernel: Kernel, pending: Floats | None = None, length: float = 1.0) -> Surrogate:
        """Model of these results and of the latest pending points, which train for some length."""
        return InformedModel(super().model(kernel, pending, length), self)


@lru_cache(maxsize=256)
def informed(observations: Observations, sources: tuple[Source, ...]) -> Observations:
    """Return results as a search with these sources sees them."""
    if not sources:
        return observations
    columns = observations.columns(observations.units)
    expected = np.column_stack([one.expects(columns) for one in sources])
    weights = weights_of(expected, observations.targets)
    rest = observations.targets - expected @ weights
    names = ("encoding", "numbers", "units", "lengths")
    same = {name: getattr(observations, name) for name in names}
    return InformedObservations(**same, targets=rest, sources=sources, weights=weights)


def weights_of(expected: Floats, targets: Floats) -> Floats:
    """Return the weight of each source (s,) from what it expects of the results (n, s) and what they are."""
    count, sources = expected.shape
    left, right = expected - expected.mean(axis=0), targets - targets.mean()
    belief = np.sqrt(PRIOR_RESULTS * sources)
    prior = np.full(sources, belief * TRUST / sources)
    found = nnls(np.vstack([left, belief * np.eye(sources)]), np.append(right, prior))[0]
    unexplained = float(np.square(right - left @ found).sum() / np.square(right).sum())
    explained = max(0.0, 1.0 - unexplained * (count - 1) / max(count - 1 - sources, 1))
    shrunk = found * (PRIOR_RESULTS + count * explained) / (PRIOR_RESULTS + count)
    return np.asarray(np.round(shrunk, 3))  # the last bits of linear algebra are not the same twice


def trusts(observations: Observations) -> bool:
    """Return whether the results so far bear out what the sources say."""
    if not isinstance(observations, InformedObservations) or len(observations.numbers) < LEAST_OWN:
        return False
    return float(observations.weights.sum()) >= TRUSTED


def first_point(spec: SearchSpec, number: int, sources: tuple[Source, ...], history: History) -> Floats:
    """Return where the sources expect most: all of them at first, then one; apart from what was tried."""
    encoding = encoding_of(spec.space)
    rng = generator(spec.seed, number, "evidence")
    asked = sources if number == 0 else sources[number % len(sources) :][:1]
    tried = encoding.snap(np.vstack([history.units, history.pending]))

    def score(units: Floats) -> Floats:
        columns = encoding.features(units)
        expected = np.mean([one.expects(columns) for one in asked], axis=0, dtype=np.float64)
        if len(tried):
            squared = squared_distances(units, tried).min(axis=1) / encoding.dimensions
            expected = expected + np.exp(-squared / (2 * APART**2))
        return np.asarray(-np.round(expected, 6))

    units = spread(encoding, whole(encoding), POOL, rng)
    units, scores = refined(encoding, units, score, 4, NEAR, REFINEMENTS, rng)
    return np.asarray(units[np.argmax(scores)])
