"""Commands take effect at their step, once, in order, and a run that catches up lands on the same bits."""

import math
from types import SimpleNamespace

import pytest

from caviar.agents.steering import Steering
from caviar.exchange.wire import Acknowledgement, ChangeLog, CommandOrder, LoggedChange


class CountingRun:
    """A run in miniature: ten steps an epoch, and a weight that depends on every step and every setting."""

    def __init__(self):
        self.step, self.weight, self.settings = 0, 1.0, {"learning_rate": 0.1}

    @property
    def epoch(self):
        return self.step // 10

    def change(self, settings):
        if "width" in settings:
            raise ValueError("width: it changes the shape of the net; fork with another width")
        before = dict(self.settings)
        self.settings |= settings
        return SimpleNamespace(step=self.step, before=before, after=dict(self.settings))

    def advance(self, steps, until_step, until_epoch):
        limits = [self.step + steps] + [u for u in (until_step, until_epoch and 10 * until_epoch) if u]
        start = self.epoch
        while self.step < min(limits):
            self.step += 1
            self.weight = 0.9 * self.weight + self.settings["learning_rate"] * math.sin(self.step)
        return [{"epoch": e, "train_cost": 1.0 / e} for e in range(start + 1, self.epoch + 1)]


def drive(run, steering, until, piece=7):
    acknowledged = []
    while run.step < until:
        acknowledged += steering.act(run).acknowledged
        steering.observe(run.advance(min(piece, until - run.step), *steering.bounds(run)))
    return acknowledged


def order(number, kind, arguments, at="now"):
    return CommandOrder(id=number, trial="3.1", attempt=1, kind=kind, arguments=arguments, when={"at": at})


def set_rate(number, rate, at="now"):
    return order(number, "set", {"learning_rate": rate}, at)


def test_now_takes_effect_at_the_next_look():
    run, steering = CountingRun(), Steering()
    drive(run, steering, 14)
    steering.receive([set_rate(1, 0.5)], run)
    (told,) = steering.act(run).acknowledged
    assert told == Acknowledgement(
        command=1, step=14, epoch=1, before={"learning_rate": 0.1}, after={"learning_rate": 0.5}
    )


@pytest.mark.parametrize(("at", "step"), [("epoch_end", 10), ("epoch:3", 30)])
def test_scheduled_commands_take_effect_exactly_at_the_end_of_their_epoch(at, step):
    run, steering = CountingRun(), Steering()
    steering.receive([set_rate(1, 0.5, at)], run)
    (told,) = drive(run, steering, 60)
    assert told.step == step


def test_no_improvement_waits_for_that_many_epochs():
    run, steering = CountingRun(), Steering()
    steering.receive([set_rate(1, 0.5, "no_improvement:2")], run)
    told = []
    for cost in (1.0, 0.5, 0.6, 0.4, 0.5, 0.45):
        steering.observe([{"train_cost": cost}])
        run.step += 10
        told += steering.act(run).acknowledged
    assert [one.epoch for one in told] == [6]


def test_a_command_sent_twice_applies_once():
    run, steering = CountingRun(), Steering()
    steering.receive([set_rate(1, 0.5)], run)
    first = steering.act(run).acknowledged
    steering.receive([set_rate(1, 0.5)], run)
    assert len(first) == 1
    assert steering.act(run).acknowledged == []


def test_what_is_due_together_applies_together_or_not_at_all():
    run, steering = CountingRun(), Steering()
    steering.receive([set_rate(1, 0.5), order(2, "set", {"width": 9})], run)
    told = steering.act(run).acknowledged
    assert run.settings["learning_rate"] == 0.1
    assert all("fork" in one.refused for one in told)


def test_a_change_after_a_rewind_in_one_request_waits_for_the_new_branch():
    run, steering = CountingRun(), Steering()
    drive(run, steering, 30)
    back = order(1, "rewind", {"epoch": 1, "branch": 1})
    steering.receive([back, set_rate(2, 0.5)], run)
    outcome = steering.act(run)
    assert outcome.rewind is not None
    assert outcome.acknowledged == []
    run = CountingRun()
    steering.restart(ChangeLog(epoch=1, step=10))
    drive(run, steering, 10)
    told = steering.rewound(run, outcome.rewind, {"branch": 0, "epoch": 3})
    assert (told.step, told.after) == (10, {"branch": 1, "epoch": 1})
    assert steering.act(run).acknowledged[0].step == 10


