"""Coarse to fine with several objectives: look everywhere, then where the front is expected to grow most.

The first trials are spread over the whole space as with one objective. From then on a small model of each
objective tells what a point may add to the dominated hypervolume; trials still running are taken to come to
what is expected of them. Why so: docs/strategies.md.
"""

import numpy as np

from caviar.search.boxes import whole
from caviar.search.candidates import is_new, near, refined, spread
from caviar.search.encoding import SpaceEncoding, encoding_of
from caviar.search.failures import Caution
from caviar.search.feasibility import Feasibility, measured
from caviar.search.front_improvement import FrontImprovement
from caviar.search.history import Floats, History, Integers
from caviar.search.observations import MOST_PENDING, WINDOW
from caviar.search.pareto import nondominated, reference_of
from caviar.search.proposal import Proposal, propose_at, round_for_determinism
from caviar.search.randomness import generator
from caviar.search.rounds import Stage, coarse_size, stage_of
from caviar.search.spec import SearchSpec
from caviar.search.surrogate import Surrogate, fit

SPREAD, NEAR, FROM_FRONT = 256, 16, 12  # points considered anywhere, near each of some of the front
REFINEMENTS = (0.1, 0.04, 0.016, 0.006)  # how far the most promising ones are moved, again and again
LEAST = 3  # results from which there is a model


def propose(spec: SearchSpec, number: int, history: History) -> Proposal | None:
    """Propose the point that is expected to widen the front most; None while the results do not tell."""
    rows = _rows(history)
    if len(rows) < LEAST or history.objectives is None:
        return None
    encoding, stage = encoding_of(spec.space), stage_of(spec, number)
    reference = reference_of(history.objectives, spec.references, coarse_size(spec))
    values, reference = _scaled(history.objectives[rows], reference)
    units = encoding.snap(history.units[rows])
    pending = encoding.snap(history.pending[-MOST_PENDING:])
    before = history.numbers[rows] < spec.horizon(stage.first)
    if before.sum() < LEAST:
        before[:] = True
    models = [_model(encoding, units, column, before, pending) for column in values.T]
    rng = generator(spec.seed, number, "front")
    known = encoding.features(units)
    improvement = FrontImprovement(models, known, reference, _caution(spec, number, stage, history), rng)
    points = _consider(encoding, units[nondominated(values)], improvement, rng)
    for unit in points:
        if is_new(unit, history):
            why = "the point that is expected to widen the front most"
            return propose_at(spec.space, round_for_determinism(unit), "front", why, round=stage.index)
    return None


def _caution(spec: SearchSpec, number: int, stage: Stage, history: History) -> Caution | Feasibility | None:
    """Return what failures and broken constraints teach: searches of before learn less."""
    encoding = encoding_of(spec.space)
    if getattr(spec.strategy, "version", 1) < 2 or not measured(history).any():
        return Caution.of(encoding, history)
    return Feasibility.of(encoding, history, spec.horizon(stage.first), number)


def _rows(history: History) -> Integers:
    """Return the results that a model is made of: the front and the latest."""
    if history.objectives is None:
        return np.empty(0, dtype=np.int64)
    rows = np.flatnonzero(np.isfinite(history.objectives).all(axis=1) & np.isfinite(history.values))
    if len(rows) <= WINDOW:
        return rows
    front = rows[nondominated(history.objectives[rows])][-2 * WINDOW // 3 :]
    latest = rows[~np.isin(rows, front)][-(WINDOW - len(front)) :]
    return np.union1d(front, latest)


def _scaled(values: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Return values and reference, each of mean 0 and deviation 1; what lies far behind is cut off."""
    ideal = values.min(axis=0)
    room = np.where(reference > ideal, reference - ideal, 1.0)
    cut = np.minimum(values, reference + room)
    mean, deviation = cut.mean(axis=0), cut.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return (cut - mean) / deviation, (reference - mean) / deviation


def _model(
    encoding: SpaceEncoding, units: Floats, targets: Floats, before: np.ndarray, pending: Floats
) -> Surrogate:
    """Return the model of one objective; its kernel is that of the results before the round."""
    columns, axes = encoding.features(units), encoding.axis_of_feature
    kernel = fit(columns[before], axes, targets[before])
    return Surrogate(kernel, axes, columns, targets, encoding.features(pending))


def _consider(
    encoding: SpaceEncoding, front: Floats, improvement: FrontImprovement, rng: np.random.Generator
) -> Floats:
    """Return points anywhere, near the front, and near the best of all these, the best first."""
    anywhere = whole(encoding)
    some = front[rng.permutation(len(front))[:FROM_FRONT]]
    around = [near(encoding, anywhere, some, NEAR, size, rng) for size in (0.2, 0.05, 0.015)]
    units = np.vstack([spread(encoding, anywhere, SPREAD, rng), *around])

    def score(units: Floats) -> Floats:
        return improvement.at(units, encoding.features(units))

    units, scores = refined(encoding, units, score, 6, NEAR, REFINEMENTS, rng)
    return np.asarray(units[np.argsort(-scores, kind="stable")])
