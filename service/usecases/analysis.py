"""Where a search looked, who leads it once luck is taken off, and what more trials may bring."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
from cachetools import LRUCache

from caviar.search.axes import Axis
from caviar.search.history import History
from caviar.search.leaders import Standing, chance_of_ties, standings
from caviar.search.parameters import identity
from caviar.search.remaining import Remaining, remaining
from caviar.search.rounds import Round, rounds
from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId, trial_id
from caviar.service.store import figures, reads
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import Edition, StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import studies, submit_effects
from caviar.service.usecases.trial_cache import TrialCache
from caviar.trial_fields import ENDED, StoredTrial

FOR_IMPORTANCE = 2000  # trials looked at, the newest
ENOUGH_FOR_IMPORTANCE = 5
CHANCE = 0.05  # below which a difference between finalists is called real
CACHES = 4  # searches whose trials are kept for their rounds


@dataclass(frozen=True)
class Side:
    """One parameter's side of a box: its ends, or the choices left where they have no order."""

    parameter: str  # with its entry, if it has one for each of another
    low: Any = None
    high: Any = None
    choices: list[Any] | None = None


@dataclass(frozen=True)
class BoxRound:
    """One round of coarse to fine with its box by parameter."""

    round: Round
    box: list[Side]


@dataclass(frozen=True)
class Rounds:
    """The rounds that have begun, or why there are none."""

    items: list[BoxRound]
    reason: str | None = None


@dataclass(frozen=True)
class Leader:
    """A leading point that was trained again with fresh seeds; values are those of the objective."""

    trial: str  # the one that made it a leader
    params: str  # JSON
    first: float  # value of that trial, partly luck
    mean: float  # of the fresh trainings alone
    spread: float | None  # standard deviation between them; None for a single one
    trainings: list[str]
    chance: float | None = None  # that its distance from the winner is mere chance; None: cannot be told


@dataclass(frozen=True)
class Standings:
    """Leaders by their fresh trainings, best first; `reason` says why there is no winner.

    `text` says which differences are real, once there is one.
    """

    items: list[Leader]
    winner: Leader | None = None
    reason: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Importance:
    """The share of each parameter in being good, the largest first; `reason` says why there are none."""

    shares: dict[str, float]
    trials: int  # with a value that it was told from
    reason: str | None = None


class RoundsReader:
    """Reads the rounds of searches; remembers what it has read of their trials, for more will end."""

    def __init__(self) -> None:
        self._caches: LRUCache[int, tuple[Edition, TrialCache]] = LRUCache(CACHES)
        self._lock = threading.Lock()

    def read(self, snapshot: Snapshot, search: int) -> Rounds:
        """Return the rounds of a search. Raises NotFoundError."""
        row = search_rows.get(snapshot, search)
        spec = SearchSpec.parse(orjson.loads(row.spec))
        if spec.strategy.name != "coarse_to_fine":
            return Rounds([], f"{spec.strategy.name} has no rounds; coarse_to_fine has")
        with self._lock:
            cache = self._cache(row, spec)
            cache.catch_up(snapshot)
            found = rounds(spec, cache.history(cache.visible(max(1, cache.count))))
        return Rounds([_box_round(spec, one) for one in found])

    def _cache(self, row: StoredSearch, spec: SearchSpec) -> TrialCache:
        edition, cache = self._caches.get(row.id, (None, None))
        if cache is None or edition != row.edition:
            cache = TrialCache(row.id, row.version, spec, None)
            self._caches[row.id] = row.edition, cache
        cache.by_hand = row.by_hand
        return cache


def _box_round(spec: SearchSpec, one: Round) -> BoxRound:
    return BoxRound(
        one, [_side(axis, one.box[axis.name]) for axis in spec.space.axes if axis.name in one.box]
    )


def _side(axis: Axis, side: list[Any]) -> Side:
    if not axis.ordered:
        return Side(axis.name, choices=list({identity(value): value for value in side}.values()))
    return Side(axis.name, side[0], side[-1])


def read_standings(snapshot: Snapshot, search: int) -> Standings:
    """Return the leaders by their fresh trainings. Raises NotFoundError."""
    row = search_rows.get(snapshot, search)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    if not spec.reevaluate.leaders:
        reason = f"no leader was retrained; to do it: caviar finalists {search} (reevaluate)"
        return Standings([], reason=reason)
    again = reads.reevaluations(snapshot, search, spec.budget.trials)
    sign = -1.0 if spec.objective.direction == "maximize" else 1.0
    fresh = _fresh(again, sign)
    found = standings(fresh)
    items = [_leader(snapshot, one, again, sign) for one in found]
    if len(found) > 1:
        chances = chance_of_ties([fresh.values[np.isin(fresh.numbers, one.numbers)] for one in found])
        items[1:] = [replace(one, chance=chance) for one, chance in zip(items[1:], chances, strict=True)]
    due = spec.reevaluate.leaders * spec.reevaluate.seeds
    left = due - sum(one.ended is not None for one in again)
    why = None
    if left > 0:
        why = f"{left} of {due} trainings with fresh seeds are still to come"
    elif not items:
        why = "no training with a fresh seed has a value"
    return Standings(items, None if why else items[0], why, None if why else _told_apart(items))


