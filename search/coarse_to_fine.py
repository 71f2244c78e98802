"""Coarse to fine: look everywhere, see where it was good, look closer there, and again.

The first trials are spread over the whole space. Every later round has a box: what the results so far say is
the promising part of the space. Most points that are considered lie inside it, some outside, so that a wrong
zoom is found out; a trial goes to the one from which a small model of the results expects the largest
improvement, trials still running taken into account. With `epochs_per_round` the rounds are coarse in time
too: early ones train briefly, later ones go on with the leaders. Why so: docs/decisions/coarse-to-fine.md.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import NamedTuple

import numpy as np
from cachetools import LRUCache, cached

from caviar.search import coarse_to_front, repeats
from caviar.search.boxes import Box, whole
from caviar.search.candidates import Newness, is_new, near, refined, spread
from caviar.search.continuing import continuable
from caviar.search.encoding import encoding_of
from caviar.search.evidence import sources_of
from caviar.search.failures import Caution
from caviar.search.feasibility import Feasibility, as_measured, measured
from caviar.search.history import Floats, History, Integers, as_of, checksum
from caviar.search.improvement import Improvement
from caviar.search.informed import GUIDED, first_point, informed, trusts
from caviar.search.observations import Observations, gather_observations, length_of
from caviar.search.proposal import Proposal, propose_at, round_for_determinism
from caviar.search.random import draw
from caviar.search.randomness import generator
from caviar.search.rounds import Stage, at_once, box_of, coarse_size, longest, stage_of
from caviar.search.sobol import point_of, sobol_point
from caviar.search.spec import SearchSpec
from caviar.search.strategy_settings import CoarseToFine
from caviar.search.surrogate import Kernel

INSIDE, OUTSIDE = 192, 96  # points considered in the box, and in the whole space
LEADERS, NEAR = 5, 24  # points considered near each leader, at each of two distances
REFINEMENTS = (0.1, 0.04, 0.016)  # how far the most promising ones are moved, again and again
ENOUGH, VARIATION = 30, 0.8  # results from which every other trial varies the log lengthscales, how much


@dataclass(frozen=True, eq=False)
class ChosenPoint:
    """Where a trial goes."""

    unit: Floats
    zoomed: bool  # into the box
    continue_from: int | None = None  # trial that it goes on with
    repeats: int | None = None  # trial whose point it tries again


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Propose trial `number`: spread evenly at first, later where most improvement is expected."""
    if not spec.space.dimensions:
        return propose_at(spec.space, np.empty(0), "coarse", "the space has one point")
    stage = stage_of(spec, number)
    if spec.further:
        found = coarse_to_front.propose(spec, number, history) if number >= coarse_size(spec) else None
        return found or _coarse(spec, number, stage, history)
    again = _again(spec, number, stage, history) if repeats_points(spec) else None
    if again is not None:
        return again
    if number < coarse_size(spec):
        return _informed_early(spec, number, stage, history) or _coarse(spec, number, stage, history)
    size = at_once(stage)
    place = (number - stage.first) % size
    if size == 1:
        choices = _choose(spec, stage, number, size, history)
    else:
        choices = _choose_several(spec, stage, number - place, size, place, history)
    for choice in choices[place:] + choices[:place]:
        if choice.repeats is not None:
            row = int(np.searchsorted(history.numbers, choice.repeats))
            return _repeated(spec, stage, history, row, "no new point promises more")
        if choice.continue_from is not None or is_new(choice.unit, history):
            return _zoom(spec, stage, choice)
    return _coarse(spec, number, stage, history)


def _informed_early(spec: SearchSpec, number: int, stage: Stage, history: History) -> Proposal | None:
    """Propose what earlier searches suggest before the zoom; None where they have nothing to say (yet)."""
    sources = sources_of(spec)
    if not sources:
        return None
    if number in GUIDED:
        unit = round_for_determinism(first_point(spec, number, sources, history))
        if is_new(unit, history):
            why = "the most promising point of the earlier searches"
            return propose_at(spec.space, unit, "coarse", why, round=stage.index, epochs=stage.epochs)
    seen = gather_observations(encoding_of(spec.space), history, None, longest(spec))
    if seen is None or not trusts(informed(seen, sources)):
        return None
    why = "the most promising point by the earlier searches and the results so far"
    for choice in _choose(spec, stage, number, 1, history):
        if choice.continue_from is None and is_new(choice.unit, history):
            unit = round_for_determinism(choice.unit)
            return propose_at(spec.space, unit, "coarse", why, round=stage.index, epochs=stage.epochs)
    return None


