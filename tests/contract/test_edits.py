"""A search that is edited while it runs, and objectives that say nothing: it goes on, and it ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from caviar.service.errors import ConflictError, RefusedError
from caviar.service.ids import trial_id
from caviar.service.usecases import steer_search
from caviar.service.usecases.rerun import rerun
from tests.support.simulated_agents import EPOCHS, Players, bowl
from tests.support.stores import World, handed

NARROW = {
    "a": {"scale": "log", "low": 1e-3, "high": 1e-1},
    "b": {"scale": "linear", "low": 0.0, "high": 1.0},
    "c": {"choices": ["x", "y"]},
}
FIELDS: dict[str, Any] = {"settings": {"epochs": EPOCHS}, "parallel": 4, "stopping": "successive_halving"}


def edit(world: World, search: int, **changes: Any) -> None:
    world.write(lambda tx: steer_search.edit(tx, world.proposer, search, changes, None))


def ended(world: World, search: int) -> bool:
    row = world.search(search)
    assert row.problem is None, row.problem
    return row.ended is not None


@pytest.mark.parametrize("strategy", ["coarse_to_fine", "tpe"])
def test_the_space_is_edited_while_it_runs(world: World, strategy: str) -> None:
    point = {"a": 1.0, "b": 0.5}  # outside the space to come
    search = world.submit(**FIELDS, strategy=strategy, enqueued=[point], budget={"trials": 30})
    players = Players(world, 4)
    players.play(search, most=15)
    proposed = world.search(search).proposed
    edit(world, search, space=NARROW)
    players.play(search)
    rows = world.trials(search)
    assert ended(world, search) and len(rows) == 30
    for row in rows[proposed:]:
        params = orjson.loads(row.params)
        assert 1e-3 <= params["a"] <= 1e-1 and params["c"] in ("x", "y")
    assert {row.unit is None for row in rows[:proposed]} == {True}, "they lack the new parameter"
    assert all(len(row.unit) == 24 for row in rows[proposed:])
    edits = orjson.loads(world.search(search).spec)
    assert edits["space"].keys() == NARROW.keys()


def test_a_narrower_space_keeps_the_points_inside(world: World) -> None:
    search = world.submit(**FIELDS, strategy="tpe", budget={"trials": 24})
    players = Players(world, 2)
    players.play(search, most=14)
    before = world.trials(search)
    narrow = {name: NARROW[name] for name in ("a", "b")}
    edit(world, search, space=narrow)
    inside = [1e-3 <= orjson.loads(row.params)["a"] <= 1e-1 for row in before]
    assert [row.unit is not None for row in world.trials(search)] == inside and 0 < sum(inside) < len(inside)
    players.play(search)
    assert ended(world, search)


def test_the_budget_is_lowered_and_raised(world: World) -> None:
    search = world.submit(**FIELDS, strategy="coarse_to_fine", budget={"trials": 30})
    players = Players(world, 2)
    players.play(search, most=10)
    with pytest.raises(RefusedError, match="is below"):
        edit(world, search, budget={"trials": 5})
    edit(world, search, budget={"trials": 12})
    players.play(search)
    assert ended(world, search) and len(world.trials(search)) == 12
    edit(world, search, budget={"trials": 20})
    assert not ended(world, search)
    players.play(search)
    assert ended(world, search) and len(world.trials(search)) == 20


def test_a_budget_lowered_to_what_is_done_ends_the_search(world: World) -> None:
    search = world.submit(**FIELDS, strategy="random", budget={"trials": 30})
    Players(world, 1).play(search, most=6)
    edit(world, search, budget={"trials": 6})
    assert ended(world, search)


def test_a_note_does_not_start_a_cancelled_search_again(world: World) -> None:
    search = world.submit(**FIELDS, strategy="random", budget={"trials": 30})
    ((name, _),) = handed(world.exchange(1, want=1, searches=[search]))
    world.write(lambda tx: steer_search.cancel(tx, search))
    world.write(lambda tx: rerun(tx, world.proposer, trial_id(name)))
    edit(world, search, note="hello")
    Players(world, 1).play(search)
    edit(world, search, note="once more")
    assert ended(world, search) and world.search(search).total == len(world.trials(search)) == 2
    with pytest.raises(RefusedError, match="leaves 0 trials"):  # it would never be trained
        world.write(lambda tx: steer_search.enqueue(tx, world.proposer, search, [{"a": 0.1, "b": 0.5}]))
    edit(world, search, budget={"trials": 31})
    assert not ended(world, search) and world.search(search).total == 32


def test_of_a_cancelled_search_only_name_and_note_are_edited(world: World) -> None:
    search = world.submit(**FIELDS, strategy="random", budget={"trials": 30})
    world.write(lambda tx: steer_search.cancel(tx, search))
    for changes in ({"budget": {"trials": 40}}, {"parallel": 2, "note": "a"}, {"space": NARROW}):
        with pytest.raises(ConflictError, match=r"was cancelled.*submit a copy"):
            edit(world, search, **changes)
    edit(world, search, name="old", note="why", parallel=4, budget={"trials": 30})  # the dashboard sends all
    row = world.search(search)
    assert (row.name, row.note, row.total, row.switch) == ("old", "why", 30, "cancelled")
    assert ended(world, search)


def test_more_agents_may_come_and_go_without_changing_a_trial(world: World) -> None:
    fields = {**FIELDS, "strategy": "coarse_to_fine", "budget": {"trials": 24}}
    plain, edited = world.submit(**fields), world.submit(**fields)
    Players(world, 2).play(plain)
    players = Players(world, 8)
    players.play(edited, most=5)
    edit(world, edited, parallel=1)
    players.play(edited, most=8)
    edit(world, edited, parallel=8)
    players.play(edited)
    outcomes = [[(r.params, r.state, r.value) for r in world.trials(s)] for s in (plain, edited)]
    assert outcomes[0] == outcomes[1]


def nothing(_: Mapping[str, Any]) -> list[float]:
    return [math.nan] * EPOCHS


def equal(_: Mapping[str, Any]) -> list[float]:
    return [0.5] * EPOCHS


def half(trial: Mapping[str, Any]) -> list[float]:
    return nothing(trial) if trial["number"] % 2 else bowl(trial)


def huge(trial: Mapping[str, Any]) -> list[float]:
    return [1e300 * (trial["number"] % 3 - 1)] * EPOCHS


@pytest.mark.parametrize("curve", [nothing, equal, half, huge])
@pytest.mark.parametrize("strategy", ["coarse_to_fine", "tpe", "cmaes"])
def test_an_objective_that_says_nothing_stops_no_search(world: World, strategy: str, curve: Any) -> None:
    search = world.submit(**FIELDS, strategy=strategy, budget={"trials": 16})
    Players(world, 4, curve=curve).play(search)
    assert ended(world, search) and len(world.trials(search)) == 16


def test_what_is_refused_by_rules_of_today_does_not_keep_an_older_search_from_being_edited(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """beta1 has no effect under gd, which was accepted once."""
    space = {"learning_rate": {"scale": "log", "low": 0.001, "high": 0.1}, "beta1": {"low": 0.5, "high": 0.9}}
    fields = {"trainer": "mlp", "dataset": {"name": "iris"}, "settings": {"optimizer": "gd"}, "space": space}
    objective = {"metric": "dev_error"}
    search = world.submit(**fields, objective=objective, stopping="none", budget={"trials": 4})
    edit(world, search, budget={"trials": 6})
    assert orjson.loads(world.search(search).spec)["budget"]["trials"] == 6
    with pytest.raises(RefusedError, match="momentum"):
        edit(world, search, space={**space, "momentum": {"low": 0.5, "high": 0.9}})