def _told_apart(items: Sequence[Leader]) -> str:
    """Say from which of the others the winner differs by more than chance."""
    if len(items) == 1:
        return "There is no other finalist to compare it with."

    def named(ones: Sequence[Leader]) -> str:
        names = [one.trial for one in ones]
        return ("trial " if len(names) == 1 else "trials ") + " and ".join(
            [part for part in (", ".join(names[:-1]), names[-1]) if part]
        )

    real = [one for one in items[1:] if one.chance is not None and one.chance < CHANCE]
    rest = [one for one in items[1:] if one not in real]
    parts = []
    if real:
        parts.append(f"Significantly better than {named(real)}")
    if rest:
        may = "Its lead over" if not real else "its lead over"
        parts.append(f"{may} {named(rest)} may be chance; more seeds would tell")
    return f"{'; '.join(parts)} (Welch's t-test, 5 % over all comparisons)."


def read_importance(snapshot: Snapshot, search: int) -> Importance:
    """Return the share of each parameter in being good, the largest first. Raises NotFoundError."""
    row = search_rows.get(snapshot, search)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    if spec.trainer == studies.OPTUNA:  # its space grows with its trials: coordinates are of today
        points = figures.points(snapshot, search, FOR_IMPORTANCE)
        pairs = [(number, spec.space.to_unit(point).tobytes(), value) for number, point, value in points]
    else:
        width = 8 * spec.space.dimensions
        found = zip(*figures.units(snapshot, search, FOR_IMPORTANCE), strict=True)
        pairs = [(number, unit, value) for number, unit, value in found if len(unit) == width]
    if len(pairs) < ENOUGH_FOR_IMPORTANCE:
        return Importance({}, len(pairs), "It takes at least five trials with a value to tell.")
    from caviar.search.optuna_bridge import (
        importance,  # Optuna takes a second to load; not all servers need it
    )

    sign = -1.0 if spec.objective.direction == "maximize" else 1.0
    history = History.of(
        [number for number, _, _ in pairs],
        np.array([np.frombuffer(unit) for _, unit, _ in pairs]),
        [sign * value for _, _, value in pairs],
    )
    shares = _of_those_that_matter(importance(spec.space, history), spec)
    ordered = sorted(shares.items(), key=lambda one: -float(one[1]))
    return Importance(dict(ordered), len(pairs))


def _of_those_that_matter(shares: dict[str, float], spec: SearchSpec) -> dict[str, float]:
    """Leave out parameters that have no effect in any trial: what they seem to explain is chance."""
    kept = {name: shares[name] for name in submit_effects.matter(spec) if name in shares}
    total = sum(kept.values())
    return {name: share / total for name, share in kept.items()} if total > 0 else kept


def _fresh(again: Sequence[StoredTrial], sign: float) -> History:
    """Return columns of the fresh trainings; the point of each is told by the trial that it repeats."""
    ended = [one for one in again if one.ended is not None]
    return History.of(
        [one.number for one in ended],
        np.array([[float(_parent(one).number)] for one in ended]).reshape(-1, 1),
        [math.nan if one.value is None else sign * one.value for one in ended],
        [one.state for one in ended],
    )


def _parent(again: StoredTrial) -> TrialId:
    assert again.parent is not None  # of a re-evaluation it is the trial that is trained again
    return trial_id(again.parent)


def _leader(snapshot: Snapshot, one: Standing, again: Sequence[StoredTrial], sign: float) -> Leader:
    [parent] = {_parent(row) for row in again if row.number in one.numbers}
    first = trial_rows.get(snapshot, parent)
    assert first.value is not None  # it led
    return Leader(
        trial=str(parent),
        params=first.params,
        first=first.value,
        mean=sign * one.mean,
        spread=one.spread if math.isfinite(one.spread) else None,
        trainings=[f"{parent.search}.{number}" for number in one.numbers],
    )


def read_remaining(snapshot: Snapshot, search: int) -> tuple[Remaining, int]:
    """Return what further trials of a search may bring, and how many are left. Raises NotFoundError."""
    row = search_rows.get(snapshot, search)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    sign = -1.0 if spec.objective.direction == "maximize" else 1.0
    budget = spec.budget.trials + row.by_hand
    numbers, values = reads.values(snapshot, search, budget)
    known = sign * np.array(values, dtype=np.float64)[np.argsort(numbers)]
    ended = sum(getattr(row, state) for state in ENDED)
    over = row.ended is not None or spec.trainer == studies.OPTUNA  # whose end nobody knows
    left = 0 if over else max(0, budget - min(ended, budget))
    history = History.of(np.arange(len(known)), np.zeros((len(known), 0)), known)
    return remaining(history, left), left
