"""Only agents with a slot for it get the trials of a search that asks for resources."""

from __future__ import annotations

from typing import Any

from caviar.search.resources import ONE_CPU, Resources
from caviar.service.api import records
from caviar.service.store import reads, slots
from caviar.service.usecases.agents_wanted import agents_wanted
from caviar.service.usecases.steer_search import edit
from tests.support.stores import World, handed, result

GPU = {"cpus": 2, "gpus": 1}


def searches_of(answer: Any) -> set[str]:
    return {trial.partition(".")[0] for trial, _ in handed(answer)}


def test_trials_go_to_agents_that_have_what_they_need(world: World) -> None:
    search = str(world.submit(budget={"trials": 9}, parallel=9, resources=GPU))
    assert not handed(world.exchange(1, want=5)), "one that says nothing has one CPU"
    assert not handed(world.exchange(2, want=5, slot={"cpus": 8}))
    assert not handed(world.exchange(3, want=5, slot={"cpus": 1, "gpus": 1}))
    assert not handed(world.exchange(4, want=5, slot={"cpus": 4, "gpus": 1, "exact": True}))
    assert searches_of(world.exchange(5, want=1, slot={"cpus": 4, "gpus": 1})) == {search}
    assert searches_of(world.exchange(6, want=1, slot={**GPU, "exact": True})) == {search}
    assert searches_of(world.exchange(7, want=1, searches=[int(search)])) == {search}, "a person's own script"
    assert not handed(world.exchange(8, want=1, searches=[int(search) + 1]))


def test_what_few_have_goes_first_to_those_who_need_it(world: World) -> None:
    plain = str(world.submit(budget={"trials": 9}, parallel=9))
    scarce = str(world.submit(budget={"trials": 2}, parallel=9, resources=GPU))
    first = world.exchange(1, want=1, slot=GPU)
    second = world.exchange(2, want=1, slot=GPU)
    assert searches_of(first) == searches_of(second) == {scarce}
    assert searches_of(world.exchange(3, want=1, slot=GPU)) == {plain}, "a GPU need not wait either"
    found = world.read(agents_wanted)
    assert found.slots == {ONE_CPU: 8} and found.wanted == 8
    world.exchange(1, reports=[result(*trial, 0.5) for trial in handed(first)], slot=GPU)
    assert world.read(lambda snapshot: slots.busy(snapshot, "script")) == {Resources(**GPU): 2}


def test_those_wanted_are_told_by_what_they_need(world: World) -> None:
    one = world.submit(budget={"trials": 3}, parallel=2)
    world.submit(budget={"trials": 9}, parallel=5, resources=GPU)
    assert world.read(agents_wanted).slots == {ONE_CPU: 2, Resources(**GPU): 5}
    assert world.read(agents_wanted).wanted == 7
    world.write(lambda tx: edit(tx, world.proposer, one, {"resources": GPU}, None))
    assert world.read(agents_wanted).slots == {Resources(**GPU): 7}


def test_a_search_says_that_no_agent_has_what_it_needs(world: World) -> None:
    search = world.submit(budget={"trials": 3}, trainer="mlp", resources=GPU)

    def warnings() -> list[Any]:
        summary = world.read(lambda snapshot: reads.search(snapshot, search, world.clock.now()))
        return [one for one in records.search(summary)["warnings"] if one["field"] == "resources"]

    assert warnings() == [], "no agent is there at all"
    world.exchange(1, want=1)
    (warning,) = warnings()
    assert "no agent has cpus=2,gpus=1" in warning["message"] and "have cpus=1" in warning["remedy"]
    world.exchange(2, want=0, slot=GPU)
    assert warnings() == []


def test_agents_tell_what_they_have(world: World) -> None:
    world.exchange(1, want=0)
    world.exchange(2, want=0, slot={"cpus": 2, "custom": {"disk": 1}})
    found = world.read(lambda snapshot: reads.agents_seen(snapshot, 0.0))
    shown = [records.agent(one, 0.0, 0.0)["resources"] for one in found]
    assert sorted(shown, key=lambda one: float(one["cpus"])) == [
        {"cpus": 1.0, "gpus": 0.0, "custom": {}},
        {"cpus": 2.0, "gpus": 0.0, "custom": {"disk": 1.0}},
    ]
