"""Where a search looked, who leads it once luck is taken off, and what more trials may bring."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import asdict
from typing import Any

import numpy as np
import orjson
from pydantic import BaseModel, Field
from sqlalchemy import select

from caviar.search.axes import Axis
from caviar.search.history import History
from caviar.search.leaders import Standing, standings
from caviar.search.parameters import identity
from caviar.search.remaining import remaining
from caviar.search.rounds import Round, rounds
from caviar.search.spec import SearchSpec
from caviar.service.store import bulk, reads
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import trials
from caviar.service.usecases.trial_cache import TrialCache

t = trials.c
CACHES = 4  # searches whose trials are kept for their rounds


class Side(BaseModel):
    """One parameter's side of a box."""

    parameter: str = Field(description="with its entry, if it has one for each of another")
    low: float | int | str | bool | list[Any] | None = None
    high: float | int | str | bool | list[Any] | None = None
    choices: list[Any] | None = Field(None, description="those left, of choices without an order")


class RoundRecord(BaseModel):
    """One round of coarse to fine: we looked here, because these were good."""

    index: int
    first: int = Field(description="number of its first trial")
    size: int = Field(description="trials it has when it is over")
    epochs: int | None = Field(description="how far its trials train; null: as the settings say")
    box: list[Side]
    trials: list[str] = Field(description="the trials that made the box, best first")
    why: str
    warnings: list[str]


class Rounds(BaseModel):
    """The rounds that have begun."""

    items: list[RoundRecord]
    reason: str | None = Field(description="why there are none")


class StandingRecord(BaseModel):
    """A leading point that was trained again with fresh seeds."""

    trial: str = Field(description="the trial that made it a leader")
    params: dict[str, Any]
    first: float = Field(description="value of that trial, partly luck")
    mean: float = Field(description="of the fresh trainings alone")
    spread: float | None = Field(description="standard deviation between them; null for a single one")
    trainings: list[str]


class Standings(BaseModel):
    """Leaders by their fresh trainings, best first, and the winner."""

    items: list[StandingRecord]
    winner: StandingRecord | None
    reason: str | None = Field(description="why there is no winner")


class Outlook(BaseModel):
    """How good the best is, and what further trials may add, as if all were drawn at random."""

    trials: int
    left: int
    share: float = Field(description="the best is in the best such share of the space ...")
    confidence: float = Field(description="... with this probability")
    probability: float = Field(description="that one of the trials left is better than the best so far")
    improvement: float = Field(description="expected, in units of the objective")
    text: str


class RoundsReader:
    """Gives the rounds of searches; remembers what it has read of their trials, for more will end."""

    def __init__(self) -> None:
        self._caches: OrderedDict[int, TrialCache] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, snapshot: Snapshot, search: int) -> dict[str, Any]:
        """Give the rounds of a search. Raises NotFoundError."""
        row = reads.search_row(snapshot, search)
        spec = SearchSpec.parse(orjson.loads(row.spec))
        if spec.strategy.name != "coarse_to_fine":
            return {"items": [], "reason": f"{spec.strategy.name} has no rounds; coarse_to_fine has"}
        with self._lock:
            cache = self._cache(row, spec)
            cache.catch_up(snapshot)
            found = rounds(spec, cache.history(max(1, cache.count)))
        return {"items": [_round(search, spec, one) for one in found], "reason": None}

    def _cache(self, row: StoredSearch, spec: SearchSpec) -> TrialCache:
        cache = self._caches.get(row.id)
        if cache is None or cache.version != row.version:
            cache = self._caches[row.id] = TrialCache(row.id, row.version, spec, None)
        cache.by_hand = row.by_hand
        self._caches.move_to_end(row.id)
        if len(self._caches) > CACHES:
            self._caches.popitem(last=False)
        return cache


def _round(search: int, spec: SearchSpec, one: Round) -> dict[str, Any]:
    axes = [axis for axis in spec.space.axes if axis.name in one.box]
    return {
        **asdict(one),
        "box": [_side(axis, one.box[axis.name]) for axis in axes],
        "trials": [f"{search}.{number}" for number in one.trials],
    }


def _side(axis: Axis, side: list[Any]) -> dict[str, Any]:
    if not axis.ordered:
        return {"parameter": axis.name, "choices": list({identity(value): value for value in side}.values())}
    return {"parameter": axis.name, "low": side[0], "high": side[-1]}


def read_standings(snapshot: Snapshot, search: int) -> dict[str, Any]:
    """Give the leaders by their fresh trainings. Raises NotFoundError."""
    row = reads.search_row(snapshot, search)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    if not spec.reevaluate.leaders:
        reason = "no leader is trained again: submit with reevaluate: {leaders: 3, seeds: 2}"
        return {"items": [], "winner": None, "reason": reason}
    again = snapshot.execute(
        select(trials)
        .where(t.search_id == search, t.number >= spec.budget.trials, t.origin == "reevaluation")
        .order_by(t.number)
    ).all()
    sign = -1.0 if spec.objective.direction == "maximize" else 1.0
    items = [_standing(snapshot, one, again, sign) for one in standings(_fresh(again, sign))]
    due = spec.reevaluate.leaders * spec.reevaluate.seeds
    left = due - sum(one.ended is not None for one in again)
    why = None
    if left > 0:
        why = f"{left} of {due} trainings with fresh seeds are still to come"
    elif not items:
        why = "no training with a fresh seed has a value"
    return {"items": items, "winner": None if why else items[0], "reason": why}


def _fresh(again: Any, sign: float) -> History:
    """Columns of the fresh trainings; the point of each is told by the trial that it repeats."""
    ended = [one for one in again if one.ended is not None]
    return History.of(
        [one.number for one in ended],
        np.array([[float(_number(one.parent))] for one in ended]).reshape(-1, 1),
        [math.nan if one.value is None else sign * one.value for one in ended],
        [one.state for one in ended],
    )


def _number(name: str) -> int:
    return int(name.partition(".")[2])


def _standing(snapshot: Snapshot, one: Standing, again: Any, sign: float) -> dict[str, Any]:
    [parent] = {row.parent for row in again if row.number in one.numbers}
    search = again[0].search_id
    first = snapshot.execute(
        select(t.params, t.value).where(t.search_id == search, t.number == _number(parent))
    ).one()
    return {
        "trial": parent,
        "params": orjson.loads(first.params),
        "first": first.value,
        "mean": sign * one.mean,
        "spread": one.spread if math.isfinite(one.spread) else None,
        "trainings": [f"{search}.{number}" for number in one.numbers],
    }


def read_remaining(snapshot: Snapshot, search: int) -> dict[str, Any]:
    """Give what further trials of a search may bring. Raises NotFoundError."""
    row = reads.search_row(snapshot, search)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    sign = -1.0 if spec.objective.direction == "maximize" else 1.0
    budget = spec.budget.trials + row.by_hand
    numbers, values = bulk.read(
        snapshot,
        select(t.number, t.value).where(t.search_id == search, t.value.is_not(None), t.number < budget),
    )
    known = sign * np.array(values, dtype=np.float64)[np.argsort(numbers)]
    ended = sum(getattr(row, state) for state in ("completed", "stopped", "diverged", "failed", "cancelled"))
    left = 0 if row.ended is not None else max(0, budget - min(ended, budget))
    history = History.of(np.arange(len(known)), np.zeros((len(known), 0)), known)
    return {**asdict(remaining(history, left)), "left": left}
