"""Failed and cancelled trials run again as new ones that name the old ones."""

from __future__ import annotations

import orjson
import pytest

from caviar.service.errors import ConflictError, NotFoundError, RefusedError
from caviar.service.ids import trial_id
from caviar.service.store import commands as command_rows
from caviar.service.usecases import commands, steer_search
from caviar.service.usecases.command_validation import NewCommand
from caviar.service.usecases.rerun import rerun, rerun_all
from tests.support.simulated_agents import Players
from tests.support.stores import World, epochs, handed, result


def again(world: World, name: str) -> str:
    made: str = world.write(lambda tx: rerun(tx, world.proposer, trial_id(name)))
    return made


def failed(world: World, search: int, count: int) -> list[str]:
    """Have the next trials of a search fail."""
    names = []
    for _ in range(count):
        ((name, attempt),) = handed(world.exchange(1, want=1, searches=[search]))
        world.exchange(1, reports=[result(name, attempt, None, "failed")])
        names.append(name)
    return names


def test_a_failed_trial_runs_again_with_its_point_and_seed(world: World) -> None:
    search = world.submit(budget={"trials": 2})
    [name] = failed(world, search, 1)
    Players(world, 1).play(search)
    assert world.search(search).ended is not None
    new = again(world, name)
    assert new == f"{search}.2" and world.search(search).ended is None
    old, row = world.trial(name), world.trial(new)
    assert (row.params, row.seed, row.epochs, row.unit) == (old.params, old.seed, old.epochs, old.unit)
    assert (row.state, row.origin, row.parent) == ("queued", "rerun", name)
    Players(world, 1).play(search)
    assert world.trial(new).state == "completed" and world.trial(name).state == "failed"
    assert world.search(search).ended is not None and world.search(search).by_hand == 1


def test_all_failed_trials_run_again_once(world: World) -> None:
    search = world.submit(budget={"trials": 5}, schedule=[{"epoch": 1, "set": {"rate": 0.1}}])
    names = failed(world, search, 3)
    made = world.write(lambda tx: rerun_all(tx, world.proposer, search, "failed"))
    assert [world.trial(one).parent for one in made] == names
    assert world.write(lambda tx: rerun_all(tx, world.proposer, search, "failed")) == []
    answer = orjson.loads(orjson.dumps(world.exchange(1, want=1)))
    assert handed(answer) == [(made[0], 1)]
    assert [one["when"] for one in answer["commands"]] == [{"at": "epoch:1", "late": "apply"}], (
        "its schedule too"
    )
    world.lose(1)
    Players(world, 2).play(search)
    states = [row.state for row in world.trials(search)]
    assert states == ["failed"] * 3 + ["completed"] * 5


def test_a_trial_by_hand_takes_no_place_in_the_sequence_of_the_strategy(world: World) -> None:
    fields = {"strategy": "sobol", "budget": {"trials": 8}}
    plain, steered = world.submit(**fields), world.submit(**fields)
    Players(world, 1).play(plain)
    again(world, failed(world, steered, 1)[0])
    Players(world, 1).play(steered)
    proposed = [row.params for row in world.trials(steered) if row.origin != "rerun"]
    assert proposed == [row.params for row in world.trials(plain)]


def test_cancelled_trials_wake_their_search_for_themselves_alone(world: World) -> None:
    search = world.submit(budget={"trials": 9})
    [(name, _)] = handed(world.exchange(1, want=1))
    world.write(lambda tx: steer_search.cancel(tx, search))
    new = again(world, name)
    Players(world, 1).play(search)
    assert world.trial(new).state == "completed" and world.trial(name).state == "cancelled"
    assert len(world.trials(search)) == 2 and world.search(search).ended is not None


def begun(world: World, agent: int) -> tuple[str, list[tuple[str, dict[str, float]]]]:
    """Have an agent take a trial; give its name and what it is to change when."""
    answer = orjson.loads(orjson.dumps(world.exchange(agent, want=1)))
    ((name, _),) = handed(answer)
    return name, [(one["when"]["at"], one["arguments"]) for one in answer["commands"] if one["trial"] == name]


def acknowledged(world: World, name: str, epoch: int, **after: float) -> dict[str, object]:
    """A report that the first command that waits for a trial has taken effect."""
    first = world.read(lambda connection: command_rows.waiting(connection, trial_id(name)))[0].id
    done = {"command": first, "step": 10 * epoch, "epoch": epoch, "before": {}, "after": after}
    return {"trial": name, "attempt": 1, "acknowledged": [done]}


def test_a_fork_runs_again_with_what_it_changed_and_the_later_turns_alone(world: World) -> None:
    turns = [{"epoch": epoch, "set": {"a": epoch / 100}} for epoch in (5, 10, 20)]
    search = world.submit(budget={"trials": 1}, settings={"epochs": 30}, schedule=turns)
    parent, _ = begun(world, 1)
    world.exchange(1, reports=[epochs(parent, 1, 1, [1.0] * 12)])
    for epoch in (5, 10):
        world.exchange(1, reports=[acknowledged(world, parent, epoch, a=epoch / 100)])
    ask = NewCommand("fork", {"epoch": 10, "changes": {"b": 0.5}})
    world.write(lambda tx: commands.give(tx, world.proposer, trial_id(parent), [ask]))
    to_come = [("now", {"b": 0.5}), ("epoch:20", {"a": 0.2})]
    assert begun(world, 2) == (f"{search}.1", to_come)
    assert orjson.loads(world.trial(f"{search}.1").changed) == {"a": 0.05, "b": 0.5}, "from the beginning"
    for number in (1, 2):  # the fork, then its re-run
        agent, name = number + 1, f"{search}.{number}"
        world.exchange(agent, reports=[acknowledged(world, name, 10, b=0.5)])
        assert orjson.loads(world.trial(name).changed) == {"a": 0.05, "b": 0.5}
        world.exchange(agent, reports=[result(name, 1, None, "failed")])
        new = again(world, name)
        assert orjson.loads(world.trial(new).changed) == {"a": 0.05, "b": 0.5}
        assert begun(world, agent + 1) == (new, to_come)


def test_what_was_withdrawn_from_a_fork_stays_so(world: World) -> None:
    search = world.submit(budget={"trials": 1}, settings={"epochs": 30})
    parent, _ = begun(world, 1)
    ask = NewCommand("fork", {"changes": {"b": 0.5}})
    world.write(lambda tx: commands.give(tx, world.proposer, trial_id(parent), [ask]))
    fork = trial_id(f"{search}.1")
    [command] = world.read(lambda connection: command_rows.waiting(connection, fork))
    world.write(lambda tx: commands.withdraw(tx, fork, command.id))
    world.write(lambda tx: steer_search.cancel(tx, search))
    new = again(world, str(fork))
    assert begun(world, 2) == (new, [])


def test_what_ended_well_is_not_run_again(world: World) -> None:
    search = world.submit(budget={"trials": 1})
    Players(world, 1).play(search)
    with pytest.raises(ConflictError, match="is completed"):
        again(world, f"{search}.0")
    with pytest.raises(NotFoundError):
        again(world, f"{search}.7")
    with pytest.raises(RefusedError, match="completed trials are not run again"):
        world.write(lambda tx: rerun_all(tx, world.proposer, search, "completed"))
