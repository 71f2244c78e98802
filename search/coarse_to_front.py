"""Coarse to fine with several objectives: look everywhere, then where the front is expected to grow most.

The first trials are spread over the whole space as with one objective. From then on a small model of each
objective tells what a point may add to the dominated hypervolume; trials still running are taken to come to
what is expected of them. Why so: docs/strategies.md.
"""

from collections.abc import Hashable
from threading import Lock

import numpy as np
from cachetools import LRUCache, cached

from caviar.search.boxes import whole
from caviar.search.candidates import Newness, is_new, near, refined, spread
from caviar.search.encoding import SpaceEncoding, encoding_of
from caviar.search.failures import Caution
from caviar.search.feasibility import Feasibility, measured
from caviar.search.front_improvement import FrontImprovement
from caviar.search.history import Floats, History, Integers, as_of, checksum
from caviar.search.observations import MOST_PENDING, WINDOW
from caviar.search.pareto import nondominated, reference_of
from caviar.search.proposal import Proposal, propose_at, round_for_determinism
from caviar.search.randomness import generator
from caviar.search.rounds import Stage, at_once, coarse_size, stage_of
from caviar.search.spec import SearchSpec
from caviar.search.strategy_settings import CoarseToFine
from caviar.search.surrogate import Kernel, Surrogate, fit

SPREAD, NEAR, FROM_FRONT = 256, 16, 12  # points considered anywhere, near each of some of the front
REFINEMENTS = (0.1, 0.04, 0.016, 0.006)  # how far the most promising ones are moved, again and again
LEAST = 3  # results from which there is a model
CLOSER = 256  # of the most promising points, among which several are chosen


def propose(spec: SearchSpec, number: int, history: History) -> Proposal | None:
    """Propose the point that is expected to widen the front most; None while the results do not tell."""
    stage = stage_of(spec, number)
    size = at_once(stage) if shares_models(spec) else 1
    place = (number - stage.first) % size
    if size == 1:
        points = _choose(spec, stage, number, size, history)
    else:
        points = _choose_several(spec, stage, number - place, size, place, history)
    for unit in [*points[place:], *points[:place]]:
        if is_new(unit, history):
            why = "the point that is expected to widen the front most"
            return propose_at(spec.space, round_for_determinism(unit), "front", why, round=stage.index)
    return None


def _caution(spec: SearchSpec, number: int, stage: Stage, history: History) -> Caution | Feasibility | None:
    """Return what failures and broken constraints teach: searches of before learn less."""
    encoding = encoding_of(spec.space)
    if not shares_models(spec) or not measured(history).any():
        return Caution.of(encoding, history)
    return Feasibility.of(encoding, history, spec.horizon(stage.first), number)


def shares_models(spec: SearchSpec) -> bool:
    """Return whether trials share models and learn from broken constraints: not in searches of before."""
    return isinstance(spec.strategy, CoarseToFine) and spec.strategy.version >= 2


def _what_is_seen(
    spec: SearchSpec, stage: Stage, first: int, size: int, begun: int, history: History
) -> Hashable:
    """Key of choices: all that they depend on."""
    seen = int(np.searchsorted(history.numbers, spec.horizon(first)))
    sample = history.units[: seen : max(seen // 64, 1)].tobytes()
    objectives = np.empty(0) if history.objectives is None else np.ravel(history.objectives[:seen])
    values = checksum(history.values[:seen]), checksum(objectives)
    failed, references = np.flatnonzero(history.fails[:seen]).tobytes(), spec.references.tobytes()
    kept = history.kept and (checksum(history.kept.withheld[:seen]), history.kept.slacks[:seen].tobytes())
    return encoding_of(spec.space), spec.seed, stage, first, references, values, failed, kept, sample


@cached(LRUCache(64), key=_what_is_seen, lock=Lock())
def _choose_several(
    spec: SearchSpec, stage: Stage, first: int, size: int, begun: int, history: History
) -> Floats:
    """Choose for `size` trials from `first` on, of which `begun` have begun, once for all of them."""
    seen = int(np.searchsorted(history.numbers, spec.horizon(first)))
    return _choose(spec, stage, first, size, as_of(history, seen, first, begun))


def _choose(spec: SearchSpec, stage: Stage, first: int, size: int, history: History) -> Floats:
    """Points for `size` trials, the best first, and for one all that come after it; none without results."""
    rows, encoding = _rows(history), encoding_of(spec.space)
    if len(rows) < LEAST or history.objectives is None:
        return np.empty((0, encoding.dimensions))
    reference = reference_of(history.objectives, spec.references, coarse_size(spec))
    values, reference = _scaled(history.objectives[rows], reference)
    units = encoding.snap(history.units[rows])
    pending = encoding.snap(history.pending[-MOST_PENDING:])
    known, axes = encoding.features(units), encoding.axis_of_feature
    if shares_models(spec):
        kernels = _kernels(spec, stage, history)
        neighbours = FROM_FRONT // len(spec.further)  # each further objective makes a point dearer
    else:
        before = history.numbers[rows] < spec.horizon(stage.first)
        if before.sum() < LEAST:
            before[:] = True
        neighbours = FROM_FRONT
        kernels = [fit(known[before], axes, column[before]) for column in values.T]
    running = encoding.features(pending)
    models = [
        Surrogate(one, axes, known, column, running) for one, column in zip(kernels, values.T, strict=True)
    ]
    rng = generator(spec.seed, first, "front")
    improvement = FrontImprovement(models, known, reference, _caution(spec, first, stage, history), rng)
    front = units[nondominated(values)]
    points = _consider(encoding, front, neighbours, improvement, rng)
    if size == 1:
        return points
    new = Newness(history)
    few = np.array([unit for unit in points[:CLOSER] if new(unit)]).reshape(-1, encoding.dimensions)
    return few[improvement.choose(few, encoding.features(few), size)]


def _kernels(spec: SearchSpec, stage: Stage, history: History) -> list[Kernel]:
    """Return the kernel of each objective, by what the first trial of a round saw."""
    seen = int(np.searchsorted(history.numbers, spec.horizon(stage.first)))
    before = history.select(slice(seen))
    rows = _rows(before)
    if len(rows) < LEAST:
        before, rows = history, _rows(history)
    assert before.objectives is not None
    encoding, objectives = encoding_of(spec.space), before.objectives
    values, _ = _scaled(objectives[rows], reference_of(objectives, spec.references, coarse_size(spec)))
    known = encoding.features(encoding.snap(before.units[rows]))
    return [fit(known, encoding.axis_of_feature, column) for column in values.T]


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


def _consider(
    encoding: SpaceEncoding,
    front: Floats,
    neighbours: int,
    improvement: FrontImprovement,
    rng: np.random.Generator,
) -> Floats:
    """Return points anywhere, near some of the front, and near the best of all these, the best first."""
    anywhere = whole(encoding)
    some = front[rng.permutation(len(front))[:neighbours]]
    around = [near(encoding, anywhere, some, NEAR, size, rng) for size in (0.2, 0.05, 0.015)]
    units = np.vstack([spread(encoding, anywhere, SPREAD, rng), *around])

    def score(units: Floats) -> Floats:
        return improvement.at(units, encoding.features(units))

    units, scores = refined(encoding, units, score, 6, NEAR, REFINEMENTS, rng)
    return np.asarray(units[np.argsort(-scores, kind="stable")])
