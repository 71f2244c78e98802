"""Who went on from whom in a population, and the way to its best trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from caviar.search.spec import SearchSpec
from caviar.search.strategy_settings import Population
from caviar.service.ids import trial_id
from caviar.service.store import searches as search_rows
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.trials import BY_HAND
from caviar.service.store.turns import turns


@dataclass(frozen=True)
class PopulationView:
    """Turns as columns, by number; a trial's parent is the number of the one that it goes on from."""

    reason: str | None = None
    members: int = 0
    epochs_per_turn: int = 0
    vary: list[str] = field(default_factory=list)
    best: int | None = None
    lineage: list[int] = field(default_factory=list)  # of the best trial, its root first
    number: list[int] = field(default_factory=list)
    member: list[int] = field(default_factory=list)
    turn: list[int] = field(default_factory=list)
    parent: list[int | None] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    epoch: list[int] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    params: dict[str, list[Any]] = field(default_factory=dict)


def read_population(snapshot: Snapshot, search: int) -> PopulationView:
    """Return the population of a search; of other searches none, with the reason. Raises NotFoundError."""
    row = search_rows.get(snapshot, search)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    if not isinstance(spec.strategy, Population):
        return PopulationView(f"{spec.strategy.name} has no members; population has")
    found = [one for one in turns(snapshot, search) if one.origin not in BY_HAND]
    parents = [None if one.continues is None else trial_id(one.continues).number for one in found]
    epochs = {one.number: one.epoch for one in found}
    sign = spec.objective.sign
    scored = [(sign * one.value, one.number) for one in found if one.value is not None]
    best = min(scored)[1] if scored else None
    params = [orjson.loads(one.params) for one in found]
    vary = [name for name in spec.space.names if name in spec.strategy.varied(spec.space)]
    return PopulationView(
        members=spec.strategy.members,
        epochs_per_turn=spec.strategy.epochs_per_turn,
        vary=vary,
        best=best,
        lineage=_lineage(best, dict(zip((one.number for one in found), parents, strict=True))),
        number=[one.number for one in found],
        member=[place % spec.strategy.members for place in range(len(found))],
        turn=[place // spec.strategy.members for place in range(len(found))],
        parent=parents,
        begun=[0 if parent is None else epochs[parent] for parent in parents],
        epoch=[one.epoch for one in found],
        state=[one.state for one in found],
        value=[one.value for one in found],
        params={name: [one.get(name) for one in params] for name in vary},
    )


def _lineage(number: int | None, parents: dict[int, int | None]) -> list[int]:
    """Return a trial and those behind it, the first one first."""
    found: list[int] = []
    while number is not None:
        found.insert(0, number)
        number = parents.get(number)
    return found