def repeats_points(spec: SearchSpec) -> bool:
    """Return whether trials of a search may be repeats of others: searches of before have none."""
    strategy = spec.strategy
    return isinstance(strategy, CoarseToFine) and strategy.version >= 2 and not strategy.epochs_per_round


def _again(spec: SearchSpec, number: int, stage: Stage, history: History) -> Proposal | None:
    """Propose a point that has been tried: all have been, or what leads may do so by luck."""
    every = encoding_of(spec.space).every_point
    if every is not None and repeats.all_tried(every, history):
        row = repeats.by_promise(history, generator(spec.seed, number, "repeat"))
        why = f"every one of the {len(every)} points has been tried; drawn by how likely it is the best"
        return None if row is None else _repeated(spec, stage, history, row, why)
    if number < coarse_size(spec) or (number - stage.first) % repeats.EVERY != 1:
        return None
    before = gather_observations(encoding_of(spec.space), history, spec.horizon(stage.first), None)
    row = None if before is None else repeats.leader_again(history, before.kernel.noise)
    return None if row is None else _repeated(spec, stage, history, row, "it leads, perhaps by luck")


def _repeated(spec: SearchSpec, stage: Stage, history: History, row: int, why: str) -> Proposal:
    """Propose the point of a trial once more."""
    parent, unit = int(history.numbers[row]), history.units[row]
    why = f"trial {parent} once more: {why}"
    return Proposal(spec.space.from_unit(unit), unit, "repeat", why, round=stage.index, parent=parent)


def _coarse(spec: SearchSpec, number: int, stage: Stage, history: History) -> Proposal:
    """Propose the next point of a scrambled Sobol sequence, or one far down of it if that is taken."""
    encoding = encoding_of(spec.space)
    unit = point_of(spec.space, spec.seed, number)
    for again in range(8):
        other = _instead(spec, number, again)
        if is_new(encoding.snap(other[None])[0], history):
            unit = other
            break
    why = "spread over the whole space"
    return propose_at(spec.space, unit, "coarse", why, round=stage.index, epochs=stage.epochs)


def _instead(spec: SearchSpec, number: int, again: int) -> Floats:
    """Point far down the sequence; under relations, where only points in turn are at hand, a random one."""
    if spec.space.region is None:
        return sobol_point(spec.seed, spec.space.dimensions, number + (again << 20))
    return draw(spec, number, f"again {again}") if again else point_of(spec.space, spec.seed, number)


def _zoom(spec: SearchSpec, stage: Stage, choice: ChosenPoint) -> Proposal:
    unit = round_for_determinism(choice.unit)
    if choice.continue_from is not None:
        unit = choice.unit  # the very point of the parent
        why = f"goes on with trial {choice.continue_from}, the most promising for the epochs it takes"
    elif choice.zoomed:
        why = f"the most promising point, in the box of round {stage.index}"
    else:
        why = f"the most promising point, although outside the box of round {stage.index}"
    return propose_at(
        spec.space,
        unit,
        "zoom" if choice.zoomed else "global",
        why,
        round=stage.index,
        continue_from=choice.continue_from,
        epochs=stage.epochs,
    )


