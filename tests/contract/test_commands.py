"""Commands on both databases: all or none, applied once, answered, and every state reached by a line."""

from __future__ import annotations

import os
import random
from typing import Any

import orjson
import pytest
from sqlalchemy import insert

from caviar.service.api import records
from caviar.service.errors import ChangedError, ConflictError, RefusedError
from caviar.service.ids import TrialId, trial_id
from caviar.service.store import commands as command_rows
from caviar.service.store import streams
from caviar.service.store.tables import checkpoints
from caviar.service.usecases import commands, lineage, rewind_estimate, steering_view
from caviar.service.usecases.command_validation import WAITING_LIMIT, NewCommand
from tests.support.stores import World, epochs, handed, result

PANDA = {
    "mode": "panda",
    "trainer": "mlp",
    "dataset": {"name": "digits"},
    "settings": {"epochs": 50},
    "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-2}},
    "budget": {"trials": 1},
}
RATE = {"learning_rate": 0.005}


class Babysat:
    """One trial in the hands of agent 1, at the end of epoch 10."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.search = world.submit(**PANDA)
        ((self.name, self.attempt),) = handed(world.exchange(1, want=1))
        self.report(epochs(self.name, 1, 1, [1.0] * 10))

    def report(self, *reports: Any, agent: int = 1, want: int = 0) -> dict[str, Any]:
        return self.world.exchange(agent, want=want, reports=reports, holding=[(self.name, self.attempt)])

    def give(self, *asks: NewCommand, match: int | None = None, key: str | None = None) -> list[int]:
        trial = trial_id(self.name)
        return list(
            self.world.write(lambda tx: commands.give(tx, self.world.proposer, trial, asks, match, key))
        )

    def given(self) -> dict[int, Any]:
        rows = self.world.read(lambda connection: command_rows.of_trial(connection, trial_id(self.name)))
        return {row.id: row for row in rows}

    def acknowledge(self, number: int, step: int, epoch: int = 10, **more: Any) -> dict[str, Any]:
        done = {"command": number, "step": step, "epoch": epoch, "before": {}, "after": RATE, **more}
        return {"trial": self.name, "attempt": self.attempt, "acknowledged": [done]}

    def keep(self, epoch: int, step: int, position: int = 0, branch: int = 0) -> int:
        """A checkpoint, its row alone."""
        trial = trial_id(self.name)
        values = {
            "search_id": trial.search,
            "number": trial.number,
            "attempt": 1,
            "branch": branch,
            "epoch": epoch,
            "step": step,
            "position": position,
            "kind": "schedule",
            "digest": "sha256:0",
            "size": 1,
            "name": f"{trial.search}/{epoch}",
            "created": 0.0,
            "revision": 1,
        }
        work = insert(checkpoints).values(**values).returning(checkpoints.c.id)
        return int(self.world.write(lambda tx: tx.connection.execute(work).scalar_one()))

    def log(self, branch: int | None = None, name: str | None = None) -> dict[str, Any]:
        return self.world.read(lambda c: steering_view.read_log(c, trial_id(name or self.name), branch))


@pytest.fixture
def babysat(world: World) -> Babysat:
    return Babysat(world)


def refused(babysat: Babysat, *asks: NewCommand) -> dict[str, Any]:
    with pytest.raises(RefusedError) as error:
        babysat.give(*asks)
    return {problem.field: problem for problem in error.value.problems}


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


def test_a_fork_shares_the_past_and_goes_on_by_itself(babysat: Babysat) -> None:
    (number,) = babysat.give(NewCommand("set", RATE))
    babysat.report(babysat.acknowledge(number, 40, epoch=4))
    babysat.give(NewCommand("fork", {"epoch": 6, "changes": {"l2": 0.5}}))
    name = f"{babysat.search}.1"
    answer = babysat.world.exchange(2, want=1)
    assert handed(answer) == [(name, 1)]
    line = answer["trials"][0]["change_log"]
    assert line["changes"] == [{"step": 40, "epoch": 4, "settings": RATE}]
    assert line["epoch"] == 6
    (change,) = answer["commands"]  # it comes with the trial, before anything is trained
    assert (change["trial"], change["kind"]) == (name, "set")
    assert babysat.world.trial(name).seed == babysat.world.trial(babysat.name).seed


def assert_streamed_as_shown(babysat: Babysat) -> None:
    """Commands and checkpoints are the same records in the event stream and in the answers of REST."""
    trial = trial_id(babysat.name)
    news = babysat.world.read(lambda c: streams.trial_news(c, trial, streams.Position()))
    shown = babysat.world.read(lambda c: steering_view.read_steering(c, trial))
    for kind, stored, shape in (
        ("command", shown.commands.items, records.command),
        ("checkpoint", shown.checkpoints, records.checkpoint),
    ):
        streamed = [body for name, body, _ in news if name == kind]
        assert stored and sorted(streamed, key=lambda one: one.id) == stored
        ordered = orjson.loads(orjson.dumps([shape(one) for one in stored]))
        assert not any("change_log" in one.get("arguments", {}) for one in ordered), "for the agent"


def test_a_rewind_opens_a_branch_with_the_changes_before_its_point(babysat: Babysat) -> None:
    kept = babysat.keep(epoch=3, step=30)
    early, late = babysat.give(NewCommand("set", RATE), NewCommand("set", {"l2": 0.1}))
    babysat.report(babysat.acknowledge(early, 40, epoch=4))
    babysat.report(babysat.acknowledge(late, 80, epoch=8))
    (back,) = babysat.give(NewCommand("rewind", {"epoch": 8}))
    (order,) = babysat.report()["commands"]
    (order,) = babysat.report()["commands"]
    orders = orjson.loads(orjson.dumps(order))["arguments"]
    assert [change["step"] for change in orders["change_log"]["changes"]] == [40]
    assert orders["resume"]["checkpoint"] == kept
    assert_streamed_as_shown(babysat)
    done = babysat.acknowledge(back, 80, epoch=8, after={"branch": orders["branch"]})
    babysat.report({**done, "branch": orders["branch"]})
    assert babysat.world.trial(babysat.name).branch == orders["branch"] == 1
    assert babysat.world.trial(babysat.name).epoch == 8
    assert [change["step"] for change in babysat.log(1).changes] == [40]
    assert [change["step"] for change in babysat.log(0).changes] == [40, 80]


def test_a_fork_that_waits_leaves_the_branch_on_which_its_moment_came(babysat: Babysat) -> None:
    (waits,) = babysat.give(NewCommand("fork", {"changes": {"l2": 0.5}}, "epoch:20"))
    (back,) = babysat.give(NewCommand("rewind", {"epoch": 5}))
    babysat.report()
    babysat.report({**babysat.acknowledge(back, 50, epoch=5, after={"branch": 1}), "branch": 1})
    (number,) = babysat.give(NewCommand("set", RATE))
    babysat.report({**babysat.acknowledge(number, 60, epoch=6), "branch": 1})
    babysat.report({**epochs(babysat.name, 1, 6, [1.0] * 15), "branch": 1})
    babysat.report({**babysat.acknowledge(waits, 200, epoch=20, after={}), "branch": 1})
    fork = babysat.world.trial(f"{babysat.search}.1")
    line = orjson.loads(fork.change_log)
    assert (line["from"]["branch"], [change["step"] for change in line["changes"]]) == (1, [60])
    assert "branch 1, at the end of epoch 20" in fork.why and orjson.loads(fork.changed) == {
        **RATE,
        "l2": 0.5,
    }
    assert orjson.loads(babysat.given()[waits].after) == {"trial": f"{babysat.search}.1"}


def test_a_pruned_checkpoint_is_refused_with_what_is_there(babysat: Babysat) -> None:
    kept = babysat.keep(epoch=3, step=30)
    problem = refused(babysat, NewCommand("rewind", {"checkpoint": kept + 1}))[
        "commands.0.arguments.checkpoint"
    ]
    assert f"{kept} (epoch 3)" in problem.remedy
    assert "name an epoch" in problem.remedy


def test_a_lost_agent_leaves_a_line_that_leads_back(babysat: Babysat) -> None:
    babysat.keep(epoch=5, step=50, position=1)
    first, second = babysat.give(NewCommand("set", RATE), NewCommand("set", {"l2": 0.1}))
    babysat.report(babysat.acknowledge(first, 40, epoch=4))
    babysat.report(babysat.acknowledge(second, 77, epoch=7))
    babysat.world.lose(1)
    (trial,) = babysat.world.exchange(2, want=1)["trials"]
    assert trial["resume"]["position"] == 1
    assert [change["step"] for change in trial["change_log"]["changes"]] == [40, 77]
    assert (trial["change_log"]["epoch"], trial["change_log"]["step"]) == (10, 77)


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


def test_the_schedule_of_a_branch_can_be_given_to_another_search(babysat: Babysat) -> None:
    (number,) = babysat.give(NewCommand("set", RATE))
    babysat.report(babysat.acknowledge(number, 40, epoch=4))
    found = {"schedule": steering_view.schedule_of(babysat.log())}
    assert found == {"schedule": [{"epoch": 4, "set": RATE}]}
    babysat.world.lose(1)
    search = babysat.world.submit(**{**PANDA, **found})
    answer = babysat.world.exchange(3, want=5)
    orders = [one for one in answer["commands"] if one["trial"] == f"{search}.0"]
    assert [(one["kind"], one["when"]) for one in orjson.loads(orjson.dumps(orders))] == [
        ("set", {"at": "epoch:4"})
    ]


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


def kill_anywhere(babysat: Babysat, times: int, seed: int) -> None:
    """Kill the agent, or lose an answer or a report, anywhere between a command and its acknowledgement."""
    dice, agent, step, epoch = random.Random(seed), 1, 100, 10
    given: list[int] = []
    for turn in range(times):
        (number,) = babysat.give(NewCommand("set", RATE), key=f"key {turn}")
        assert babysat.give(NewCommand("set", RATE), key=f"key {turn}") == [
            number
        ]  # the answer was lost, sent again
        given.append(number)
        applied: set[int] = set()
        while babysat.given()[number].state == "waiting":
            fate = dice.choice(("answer lost", "killed after effect", "report lost", "well"))
            orders = [one["id"] for one in babysat.report(agent=agent)["commands"]]
            assert number in orders  # again and again, until it is acknowledged
            if fate == "answer lost":
                continue
            step += 1
            applied.add(number)
            if fate == "killed after effect":
                babysat.world.lose(agent)
                agent += 1
                ((_, babysat.attempt),) = handed(babysat.world.exchange(agent, want=1))
                epoch += 1  # an attempt that gets no further counts towards giving up
                babysat.report(epochs(babysat.name, babysat.attempt, epoch, [1.0]), agent=agent)
                continue
            for _ in range(2 if fate == "report lost" else 1):  # what is not answered is sent again as it was
                babysat.report(babysat.acknowledge(number, step), agent=agent)
    log = babysat.log().changes
    assert len(log) == len(given) == times
    assert all(row.state == "applied" for row in babysat.given().values())
    assert [change["step"] for change in log] == sorted(change["step"] for change in log)


def test_a_kill_between_command_and_acknowledgement_applies_it_once(babysat: Babysat) -> None:
    kill_anywhere(babysat, 20, seed=1)


@pytest.mark.soak
def test_a_kill_between_command_and_acknowledgement_applies_it_once_a_thousand_times(
    babysat: Babysat,
) -> None:
    kill_anywhere(babysat, int(os.environ.get("CAVIAR_SOAK_COMMANDS", "1000")), seed=2)


def test_ancestors_checkpoints_serve_a_fork(babysat: Babysat) -> None:
    kept = babysat.keep(epoch=5, step=50)
    beyond = babysat.keep(epoch=9, step=90)
    babysat.give(NewCommand("fork", {"epoch": 6, "changes": {"l2": 0.5}}))
    row = babysat.world.trial(f"{babysat.search}.1")
    found = babysat.world.read(lambda c: lineage.resumption(c, row))["resume"]
    assert (found["checkpoint"], found["older"]) == (kept, [])
    assert beyond != kept
    assert TrialId(row.search_id, row.number) == (babysat.search, 1)


def test_what_a_rewind_trains_again_is_known_before_it_is_sent(babysat: Babysat) -> None:
    trial = trial_id(babysat.name)
    rows = {"columns": ["dev_error", "seconds"], "rows": [[1.0, 0.5]] * 10}
    babysat.report({**epochs(babysat.name, 1, 11, []), **rows})
    from_seed = babysat.world.read(lambda snapshot: rewind_estimate.estimate(snapshot, trial, 6))
    assert (from_seed.checkpoint, from_seed.epochs, from_seed.seconds) == (None, 6, 3.0)
    near = babysat.keep(12, 120)
    babysat.keep(16, 160)
    found = babysat.world.read(lambda snapshot: rewind_estimate.estimate(snapshot, trial, 15, 0))
    assert (found.checkpoint, found.from_epoch, found.epochs, found.seconds) == (near, 12, 3, 1.5)
    with pytest.raises(RefusedError, match="come to epoch 20, not 21"):
        babysat.world.read(lambda snapshot: rewind_estimate.estimate(snapshot, trial, 21))


def test_a_fork_shows_its_settings_and_where_its_curve_begins_before_it_trains(babysat: Babysat) -> None:
    (number,) = babysat.give(NewCommand("fork", {"epoch": 5, "changes": {"l2": 0.5, "epochs": 70}}))
    child = orjson.loads(babysat.given()[number].after)["trial"]
    shown = orjson.loads(orjson.dumps(records.trial(babysat.world.trial(child))))
    assert (shown["from_epoch"], shown["epochs"], shown["changed"]) == (5, 70, {"l2": 0.5, "epochs": 70})
    assert records.trial(babysat.world.trial(babysat.name))["from_epoch"] == 0
