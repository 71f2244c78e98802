"""Forks and rewinds on both databases: every state is reached by a log, also through kills."""

from __future__ import annotations

import os
import random

import orjson
import pytest

from caviar.service.api import records
from caviar.service.errors import RefusedError
from caviar.service.ids import TrialId, trial_id
from caviar.service.store import streams
from caviar.service.usecases import lineage, rewind_estimate, schedules, steering_view
from caviar.service.usecases.command_validation import NewCommand
from tests.support.babysat import PANDA, RATE, Babysat, refused
from tests.support.stores import epochs, handed


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


def test_the_schedule_of_a_branch_can_be_given_to_another_search(babysat: Babysat) -> None:
    (number,) = babysat.give(NewCommand("set", RATE))
    babysat.report(babysat.acknowledge(number, 40, epoch=4))
    found = {"schedule": schedules.schedule_of(tuple(babysat.log().changes))}
    assert found == {"schedule": [{"epoch": 4, "set": RATE}]}
    babysat.world.lose(1)
    search = babysat.world.submit(**{**PANDA, **found})
    answer = babysat.world.exchange(3, want=5)
    orders = [one for one in answer["commands"] if one["trial"] == f"{search}.0"]
    assert [(one["kind"], one["when"]) for one in orjson.loads(orjson.dumps(orders))] == [
        ("set", {"at": "epoch:4"})
    ]


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