def _what_is_seen(
    spec: SearchSpec, stage: Stage, first: int, size: int, begun: int, history: History
) -> Hashable:
    """Key of choices: all that they depend on."""
    seen = int(np.searchsorted(history.numbers, spec.horizon(first)))
    sample = history.units[: seen : max(seen // 64, 1)].tobytes()
    values, failed = checksum(history.values[:seen]), b""
    if spec.failures == "learn":
        failed = np.flatnonzero(history.fails[:seen]).tobytes()
    kept = history.kept and (checksum(history.kept.withheld[:seen]), history.kept.slacks[:seen].tobytes())
    again = repeats_points(spec)
    model = encoding_of(spec.space), sources_of(spec), spec.seed, stage, again
    return *model, first, values, failed, kept, sample


@cached(LRUCache(256), key=_what_is_seen, lock=Lock())
def _choose_several(
    spec: SearchSpec, stage: Stage, first: int, size: int, begun: int, history: History
) -> tuple[ChosenPoint, ...]:
    """Choose for `size` trials from `first` on, of which `begun` have begun, once for all of them."""
    seen = int(np.searchsorted(history.numbers, spec.horizon(first)))
    return _choose(spec, stage, first, size, as_of(history, seen, first, begun))


def _choose(
    spec: SearchSpec, stage: Stage, first: int, size: int, history: History
) -> tuple[ChosenPoint, ...]:
    """Choose for `size` trials, the best first; nothing if the results do not tell good from bad."""
    encoding, full = encoding_of(spec.space), longest(spec)
    observations = gather_observations(encoding, history, None, full)
    if observations is None:
        return ()
    before = gather_observations(encoding, history, spec.horizon(stage.first), full) or observations
    sources = sources_of(spec)
    observations, before = informed(observations, sources), informed(before, sources)
    box = box_of(spec.seed, stage, before)
    length = float(length_of(stage.epochs, full)) if stage.epochs and full else 1.0
    again = None
    if repeats_points(spec):
        again = repeats.worth_again(history, small=encoding.every_point is not None)
    lessons = _lessons(spec, stage, first, history)
    if lessons.history is not history:
        history = lessons.history
        observations = informed(gather_observations(encoding, history, None, full) or observations, sources)
        before = gather_observations(encoding, history, spec.horizon(stage.first), full) or observations
        before = informed(before, sources)
    kernel = _kernel(spec, first, size, observations, before)
    model = observations.model(kernel, encoding.snap(history.pending), length)
    improvement = Improvement(observations, model, length, lessons.caution, lessons.broken)
    units, scores = _consider(box, observations, improvement, generator(spec.seed, first, "zoom"))
    fresh = len(units)
    rows, costs = continuable(observations, history, stage.epochs)
    if again is not None:
        rows = np.flatnonzero(np.isin(observations.numbers, again))
        costs = np.zeros(len(rows))
    if len(rows):
        units = np.vstack([units, observations.units[rows]])
        scores = np.append(scores, improvement.at(observations.units[rows]))
    new = Newness(history) if size > 1 else partial(is_new, history=history)
    chosen = improvement.choose(
        units,
        scores,
        np.append(np.zeros(fresh), costs),
        size,
        lambda row: row >= fresh or new(units[row]),
    )
    trials = [int(observations.numbers[rows[row - fresh]]) if row >= fresh else None for row in chosen]
    zoomed = box.contains(units[chosen]).tolist()
    name = "repeats" if stage.epochs is None else "continue_from"
    return tuple(
        ChosenPoint(unit, inside, **{name: trial})
        for unit, inside, trial in zip(units[chosen], zoomed, trials, strict=True)
    )


class Lessons(NamedTuple):
    """What trials that do not count teach."""

    history: History  # with the values of those that break a constraint
    broken: Integers | None  # their numbers
    caution: Caution | Feasibility | None


def _lessons(spec: SearchSpec, stage: Stage, number: int, history: History) -> Lessons:
    """Return what is to be learnt from failures and broken constraints: searches of before learn less."""
    encoding = encoding_of(spec.space)
    broken = measured(history)
    if not (repeats_points(spec) and broken.any()):
        return Lessons(history, None, Caution.of(encoding, history))
    caution = Feasibility.of(encoding, history, spec.horizon(stage.first), number)
    return Lessons(as_measured(history), history.numbers[broken], caution)


def _kernel(
    spec: SearchSpec, first: int, size: int, observations: Observations, before: Observations
) -> Kernel:
    """Kernel of a trial: the most probable one, of every other trial later on one drawn around it.

    One and the same opinion on which axes matter would look at one and the same places, for good if it is
    wrong. With few results there is nothing better than that opinion.
    """
    if len(observations.numbers) < ENOUGH or first // size % 2:
        return before.kernel
    return before.kernel.varied(VARIATION, generator(spec.seed, first, "kernel"))


def _consider(
    box: Box, observations: Observations, improvement: Improvement, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Points of the box, of the space, near the leaders, near the best of all these; and their scores."""
    encoding, anywhere = observations.encoding, whole(observations.encoding)
    leaders = observations.units[improvement.leaders[:LEADERS]]
    around = [near(encoding, anywhere, leaders, NEAR, size, rng) for size in (0.2, 0.05)]
    units = np.vstack([spread(encoding, box, INSIDE, rng), spread(encoding, anywhere, OUTSIDE, rng), *around])
    return refined(encoding, units, improvement.at, 4, NEAR, REFINEMENTS, rng)