@pytest.mark.parametrize("piece", [1, 3, 7, 100])
def test_catching_up_repeats_every_change_at_its_step_and_holds_back_new_ones(piece):
    steered, steering = CountingRun(), Steering()
    log = []
    for number, at in enumerate((3, 3, 17, 25), start=1):
        drive(steered, steering, at)
        steering.receive([set_rate(number, 0.1 * number)], steered)
        log += steering.act(steered).acknowledged
    drive(steered, steering, 42)

    again = CountingRun()
    changes = [LoggedChange(step=one.step, settings=one.after) for one in log]
    follower = Steering(ChangeLog(changes=changes, step=42, epoch=4))
    follower.receive([set_rate(9, 7.0)], again)
    assert drive(again, follower, 42, piece) == []
    assert again.weight == steered.weight
    assert [one.step for one in follower.act(again).acknowledged] == [42]


def late(number, at, rate=0.5, **when):
    one = set_rate(number, rate, at)
    return one.model_copy(update={"when": {"at": at, **when}})


def test_a_command_whose_epoch_has_passed_is_refused_in_words():
    run, steering = CountingRun(), Steering()
    drive(run, steering, 34)
    steering.receive([late(1, "epoch:2"), late(2, "epoch:3"), late(3, "epoch:4")], run)
    told = drive(run, steering, 60)
    assert [(one.command, one.step, one.refused) for one in told] == [
        (1, 34, "epoch 2 had passed (the trial was at 3)"),
        (2, 34, "epoch 3 had passed (the trial was at 3)"),  # four steps of the next one were done
        (3, 40, None),
    ]


def test_a_command_whose_epoch_has_passed_is_applied_late_if_its_sender_says_so():
    run, steering = CountingRun(), Steering()
    drive(run, steering, 34)
    steering.receive([late(1, "epoch:2", late="apply"), set_rate(2, 0.7)], run)
    told = steering.act(run).acknowledged
    assert [(one.command, one.step, one.refused) for one in told] == [(1, 34, None), (2, 34, None)]
    assert told[0].late == "epoch 2 had passed (the trial was at 3)"
    assert told[1].late is None


def test_a_late_change_that_the_trainer_refuses_is_refused_for_that():
    run, steering = CountingRun(), Steering()
    drive(run, steering, 34)
    wide = order(1, "set", {"width": 9}).model_copy(update={"when": {"at": "epoch:2", "late": "apply"}})
    steering.receive([wide], run)
    (told,) = steering.act(run).acknowledged
    assert "fork" in told.refused
    assert told.late is None


def test_a_command_for_an_epoch_between_a_rewind_and_where_the_trial_was_waits_for_the_new_branch():
    run, steering = CountingRun(), Steering()
    drive(run, steering, 50)
    steering.receive([order(1, "rewind", {"epoch": 1, "branch": 1}), late(2, "epoch:3")], run)
    outcome = steering.act(run)
    run = CountingRun()
    steering.restart(ChangeLog(epoch=1))
    drive(run, steering, 10)
    steering.rewound(run, outcome.rewind, {"branch": 0, "epoch": 5})
    assert [one.step for one in drive(run, steering, 60)] == [30]


def test_a_command_for_an_epoch_before_a_rewind_forward_is_refused():
    run, steering = CountingRun(), Steering()
    steering.receive([late(1, "epoch:3"), order(2, "rewind", {"epoch": 5, "branch": 1})], run)
    outcome = steering.act(run)
    steering.restart(ChangeLog(epoch=5))
    drive(run, steering, 50)
    steering.rewound(run, outcome.rewind, {"branch": 0, "epoch": 0})
    (told,) = steering.act(run).acknowledged
    assert told.refused == "epoch 3 had passed (the trial was at 5)"


@pytest.mark.parametrize(
    ("there", "refused"), [(True, None), (False, "epoch 4 had passed (the trial was at 4)")]
)
def test_a_restored_run_must_know_that_it_stands_between_two_epochs(there, refused):
    run = CountingRun()
    run.step, run.between_epochs = 40 if there else 43, there
    steering = Steering(ChangeLog(step=run.step, epoch=4))
    steering.receive([late(1, "epoch:4")], run)
    (told,) = steering.act(run).acknowledged
    assert told.refused == (None if there else "epoch 4 had passed (the trial was at 4)")


def test_the_end_of_an_epoch_that_a_change_brings_about_is_not_missed():
    """A change may end the epoch under way, as mlp does while it passes the dev set."""

    class Ending(CountingRun):
        def change(self, settings):
            self.step += -self.step % 10
            return super().change(settings)

    run, steering = Ending(), Steering()
    steering.receive([late(1, "epoch:3")], run)
    drive(run, steering, 28)
    steering.receive([set_rate(2, 0.7)], run)
    assert [(one.command, one.step) for one in drive(run, steering, 60)] == [(2, 30), (1, 30)]


def test_an_epoch_end_that_came_while_a_run_caught_up_is_the_next_one_after():
    run, steering = CountingRun(), Steering(ChangeLog(step=42, epoch=4))
    steering.receive([late(1, "epoch_end")], run)
    (told,) = drive(run, steering, 80)
    assert told.step == 50
