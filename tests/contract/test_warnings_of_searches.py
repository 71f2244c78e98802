"""What a search says of itself: that no agent has its trainer, and that it looks for the worst."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.service.api import records
from caviar.service.store import reads
from caviar.service.usecases.steer_search import cancel, switch
from tests.support.stores import World


def warnings(world: World, search: int) -> list[dict[str, Any]]:
    summary = world.read(lambda connection: reads.search(connection, search, world.clock.now()))
    found = records.search(summary)
    records.Search(**found)
    return found["warnings"]  # type: ignore[no-any-return]


def test_a_search_says_that_no_agent_has_its_trainer(world: World) -> None:
    search = world.submit(trainer="tree", budget={"trials": 2})
    assert warnings(world, search) == [], "no agent is there at all"
    world.exchange(1, want=1, trainers=["mlp"])
    world.exchange(2, want=1, trainers=["external"])
    (warning,) = warnings(world, search)
    assert warning["field"] == "trainer" and "no agent has the trainer 'tree'" in warning["message"]
    assert "install it where the agents run" in warning["remedy"] and "have: mlp" in warning["remedy"]
    world.write(lambda tx: switch(tx, search, "paused"))
    assert warnings(world, search) == [], "a person paused it"
    world.write(lambda tx: switch(tx, search, "active"))
    assert len(warnings(world, search)) == 1
    world.exchange(3, want=0, trainers=["mlp", "tree"])
    assert warnings(world, search) == []
    world.lose(3)
    assert len(warnings(world, search)) == 1
    world.write(lambda tx: cancel(tx, search))
    assert warnings(world, search) == []


@pytest.mark.parametrize(
    ("trainer", "has"), [("mlp", ["mlp"]), ("external", ["mlp"]), ("tree", ["external"])]
)
def test_a_search_that_can_go_on_says_nothing(world: World, trainer: str, has: list[str]) -> None:
    search = world.submit(trainer=trainer)
    world.exchange(1, want=0, trainers=has)
    assert warnings(world, search) == []


def test_agents_tell_their_trainers(world: World) -> None:
    world.exchange(1, want=0, trainers=["mlp", "tree"])
    (agent,) = world.read(lambda connection: reads.agents_seen(connection, 0.0))
    assert agent.trainers == ["mlp", "tree"]


@pytest.mark.parametrize(
    ("trainer", "metric", "direction", "count"),
    [
        ("mlp", "dev_error", "maximize", 1),
        ("mlp", "train_cost", "maximize", 1),
        ("mlp", "dev_error", "minimize", 0),
        ("external", "dev_error", "maximize", 0),
    ],
)
def test_an_error_that_is_made_large(
    world: World, trainer: str, metric: str, direction: str, count: int
) -> None:
    search = world.submit(trainer=trainer, objective={"metric": metric, "direction": direction})
    found = warnings(world, search)
    assert [one["field"] for one in found] == ["objective.direction"] * count
