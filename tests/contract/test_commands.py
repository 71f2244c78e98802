"""Commands on both databases: all or none, applied once, answered."""

from __future__ import annotations

import orjson
import pytest

from caviar.service.errors import ChangedError, ConflictError
from caviar.service.ids import trial_id
from caviar.service.usecases import commands
from caviar.service.usecases.command_validation import WAITING_LIMIT, NewCommand
from tests.support.babysat import PANDA, RATE, Babysat, refused
from tests.support.stores import World, epochs, handed, result


def test_what_is_missing_is_called_null(babysat: Babysat) -> None:
    found = refused(babysat, NewCommand("extend", {}), NewCommand("rewind", {"epoch": None}))
    assert found["commands.0.arguments.epochs"].message == "null is not a number of epochs"
    assert found["commands.1.arguments.epoch"].message == "null is no epoch"


def test_commands_in_one_request_are_taken_together_or_not_at_all(babysat: Babysat) -> None:
    found = refused(babysat, NewCommand("set", RATE), NewCommand("set", {"hidden_units": 9}))
    assert list(found) == ["commands.1.arguments.hidden_units"]
    assert "submit a new search" in found["commands.1.arguments.hidden_units"].remedy
    assert babysat.given() == {}


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (NewCommand("fly"), "commands.0.kind"),
        (NewCommand("set"), "commands.0.arguments"),
        (NewCommand("set", {"learning_rate": -1.0}), "commands.0.arguments.learning_rate"),
        (NewCommand("set", {"rate": 1.0}), "commands.0.arguments.rate"),
        (NewCommand("set", RATE, "later"), "commands.0.when.at"),
        (NewCommand("set", RATE, "epoch:3"), "commands.0.when.at"),
        (NewCommand("set", RATE, "no_improvement:0"), "commands.0.when.at"),
        (NewCommand("extend", {"epochs": 0}), "commands.0.arguments.epochs"),
        (NewCommand("rewind", {"epoch": 11}), "commands.0.arguments.epoch"),
        (NewCommand("rewind", {"epoch": 2, "checkpoint": 1}), "commands.0.arguments"),
        (NewCommand("rewind", {"epoch": 2, "branch": 4}), "commands.0.arguments.branch"),
        (NewCommand("rewind", {"epoch": True}), "commands.0.arguments.epoch"),
        (NewCommand("resume"), "commands.0.kind"),
        (NewCommand("note", {"text": " "}), "commands.0.arguments.text"),
        (NewCommand("note", {"text": "x"}, "epoch_end"), "commands.0.when.at"),
        (NewCommand("pause", {"now": True}), "commands.0.arguments.now"),
        (NewCommand("fork", {"changes": {"activation": "tanh"}}), "commands.0.arguments.changes.activation"),
        (NewCommand("fork", {"epoch": 10, "changes": {"epochs": 10}}), "commands.0.arguments.changes.epochs"),
    ],
)
def test_what_cannot_be_done_names_the_field_and_the_remedy(
    babysat: Babysat, ask: NewCommand, field: str
) -> None:
    problem = refused(babysat, ask)[field]
    assert problem.remedy
    assert babysat.given() == {}


def test_scheduled_commands_must_not_contradict_each_other(babysat: Babysat) -> None:
    babysat.give(NewCommand("set", RATE, "epoch:20"), NewCommand("stop", {}, "epoch:30"))
    found = refused(
        babysat,
        NewCommand("set", {"learning_rate": 0.1}, "epoch:20"),
        NewCommand("set", {"l2": 0.1}, "epoch:40"),
    )
    assert set(found) == {"commands.0.arguments.learning_rate", "commands.1.when.at"}


def test_a_storm_of_commands_is_bounded(babysat: Babysat) -> None:
    babysat.give(*[NewCommand("set", RATE)] * WAITING_LIMIT)
    assert "withdraw" in refused(babysat, NewCommand("set", RATE))["commands"].remedy
    assert len(babysat.given()) == WAITING_LIMIT


def test_two_people_steering_at_once_do_not_overrule_each_other(babysat: Babysat) -> None:
    (first,) = babysat.give(NewCommand("set", RATE), match=0)
    with pytest.raises(ChangedError, match="somebody else"):
        babysat.give(NewCommand("set", RATE), match=0)
    babysat.give(NewCommand("set", RATE), match=first)


def test_a_request_sent_twice_gives_its_commands_once(babysat: Babysat) -> None:
    first = babysat.give(NewCommand("set", RATE), NewCommand("note", {"text": "x"}), key="k")
    assert babysat.give(NewCommand("set", RATE), NewCommand("note", {"text": "x"}), key="k") == first
    with pytest.raises(ConflictError, match="used for other commands"):
        babysat.give(NewCommand("set", {"learning_rate": 0.001}), NewCommand("note", {"text": "x"}), key="k")
    assert len(babysat.given()) == 2


