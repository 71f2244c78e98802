"""A search of which nothing but one failure comes pauses itself, says why, and can be resumed."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from caviar.search.spec import SearchSpec
from caviar.service.api import records
from caviar.service.store import reads, searches
from caviar.service.usecases.steer_search import cancel, edit, switch
from caviar.service.usecases.trial_cache import TrialCache
from tests.support.stores import World

WRONG = "DataError: flower has no column 'kind'"


def report(trial: dict[str, Any], reason: str | None = WRONG, state: str = "failed") -> dict[str, Any]:
    metrics = {} if state == "failed" else {"dev_error": 0.5}
    result = {"state": state, "metrics": metrics, "epoch": 0, "reason": reason}
    return {"trial": trial["trial"], "attempt": trial["attempt"], "result": result}


def play(world: World, search: int, states: list[str], reasons: list[str] | None = None) -> int:
    """End one trial after the other; gives how many were handed out."""
    done: list[dict[str, Any]] = []
    for position, state in enumerate(states):
        given = world.exchange(1, want=1, reports=done, searches=[search])["trials"]
        if not given:
            return position
        done = [report(given[0], reasons[position] if reasons else WRONG, state)]
    world.exchange(1, reports=done)
    return len(states)


def shown(world: World, search: int) -> dict[str, Any]:
    found = world.read(lambda connection: reads.search(connection, search, world.clock.now()))
    return records.search(found)


def test_it_pauses_after_a_few_trials_and_says_why(world: World) -> None:
    search = world.submit(budget={"trials": 300})
    assert play(world, search, ["failed"] * 20) == 5
    found = shown(world, search)
    assert (found["state"], found["counts"]["failed"]) == ("paused", 5)
    records.Search(**found)
    (warning,) = found["warnings"]
    assert WRONG in warning["message"] and "resume" in warning["remedy"]
    assert found["failures"] == [{"reason": WRONG, "count": 5}]


def test_resumed_it_gets_as_many_trials_again(world: World) -> None:
    search = world.submit(budget={"trials": 300})
    play(world, search, ["failed"] * 20)
    world.write(lambda tx: switch(tx, search, "active"))
    assert shown(world, search)["warnings"] == []
    assert play(world, search, ["failed"] * 20) == 5
    assert shown(world, search)["state"] == "paused"
    world.write(lambda tx: edit(tx, world.proposer, search, {"parallel": 2}, None))
    world.write(lambda tx: switch(tx, search, "active"))
    assert play(world, search, ["completed"] + ["failed"] * 10) == 11


def test_cancelled_it_waits_for_nobody(world: World) -> None:
    search = world.submit(budget={"trials": 300})
    play(world, search, ["failed"] * 20)
    world.write(lambda tx: cancel(tx, search))
    found = shown(world, search)
    assert (found["state"], found["warnings"], found["failures"][0]["count"]) == ("cancelled", [], 5)


@pytest.mark.parametrize("other", ["completed", "stopped", "diverged"])
def test_a_trial_that_comes_to_something_keeps_it_going(world: World, other: str) -> None:
    search = world.submit(budget={"trials": 30})
    assert play(world, search, [other] + ["failed"] * 10) == 11


def test_failures_of_several_kinds_keep_it_going(world: World) -> None:
    search = world.submit(budget={"trials": 30})
    assert play(world, search, ["failed"] * 10, [f"no memory for {n % 3} GB" for n in range(10)]) == 10
    assert [one["count"] for one in shown(world, search)["failures"]] == [4, 3, 3]


def test_a_search_that_has_ended_is_not_paused(world: World) -> None:
    search = world.submit(budget={"trials": 5})
    assert play(world, search, ["failed"] * 5) == 5
    assert world.exchange(1, want=1, searches=[search])["trials"] == []
    found = shown(world, search)
    assert (found["state"], found["warnings"], found["failures"][0]["count"]) == ("completed", [], 5)


@pytest.mark.parametrize(("failures", "seen"), [("learn", math.inf), ("ignore", math.nan)])
def test_strategies_see_failed_trials_as_the_search_says(world: World, failures: str, seen: float) -> None:
    search = world.submit(budget={"trials": 30}, failures=failures)
    play(world, search, ["completed", "failed", "diverged", "completed"])
    row = world.read(lambda snapshot: searches.get(snapshot, search))
    cache = TrialCache(search, row.version, SearchSpec.parse(json.loads(row.spec)), None)
    world.read(cache.catch_up)
    history = cache.history(cache.visible(30))
    np.testing.assert_equal(history.values[:4], [0.5, seen, math.inf, 0.5])
    assert list(history.states[:4]) == ["completed", "failed", "diverged", "completed"]
