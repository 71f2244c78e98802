"""One broken machine does not burn a search: its failures are tried elsewhere, and it is given no more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import comb
from typing import Any

import pytest

from caviar.service.store import agent_records
from caviar.service.store.agent_records import Record
from caviar.service.usecases.suspects import chance, is_suspect
from tests.support.stores import World, agent_id

Fails = Callable[[int, int], bool]  # agent and number of the trial: whether it fails there


def play(world: World, search: int, agents: int, fails: Fails, steps: int = 400) -> None:
    """Have agents train a search by turns, one trial at a time."""
    held: dict[int, dict[str, Any]] = {}
    for step in range(steps):
        if world.search(search).ended is not None:
            return
        who = step % agents
        world.clock.time += 0.1
        reports = []
        if (trial := held.pop(who, None)) is not None:
            failed = fails(who, trial["number"])
            result: dict[str, Any] = {"state": "failed", "reason": f"broken {trial['number']}"}
            if not failed:
                result = {"state": "completed", "metrics": {"dev_error": 0.5}}
            reports = [{"trial": trial["trial"], "attempt": trial["attempt"], "result": result}]
        given = world.exchange(who, want=1, reports=reports)["trials"]
        if given:
            held[who] = given[0]


def suspended(world: World, agents: int) -> list[int]:
    asked = [agent_id(agent) for agent in range(agents)]
    found = world.write(lambda tx: agent_records.given_nothing(tx, asked, 10**6))
    return [agent for agent in range(agents) if agent_id(agent) in found]


def test_a_broken_agent_is_suspended_and_burns_two_trials_at_most(world: World) -> None:
    search = world.submit(budget={"trials": 60}, parallel=4)
    play(world, search, 4, lambda agent, _number: agent == 2)
    assert suspended(world, 4) == [2]
    assert sum(row.state == "failed" for row in world.trials(search)) == 2
    assert sum(row.state == "completed" for row in world.trials(search)) == 58
    world.check()
    assert world.write(lambda tx: agent_records.trust(tx, agent_id(2)))
    assert suspended(world, 4) == []
    again = world.submit(budget={"trials": 12}, parallel=4)
    play(world, again, 4, lambda _agent, _number: False)
    assert any(row.agent == agent_id(2) for row in world.trials(again))


def test_trials_that_fail_everywhere_suspend_nobody(world: World) -> None:
    search = world.submit(budget={"trials": 60}, parallel=3)
    play(world, search, 3, lambda _agent, number: number % 10 >= 4)
    assert suspended(world, 3) == []
    states = {row.number: row.state for row in world.trials(search)}
    assert all((states[number] == "failed") == (number % 10 >= 4) for number in range(60))


def test_an_agent_alone_is_compared_with_nobody(world: World) -> None:
    search = world.submit(budget={"trials": 9}, parallel=1)
    play(world, search, 1, lambda _agent, number: number != 3)
    assert suspended(world, 1) == []
    assert sum(row.attempt for row in world.trials(search)) == 9


def test_the_chance_is_that_of_fishers_test() -> None:
    for n, k, m, j in product((4, 9), (0, 3, 4), (5, 12), (0, 2)):
        all_of, failed = n + m, k + j
        tail = range(k, min(n, failed) + 1)
        naive = sum(comb(failed, hit) * comb(all_of - failed, n - hit) for hit in tail) / comb(all_of, n)
        assert chance(Record(n, k), Record(m, j)) == pytest.approx(naive, rel=1e-9)
    assert not is_suspect("a", {"a": Record(10, 10)})
    assert not is_suspect("a", {"a": Record(3, 3), "b": Record(400, 0)})
    assert is_suspect("a", {"a": Record(8, 8), "b": Record(30, 0)})
