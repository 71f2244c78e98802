"""Populations on both databases: turns go on from one another, whatever becomes of some of them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from caviar.service.errors import RefusedError
from caviar.service.ids import trial_id
from caviar.service.usecases import commands, exclusions, steer_search
from caviar.service.usecases.command_validation import NewCommand
from caviar.service.usecases.rerun import rerun
from caviar.trial_settings import trial_seed
from tests.support.stores import World
from tests.support.turns import POPULATION, Turns, lineage

MEMBERS = POPULATION["strategy"]["members"]


def trained(world: World, workers: int = 1, **fields: Any) -> list[tuple[Any, ...]]:
    search = world.submit(**{**POPULATION, **fields})
    Turns(world, workers, salt=workers).play(search)
    return lineage(world, search)


def parents(world: World, search: int) -> dict[int, int]:
    return {row.number: int(row.continues.split(".")[1]) for row in world.trials(search) if row.continues}


def test_the_same_lineage_for_any_number_of_workers(world: World) -> None:
    fields = {"strategy": {**POPULATION["strategy"], "explore": "model"}, "budget": {"trials": 16}}
    one, three = trained(world, 1, **fields), trained(world, 3, **fields)
    assert one == three
    copies = [row for row in one if row[7] is not None and row[7] % MEMBERS != row[0] % MEMBERS]
    assert copies, "some copy another member"
    assert min(row[6] for row in one[-MEMBERS:]) < min(row[6] for row in one[:MEMBERS])


def test_a_turn_shares_its_parents_past_and_what_cannot_vary(world: World) -> None:
    search = world.submit(**POPULATION)
    Turns(world, 1).play(search)
    moved = []
    for row in world.trials(search)[MEMBERS:]:
        parent = world.trial(row.continues)
        log, before = orjson.loads(row.change_log), orjson.loads(parent.change_log or "{}")
        *past, change = log["changes"]
        now, then = orjson.loads(row.params), orjson.loads(parent.params)
        assert past == before.get("changes", [])
        assert (change["step"], change["epoch"]) == (10 * parent.epoch, parent.epoch)
        differing = {name: now[name] for name in now if now[name] != then[name]}
        assert change["settings"] == {"epochs": row.epochs, **differing}
        assert log["params"] == before.get("params", then)
        assert (row.seed, row.epochs) == (parent.seed, parent.epoch + 2)
        assert now["hidden_units"] == then["hidden_units"]  # which cannot change while it trains
        own = row.number % MEMBERS == int(row.continues.split(".")[1]) % MEMBERS
        assert own == (not differing)
        moved += [] if own else [(row, change["epoch"], then)]
    row, epoch, then = moved[-1]
    fork = NewCommand("fork", {"epoch": epoch, "changes": {"epochs": row.epoch}})
    world.write(lambda tx: commands.give(tx, world.proposer, trial_id(f"{search}.{row.number}"), [fork]))
    made = world.trials(search)[-1]
    assert orjson.loads(made.params) == then, "a fork of an earlier epoch has the settings of then"
    assert orjson.loads(made.change_log)["params"] == orjson.loads(row.change_log)["params"]


def test_members_without_a_sound_end_copy_another_one(world: World) -> None:
    search = world.submit(**{**POPULATION, "lag": 0})
    players = Turns(world, 1)
    players.states = {MEMBERS: "failed", MEMBERS + 1: "diverged", MEMBERS + 2: "stopped"}
    players.play(search)
    found = parents(world, search)
    assert [found[number] for number in range(2 * MEMBERS, 3 * MEMBERS)] == [2 * MEMBERS - 1] * MEMBERS
    name = world.write(lambda tx: rerun(tx, world.proposer, trial_id(f"{search}.{MEMBERS}")))
    players.states = {}
    players.play(search)
    old, new = world.trial(f"{search}.{MEMBERS}"), world.trial(name)
    assert (new.continues, new.params, new.change_log) == (old.continues, old.params, old.change_log)
    assert new.state == "completed"


def test_a_fleet_of_which_nothing_is_left_begins_anew(world: World) -> None:
    search = world.submit(**{**POPULATION, "lag": 0, "budget": {"trials": 8}})
    players = Turns(world, 1)
    players.states = dict.fromkeys(range(MEMBERS), "diverged")
    players.play(search)
    rows = world.trials(search)[MEMBERS : 2 * MEMBERS]
    assert [row.continues for row in rows] == [None] * MEMBERS
    assert [row.epochs for row in rows] == [2] * MEMBERS
    assert [row.seed for row in rows] == [trial_seed(7, row.number) for row in rows]
    assert "begins anew" in rows[0].why


def test_what_a_person_takes_out_or_cancels_is_not_copied(world: World) -> None:
    search = world.submit(**{**POPULATION, "lag": 0, "budget": {"trials": 8}})
    players = Turns(world, 1)
    players.play(search, most=MEMBERS - 1)
    values = {row.number: row.value for row in world.trials(search) if row.value is not None}
    best = min(values, key=lambda number: values[number])
    who = "a person"
    world.write(lambda tx: exclusions.exclude(tx, world.proposer, trial_id(f"{search}.{best}"), "odd", who))
    players.play(search)
    found = parents(world, search)
    assert best not in found.values() and found[MEMBERS + best] != best


def test_trials_made_by_hand_leave_the_population_as_it_is(world: World) -> None:
    undisturbed = world.submit(**POPULATION)
    Turns(world, 1).play(undisturbed)
    search = world.submit(**POPULATION)
    players = Turns(world, 1)
    players.play(search, most=6)
    fork = NewCommand("fork", {"epoch": 2, "changes": {"learning_rate": 0.5, "epochs": 4}})
    world.write(lambda tx: commands.give(tx, world.proposer, trial_id(f"{search}.0"), [fork]))
    players.play(search)
    made = [row for row in world.trials(search) if row.origin != "fork"]
    assert len(made) == 12 and len(world.trials(search)) == 13
    for row, other in zip(made, world.trials(undisturbed), strict=True):
        assert (row.params, row.epochs, row.value) == (other.params, other.epochs, other.value)


def test_more_trials_are_more_turns_and_what_would_break_lineages_is_refused(world: World) -> None:
    search = world.submit(**{**POPULATION, "budget": {"trials": 8}})
    players = Turns(world, 2)
    players.play(search)

    def edit(**changes: Any) -> None:
        world.write(lambda tx: steer_search.edit(tx, world.proposer, search, changes, None))

    with pytest.raises(RefusedError, match="not two or more turns of 4 members"):
        edit(budget={"trials": 10})
    edit(budget={"trials": 12})
    players.play(search)
    assert [row.epochs for row in world.trials(search)[8:]] == [6] * MEMBERS
    with pytest.raises(RefusedError, match="the space they began in"):
        edit(space={**POPULATION["space"], "beta1": {"low": 0.8, "high": 0.99}})
    point = {"learning_rate": 0.1, "beta1": 0.9, "hidden_units": 8}
    with pytest.raises(RefusedError, match="there from its start"):
        world.write(lambda tx: steer_search.enqueue(tx, world.proposer, search, [point]))


def test_a_budget_of_epochs_ends_it_at_the_same_trial(world: World) -> None:
    fields = {"budget": {"trials": 12, "epochs": 14}}
    one, three = trained(world, 1, **fields), trained(world, 3, **fields)
    assert one == three and len(one) == 7, "seven turns of two epochs"


def test_a_paused_turn_holds_up_the_next_one(world: World) -> None:
    search = world.submit(**{**POPULATION, "lag": 0, "budget": {"trials": 8}})
    players = Turns(world, 1)
    players.play(search, most=MEMBERS - 1)
    (given,) = world.exchange(50, want=1, searches=[search])["trials"]
    trial, attempt = given["trial"], given["attempt"]
    paused = {"trial": trial, "attempt": attempt, "state": "paused"}
    world.exchange(50, reports=[paused])
    assert world.exchange(51, want=1, searches=[search])["trials"] == []
    world.write(lambda tx: commands.give(tx, world.proposer, trial_id(trial), [NewCommand("resume", {})]))
    players.play(search)
    assert [row.state for row in world.trials(search)] == ["completed"] * 8


def test_a_script_that_keeps_no_state_pauses_its_population_with_the_reason(world: World) -> None:
    search = world.submit(**{**POPULATION, "trainer": "external"})
    Turns(world, 1).play(search, most=MEMBERS)
    assert world.exchange(99, want=1, searches=[search])["trials"] == []
    row = world.search(search)
    assert row.switch == "paused" and "trial.checkpoint(...)" in row.problem
    world.write(lambda tx: steer_search.switch(tx, search, "active"))
    world.exchange(99, want=1, searches=[search])
    assert world.search(search).switch == "paused", "nothing has changed"
