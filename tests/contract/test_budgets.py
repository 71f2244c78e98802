"""Budgets end a search at the same trial for any number of agents, and seconds by the server's clock."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import orjson
import pytest

from caviar.service.api import records
from caviar.service.store import reads
from caviar.service.usecases import budgets, leases, time_limits
from caviar.service.usecases.courses import Courses
from caviar.service.usecases.steer_search import edit, switch
from tests.support.stores import LEASE, World

EPOCHS = 3


def value_of(params: dict[str, float]) -> float:
    return (params["a"] - 0.3) ** 2 + params["b"]


def epochs_of(trial: dict[str, Any]) -> int:
    """A trial trains its epochs, unless its bounds end it before."""
    return min(EPOCHS, (trial.get("stop") or {}).get("last") or EPOCHS)


def done(trial: dict[str, Any]) -> dict[str, Any]:
    value, epochs = value_of(trial["params"]), epochs_of(trial)
    state = "completed" if epochs == EPOCHS else "stopped"
    result = {"state": state, "metrics": {"dev_error": value}, "epoch": epochs}
    rows = {"first": 1, "columns": ["dev_error"], "rows": [[value]] * epochs}
    return {"trial": trial["trial"], "attempt": trial["attempt"], **rows, "result": result}


def train(
    world: World, search: int, agents: int, seed: int, look: Callable[[], object] = lambda: None
) -> None:
    """Have agents train a search; at each step one of them ends one of its trials, or asks for one."""
    rng = np.random.default_rng(seed)
    held: list[dict[str, dict[str, Any]]] = [{} for _ in range(agents)]
    for _ in range(2000):
        if world.search(search).ended is not None:
            return
        look()
        who = int(rng.integers(agents))
        mine = held[who]
        ready = list(mine.values())
        ends = [ready[int(rng.integers(len(ready)))]] if ready and rng.random() < 0.5 else []
        want = 0 if ends else max(0, 3 - len(mine))
        holding = [(one["trial"], one["attempt"]) for one in ready if one not in ends]
        answer = world.exchange(who, want=want, reports=map(done, ends), holding=holding)
        for one in ends:
            del mine[one["trial"]]
        for drop in answer["drop"]:
            mine.pop(drop["trial"], None)
        mine.update({one["trial"]: one for one in plain(answer["trials"])})
    raise AssertionError("the search does not end")


def plain(answer: Any) -> Any:
    """An answer as an agent reads it."""
    return orjson.loads(orjson.dumps(answer))


def shown(world: World, search: int) -> dict[str, Any]:
    found = world.read(lambda snapshot: reads.search(snapshot, search, world.clock.now()))
    told: dict[str, Any] = plain(records.search(found))
    return told


BUDGETS: dict[str, dict[str, Any]] = {
    "target": {"target": 0.2},
    "stale": {"stale": 7},
    "epochs, cut": {"epochs": 31, "at_end": "stop"},
    "epochs, finished": {"epochs": 31},
    "all": {"target": 0.001, "stale": 20, "epochs": 100, "at_end": "stop"},
}


def course(world: World, courses: Courses, search: int) -> Any:
    """The course of a search, read by who has perhaps read it before."""
    return dataclasses.astuple(world.read(lambda snapshot: courses.read(snapshot, search, None)))


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("target", "random"),
        ("epochs, cut", "random"),
        *(
            pytest.param(*one, marks=pytest.mark.soak)
            for one in (("stale", "random"), ("epochs, finished", "random"), ("all", "coarse_to_fine"))
        ),
    ],
)
def test_any_number_of_agents_ends_at_the_same_trial(world: World, name: str, strategy: str) -> None:
    found = []
    for agents in (1, 8):
        search = world.submit(budget={"trials": 40, **BUDGETS[name]}, strategy=strategy, parallel=8)
        courses = Courses()
        train(world, search, agents, seed=agents, look=partial(course, world, courses, search))
        np.testing.assert_equal(course(world, courses, search), course(world, Courses(), search))
        rows = [row for row in world.trials(search) if row.state != "cancelled"]
        end = shown(world, search)["ended_by"]
        end["trial"] = end["trial"].partition(".")[2]
        found.append(([(row.number, row.params, row.state, row.value, row.epoch) for row in rows], end))
        best = min(rows, key=lambda row: (row.value, row.number))
        assert world.search(search).best_number == best.number
        epochs = sum(row.epoch for row in rows)
        if end["budget"] == "epochs":
            assert epochs == (BUDGETS[name]["epochs"] if "at_end" in BUDGETS[name] else 33)
    world.check()
    assert found[0] == found[1]


def running(world: World, search: int, count: int = 2) -> list[dict[str, Any]]:
    trials: list[dict[str, Any]] = plain(world.exchange(1, want=count, searches=[search])["trials"])
    rows = {"first": 1, "columns": ["dev_error"], "rows": [[0.5]]}
    first = trials[0]
    world.exchange(
        1,
        holding=[(one["trial"], one["attempt"]) for one in trials],
        reports=[{"trial": first["trial"], "attempt": 1, **rows}],
    )
    return trials


def by_time(world: World) -> int:
    return int(world.write(lambda tx: budgets.end_by_time(tx, world.proposer)))


@pytest.mark.parametrize(
    ("at_end", "states"), [("finish", ["running", "running"]), ("stop", ["stopped", "cancelled"])]
)
def test_seconds_end_a_search_at_their_moment(world: World, at_end: str, states: list[str]) -> None:
    search = world.submit(budget={"trials": 60, "seconds": 100, "at_end": at_end}, parallel=4)
    world.clock.time += 500  # it waits for an agent: that does not count
    trials = running(world, search)
    world.clock.time += 60
    world.write(lambda tx: switch(tx, search, "paused"))
    world.clock.time += 1000
    assert by_time(world) == 0
    world.write(lambda tx: switch(tx, search, "active"))
    world.clock.time += 39.9
    assert by_time(world) == 0
    world.clock.time += 0.1
    assert by_time(world) == 1
    assert [row.state for row in world.trials(search)] == states
    found = shown(world, search)
    assert found["ended_by"]["budget"] == "seconds" and found["ran"] == pytest.approx(100)
    holding = [(one["trial"], one["attempt"]) for one in trials]
    assert world.exchange(1, want=5, holding=holding)["trials"] == []
    world.check()
    if at_end == "finish":
        world.exchange(1, reports=map(done, trials))
    row = world.search(search)
    assert row.ended is not None and row.best_value is not None


def test_a_trial_that_waits_for_another_attempt_keeps_what_it_has_come_to(world: World) -> None:
    search = world.submit(budget={"trials": 60, "seconds": 100, "at_end": "stop"}, parallel=4)
    trials = running(world, search)
    world.lose(1)
    assert [row.state for row in world.trials(search)] == ["queued", "queued"]
    world.clock.time += 101
    assert by_time(world) == 1
    first, second = world.trials(search)
    assert (first.state, first.value, first.epoch) == ("stopped", 0.5, 1)
    assert second.state == "cancelled"
    assert world.search(search).best_number == 0 and world.search(search).ended is not None
    drops = world.exchange(1, reports=map(done, trials))["drop"]
    assert len(drops) == 2 and world.trials(search)[0].value == 0.5
    world.check()


def test_with_folds_a_trial_counts_with_its_whole_ones(world: World) -> None:
    search = world.submit(
        budget={"trials": 60, "seconds": 100, "at_end": "stop"},
        trainer="mlp",
        dataset={"name": "iris", "folds": 3},
        settings={"epochs": 2},
        space={"learning_rate": {"scale": "log", "low": 0.001, "high": 0.1}},
        parallel=4,
    )
    one, two = plain(world.exchange(1, want=2, searches=[search])["trials"])
    for trial, rows in ((one, [[0.9], [0.4], [0.8]]), (two, [[0.7]])):
        told = {"trial": trial["trial"], "attempt": 1, "first": 1, "columns": ["dev_error"], "rows": rows}
        world.exchange(1, holding=[(one["trial"], 1), (two["trial"], 1)], reports=[told])
    world.clock.time += 101
    assert by_time(world) == 1
    assert [(row.state, row.value) for row in world.trials(search)] == [
        ("stopped", pytest.approx(0.4)),
        ("stopped", pytest.approx(0.7)),
    ]
    world.check()


def test_an_edit_opens_an_ended_search_again(world: World) -> None:
    search = world.submit(budget={"trials": 60, "target": 0.5}, parallel=1)
    train(world, search, 1, seed=0)
    before = [row.number for row in world.trials(search)]
    change: Callable[[dict[str, Any]], Any] = lambda budget: world.write(  # noqa: E731
        lambda tx: edit(tx, world.proposer, search, {"budget": budget}, None)
    )
    change({"trials": 60, "target": 0.02})
    train(world, search, 1, seed=0)
    assert len(world.trials(search)) > len(before)
    kept = [row.value for row in world.trials(search)]
    change({"trials": 60, "target": 0.9})  # which the first trials had reached: what there is counts
    assert [row.value for row in world.trials(search)] == kept
    assert shown(world, search)["ended_by"]["budget"] == "target"


def test_a_script_that_hangs_fails_a_lease_after_its_limit(world: World) -> None:
    world.submit(limits={"seconds": 100}, parallel=4)
    (trial,) = plain(world.exchange(1, want=1)["trials"])
    assert trial["limits"] == {"seconds": 100.0, "left": 100.0}
    name, holding = trial["trial"], [(trial["trial"], 1)]
    look = lambda: world.write(lambda tx: time_limits.fail_overdue(tx, world.proposer, LEASE))  # noqa: E731
    for passed in range(20, 140, 20):
        world.clock.time += 20
        world.exchange(1, holding=holding, training=(name, 1, float(passed)))
        look()
        assert world.trial(name).state == "running"
    world.clock.time += 10.1
    look()
    assert (world.trial(name).state, "100 seconds" in world.trial(name).reason) == ("failed", True)
    (drop,) = world.exchange(1, holding=holding, reports=[done(trial)])["drop"]
    assert "longer than its limit" in drop["why"]
    assert world.trial(name).state == "failed"
    world.check()


@pytest.mark.parametrize("limit", ["seconds", "silent_seconds"])
def test_no_trial_fails_for_the_time_in_which_no_server_heard_its_agent(world: World, limit: str) -> None:
    world.submit(limits={limit: 100}, parallel=4)
    (trial,) = plain(world.exchange(1, want=1)["trials"])
    name, holding = trial["trial"], [(trial["trial"], 1)]
    world.exchange(1, holding=holding, training=(name, 1, 50.0, 50.0))
    world.clock.time += 3600
    world.write(lambda tx: leases.give_back(tx, LEASE))
    world.write(lambda tx: time_limits.fail_overdue(tx, world.proposer, LEASE))
    assert world.trial(name).state == "running"
    world.exchange(1, holding=holding, reports=[done(trial)])
    assert world.trial(name).state == "completed"
    world.check()


def test_a_lost_attempt_uses_up_the_seconds_of_its_trial(world: World) -> None:
    world.submit(limits={"seconds": 100, "silent_seconds": 30}, parallel=4)
    (trial,) = world.exchange(1, want=1)["trials"]
    world.lose(1, training=(trial["trial"], 1, 70.0))
    (again,) = world.exchange(2, want=1)["trials"]
    assert again["limits"] == {"seconds": 100.0, "left": 30.0, "silent_seconds": 30.0}
