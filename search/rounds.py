"""Rounds of coarse to fine: which trials make one up, and the box that each is confined to."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from caviar.search.axes import Numbers
from caviar.search.boxes import Box, around, whole
from caviar.search.encoding import encoding_of
from caviar.search.evidence import sources_of
from caviar.search.history import History
from caviar.search.informed import informed
from caviar.search.observations import Observations, gather_observations
from caviar.search.randomness import generator
from caviar.search.repeats import lucky
from caviar.search.spec import SearchSpec
from caviar.search.strategy_settings import CoarseToFine

SHORTEST = 4  # trials in a round
GROWTH = 6  # a round is a sixth of all trials before it
ENDLESS = 2**62
MOST_AT_ONCE = 64  # trials chosen from one model, when there are thousands
AT_EDGE = 0.02  # nearer than this to the end of a range is at its edge
POOL = 512  # points of which the model names an elite


@dataclass(frozen=True)
class Stage:
    """Trials of one round: `size` of them from `first` on."""

    index: int
    first: int
    size: int
    epochs: int | None = None  # how far they train, None: as the settings say


def coarse_size(spec: SearchSpec) -> int:
    """Trials before the first zoom: enough to see every axis, never more than a third of the budget."""
    if isinstance(spec.strategy, CoarseToFine) and spec.strategy.rounds == 1:
        return spec.budget.trials
    return max(2, min(max(6, spec.space.dimensions + 2), 12, spec.budget.trials // 3))


def longest(spec: SearchSpec) -> int | None:
    """Epochs of the longest trials where the rounds are coarse in time."""
    epochs = spec.strategy.epochs_per_round if isinstance(spec.strategy, CoarseToFine) else None
    return max(epochs) if epochs else None


def stage_of(spec: SearchSpec, number: int) -> Stage:
    """Round of a trial; a budget that grows later prolongs the last round the user asked for."""
    lengths, index, first = _lengths(spec), 0, 0
    while True:
        end, epochs = next(length for length in lengths if first < length[0])
        size = _size(spec, index, first)
        if end - first - size < SHORTEST:
            size = end - first
        if number < first + size:
            return Stage(index, first, size, epochs)
        index, first = index + 1, first + size


def at_once(stage: Stage) -> int:
    """Trials of a round chosen from one model: with thousands of results a few more change little."""
    return min(max(stage.first // 128, 1), MOST_AT_ONCE)


def _size(spec: SearchSpec, index: int, first: int) -> int:
    """Trials of the round that begins with trial `first`: as the user asked, or growing with the search."""
    strategy = spec.strategy
    if index == 0:
        return coarse_size(spec)
    if isinstance(strategy, CoarseToFine) and strategy.rounds and not strategy.epochs_per_round:
        start = coarse_size(spec)
        end = start + round((spec.budget.trials - start) * index / max(strategy.rounds - 1, 1))
        return max(1, end - first) if index < strategy.rounds - 1 else ENDLESS
    return max(SHORTEST, first // GROWTH)


def _lengths(spec: SearchSpec) -> list[tuple[int, int | None]]:
    """Number after the last trial that trains for so many epochs, for each number of epochs, and the epochs.

    There are so many trials of each length that all lengths would cost the same if no trial were continued.
    """
    epochs = spec.strategy.epochs_per_round if isinstance(spec.strategy, CoarseToFine) else None
    if not epochs:
        return [(ENDLESS, None)]
    shares = np.cumsum([1.0 / length for length in epochs])
    ends = np.round(shares / shares[-1] * spec.budget.trials).astype(int).tolist()
    return list(zip([*ends[:-1], ENDLESS], epochs, strict=True))


@lru_cache(maxsize=256)
def box_of(seed: int, stage: Stage, observations: Observations) -> Box:
    """Box of a round: around the points that the results before it promise to be good."""
    encoding = observations.encoding
    rng = generator(seed, stage.first, "box")
    pool = encoding.candidates(whole(encoding).spread(rng.random((POOL, encoding.dimensions))))
    mean, deviation = observations.model(observations.kernel).predict(observations.columns(pool))
    share = max(0.02, 0.25 * 0.75 ** (stage.index - 1))
    elite = pool[np.argsort(mean - deviation)[: max(8, int(share * POOL))]]
    return around(encoding, elite, observations.units[observations.leaders[:3]])


@dataclass(frozen=True)
class Round:
    """One round as a person reads it: we looked here, because these were good."""

    index: int
    first: int  # number of its first trial
    size: int  # trials it has when it is over
    box: dict[str, list[Any]]  # by axis, in the parameter's own values: [low, high], or the choices left
    trials: tuple[int, ...]  # the visible trials that made the box, best first
    why: str
    warnings: tuple[str, ...]
    epochs: int | None = None  # how far its trials train, None: as the settings say


def rounds(spec: SearchSpec, history: History) -> list[Round]:
    """Every round that has begun, recomputed from the results its first trial could see."""
    if not spec.space.dimensions or spec.further:  # several objectives have no one box
        return []
    encoding = encoding_of(spec.space)
    begun = min(len(history) + len(history.pending), spec.budget.trials)
    found, number = [], 0
    while number < max(begun, 1):
        stage = stage_of(spec, number)
        observations = (
            gather_observations(encoding, history, spec.horizon(stage.first), longest(spec))
            if stage.index
            else None
        )
        seen = history.select(slice(int(np.searchsorted(history.numbers, spec.horizon(stage.first)))))
        found.append(_read(spec, stage, observations and informed(observations, sources_of(spec)), seen))
        number = stage.first + stage.size
    return found


def _read(spec: SearchSpec, stage: Stage, observations: Observations | None, seen: History) -> Round:
    axes = spec.space.axes
    if observations is None:
        box, trials, why = (
            whole(encoding_of(spec.space)),
            (),
            "spread evenly: nothing is known yet",
        )
    else:
        box, trials = (
            box_of(spec.seed, stage, observations),
            tuple(observations.numbers[observations.leaders[:3]].tolist()),
        )
        names = ", ".join(map(str, trials))
        why = f"around trials {names} and what the model of {len(observations.numbers)} results finds as good"
    sides = {
        axis.name: [axis.from_unit(unit) for unit in (box.low[place], box.high[place])]
        if (left := box.choices[place]) is None
        else [axis.from_unit(unit) for unit in left.tolist()]
        for place, axis in enumerate(axes)
    }
    size = min(stage.size, spec.budget.trials - stage.first)
    return Round(
        stage.index, stage.first, size, sides, trials, why, _warnings(spec, observations, seen), stage.epochs
    )


def _warnings(spec: SearchSpec, observations: Observations | None, seen: History) -> tuple[str, ...]:
    """Say where the best trial sits at the very edge of a range, and where the lowest value may be luck.

    Better points may lie beyond an edge. Of noisy values the lowest is often of a point tried only once.
    """
    if observations is None:
        return ()
    best = observations.units[observations.leaders[0]]
    said = []
    for axis, unit in zip(spec.space.axes, best.tolist(), strict=True):
        if not isinstance(axis.domain, Numbers) or axis.levels == 1:
            continue
        definition = axis.domain.definition
        if not axis.zero and unit <= axis.to_unit(definition.low) + AT_EDGE:  # below low there is the zero
            said.append(_at_end(axis.name, "low", definition.low))
        if unit >= axis.to_unit(definition.high) - AT_EDGE:
            said.append(_at_end(axis.name, "high", definition.high))
    if (found := lucky(seen)) is not None:
        lowest, leads = found
        said.append(
            f"trial {lowest} has the best value, perhaps by luck: values differ from draw to draw, "
            f"and by its repeats the point of trial {leads} is better"
        )
    return tuple(said)


def _at_end(name: str, end: str, value: float) -> str:
    return f"{name}: the best sits at the {end} end ({value:.6g}); widen the range there"
