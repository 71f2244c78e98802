"""The gauge of agents wanted is how many more agents would be given a trial now."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from caviar.service.usecases import steer_search
from caviar.service.usecases.agents_wanted import agents_wanted
from tests.support.stores import World, handed, result

NEWCOMERS = itertools.count(1000)


def welcome(world: World) -> int:
    """Let new agents come until one finds nothing; return how many found something, and hand it all back."""
    taken = []
    while True:
        agent = next(NEWCOMERS)
        given = handed(world.exchange(agent, want=1))
        if not given:
            break
        taken.append((agent, given))
    for agent, _ in taken:
        world.exchange(agent, leaving=True)
    return len(taken)


def check(world: World, least: int = 0) -> None:
    wanted = world.read(agents_wanted).wanted
    assert wanted == welcome(world) >= least
    assert world.read(agents_wanted).wanted == wanted, "handed back, they are queued instead of new"


@pytest.mark.parametrize("stopping", ["none", "successive_halving"])
@pytest.mark.parametrize("strategy", ["random", "coarse_to_fine", "grid"])
def test_as_many_are_wanted_as_would_find_a_trial(world: World, strategy: Any, stopping: str) -> None:
    fields = {"strategy": strategy, "stopping": stopping, "budget": {"trials": 14}, "settings": {"epochs": 9}}
    world.submit(**fields, parallel=6, lag=5)
    check(world, least=1)
    while given := handed(world.exchange(1, want=1)):
        held = handed(world.exchange(2, want=1))
        assert world.read(agents_wanted).busy == 1 + bool(held)
        check(world)
        for agent, trials in ((1, given), (2, held)):
            world.exchange(agent, reports=[result(*trial, 0.5) for trial in trials])
    check(world)
    found = world.read(agents_wanted)
    assert (found.wanted, found.busy) == (0, 0)


def test_several_searches_want_agents_side_by_side(world: World) -> None:
    one = world.submit(budget={"trials": 3}, parallel=8)
    two = world.submit(budget={"trials": 50}, parallel=4)
    assert world.read(agents_wanted).wanted == 3 + 4
    given = handed(world.exchange(1, want=1, searches=[one]))
    assert world.read(agents_wanted).wanted == 2 + 4
    world.write(lambda tx: steer_search.switch(tx, two, "paused"))
    assert world.read(agents_wanted).wanted == 2
    world.lose(1)
    assert given and world.read(agents_wanted).wanted == 3