def test_an_acknowledgement_counts_once(babysat: Babysat) -> None:
    (number,) = babysat.give(NewCommand("set", RATE))
    assert [one["id"] for one in babysat.report()["commands"]] == [number]
    babysat.report(babysat.acknowledge(number, 100))
    babysat.report(babysat.acknowledge(number, 999))
    row = babysat.given()[number]
    assert (row.state, row.step, row.branch) == ("applied", 100, 0)
    assert babysat.report()["commands"] == []


def test_a_trial_that_is_over_takes_only_what_makes_a_new_one(babysat: Babysat) -> None:
    (waiting,) = babysat.give(NewCommand("set", RATE, "epoch:40"))
    babysat.report(result(babysat.name, 1, 0.1))
    assert babysat.given()[waiting].state == "refused"
    with pytest.raises(ConflictError, match="completed"):
        babysat.give(NewCommand("set", RATE))
    babysat.give(NewCommand("extend", {"epochs": 5}), NewCommand("note", {"text": "good"}))
    child = babysat.world.trial(f"{babysat.search}.1")
    assert (child.state, child.parent, child.origin) == ("queued", babysat.name, "fork")
    assert babysat.world.search(babysat.search).ended is None


def test_pausing_frees_the_agent_and_resuming_queues_the_trial(babysat: Babysat) -> None:
    (number,) = babysat.give(NewCommand("pause"))
    babysat.report({**babysat.acknowledge(number, 100), "state": "paused"})
    row = babysat.world.trial(babysat.name)
    assert (row.state, row.agent) == ("paused", None)
    assert babysat.world.sweep() == 0
    babysat.give(NewCommand("set", RATE))
    babysat.give(NewCommand("resume"))
    answer = babysat.world.exchange(2, want=1)
    assert handed(answer) == [(babysat.name, 2)]
    assert [one["kind"] for one in answer["commands"]] == ["set"]


def test_a_waiting_command_can_be_withdrawn(babysat: Babysat) -> None:
    (number,) = babysat.give(NewCommand("set", RATE, "epoch:40"))
    babysat.world.write(lambda tx: commands.withdraw(tx, trial_id(babysat.name), number))
    orders = babysat.report()["commands"]
    assert [one["kind"] for one in orders] == [
        "set",
        "withdraw",
    ]  # only the agent knows whether it still waits
    gone = {**babysat.acknowledge(number, 100), "refused": "withdrawn by a person"}
    gone["acknowledged"][0]["refused"] = "withdrawn by a person"
    babysat.report(gone, babysat.acknowledge(orders[1]["id"], 100))
    assert babysat.given()[number].state == "refused"


def test_an_epoch_is_seen_from_where_a_rewind_that_waits_leads_to(babysat: Babysat) -> None:
    babysat.give(NewCommand("rewind", {"epoch": 2}), NewCommand("set", RATE, "epoch:3"))
    found = refused(babysat, NewCommand("set", RATE, "epoch:2"))
    assert found["commands.0.when.at"].message == "epoch 2 has ended already (the trial is at epoch 2)"
    assert "late: apply" in found["commands.0.when.at"].remedy
    babysat.give(NewCommand("set", {"l2": 0.1}, "epoch:4"))


def test_a_command_that_may_be_late_is_taken_and_marked(babysat: Babysat) -> None:
    (number,) = babysat.give(NewCommand("set", RATE, "epoch:3", "apply"))
    (order,) = babysat.report()["commands"]
    assert orjson.loads(orjson.dumps(order["when"])) == {"at": "epoch:3", "late": "apply"}
    done = babysat.acknowledge(number, 100)
    done["acknowledged"][0]["late"] = "epoch 3 had passed (the trial was at 10)"
    babysat.report(done)
    row = babysat.given()[number]
    assert (row.state, row.reason) == ("applied", "late: epoch 3 had passed (the trial was at 10)")
    assert [change["step"] for change in babysat.log().changes] == [100]


def test_only_an_epoch_can_pass(babysat: Babysat) -> None:
    assert "commands.0.when.late" in refused(babysat, NewCommand("set", RATE, "epoch_end", "apply"))


def test_what_waits_when_a_trial_ends_is_refused_with_its_last_epoch(babysat: Babysat) -> None:
    never, passed = babysat.give(NewCommand("set", RATE, "epoch:40"), NewCommand("set", RATE, "epoch:20"))
    babysat.report(epochs(babysat.name, 1, 11, [1.0] * 15), result(babysat.name, 1, 0.5))
    given, end = babysat.given(), "the trial ended at epoch 25 (completed); fork or extend it"
    assert given[never].reason == f"epoch 40 never came: {end}"
    assert given[passed].reason == f"epoch 20 had passed: {end}"


def test_a_script_takes_planned_changes_late_rather_than_never(world: World) -> None:
    more = {"trainer": "external", "settings": {}, "schedule": [{"epoch": 4, "set": RATE}]}
    world.submit(**{**PANDA, **more})
    (order,) = world.exchange(1, want=1, trainers=["external"])["commands"]
    assert orjson.loads(orjson.dumps(order["when"])) == {"at": "epoch:4", "late": "apply"}
