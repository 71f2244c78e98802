"""What a person asked of the trial in hand: when each command is due, and what it does to the run.

The worker calls, between two slices::

    until_step, until_epoch = steering.bounds(run)      # the slice must not pass these
    piece = run.advance(0.05, until_step, until_epoch)
    steering.observe(piece.epochs)
    outcome = steering.act(run)                            # changes the run, says what else is to be done

A run that was restored first *catches up*: logged changes are made again at their steps, and nothing that
waits is due before the run is where the server last saw it (docs/decisions/steering-by-replay.md).

A command for the end of an epoch takes effect there and nowhere else: slices end there while it waits. One
whose epoch has passed is refused, or done at once and marked late where its sender has asked for that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Protocol

from caviar.exchange.command import APPLY, EPOCH_END, NOW, ReceivedCommand
from caviar.exchange.wire import REFUSED_LIMIT, Acknowledgement, ChangeLog, CommandOrder
from caviar.json_body import plain


class Steerable(Protocol):
    """The part of a trainer's run that steering touches."""

    @property
    def step(self) -> int:
        """Mini-batches done."""

    @property
    def epoch(self) -> int:
        """Epochs ended."""

    def change(self, settings: Mapping[str, Any]) -> Any:
        """Change settings from here on; gives step, before and after. Raises ValueError, changing nothing."""


CHANGING = ("set", "extend")
NO_CHANGES = ChangeLog()  # of a trial that begins; nobody changes a log


class Moment(Enum):
    """Where a run is, seen from a command that waits."""

    ahead = auto()
    due = auto()
    passed = auto()


@dataclass
class CommandOutcome:
    """What one look at the commands led to; the worker does what a run alone cannot."""

    acknowledged: list[Acknowledgement] = field(default_factory=list)
    checkpoint: bool = False
    pause: bool = False
    stop: bool = False
    rewind: ReceivedCommand | None = None


class Steering:
    """The commands of one trial in hand."""

    def __init__(self, log: ChangeLog | None = None, position: int = 0) -> None:
        self._waiting: dict[int, ReceivedCommand] = {}
        self._seen: set[int] = set()
        self._awaited: set[int] = set()  # the run was seen before the end of their epoch: slices end there
        self._best_cost = math.inf
        self._epochs_without_improvement = 0
        self._follow(log or NO_CHANGES, position)

    def _follow(self, log: ChangeLog, position: int) -> None:
        self.position = position  # changes of the log that the run contains
        self._to_repeat = log.changes[position:]
        self._goal = log
        self._awaited.clear()

    def receive(self, orders: Iterable[CommandOrder], run: Steerable) -> None:
        """Take in commands from an exchange; those seen before are ignored."""
        epoch = self._goal.epoch if self.catching_up(run) else run.epoch
        for order in orders:
            if order.id not in self._seen:
                self._seen.add(order.id)
                self._waiting[order.id] = ReceivedCommand.of(order, epoch)

    def catching_up(self, run: Steerable) -> bool:
        """Whether the run is still behind the state that the server has recorded."""
        return bool(self._to_repeat) or run.step < self._goal.step or run.epoch < self._goal.epoch

    def bounds(self, run: Steerable) -> tuple[int | None, int | None]:
        """The step and the epoch that the next slice must not pass, None where there is no such limit."""
        if self._to_repeat:
            return self._to_repeat[0].step, None
        if self.catching_up(run):
            return (self._goal.step, None) if run.step < self._goal.step else (None, self._goal.epoch)
        if any(command.at.startswith("no_improvement") for command in self._waiting.values()):
            return None, run.epoch + 1
        ends = [end for command in self._waiting.values() if (end := command.due_epoch()) and end > run.epoch]
        return None, min(ends, default=None)

    def observe(self, epochs: Sequence[Mapping[str, Any]]) -> None:
        """Follow the training cost, for commands that wait on it."""
        for epoch in epochs:
            cost = float(epoch.get("train_cost", math.nan))
            if cost < self._best_cost:
                self._best_cost, self._epochs_without_improvement = cost, 0
            else:
                self._epochs_without_improvement += 1

    def act(self, run: Steerable) -> CommandOutcome:
        """Make the logged changes of this step, then what is due; a rewind, pause or stop ends the round."""
        while self._to_repeat and self._to_repeat[0].step == run.step:
            run.change(self._to_repeat.pop(0).settings)
            self.position += 1
        outcome = CommandOutcome()
        if self.catching_up(run):
            return outcome
        while come := self._come(run):  # a change may end the epoch under way: look anew after each
            first, moment = come[0]
            if moment is Moment.passed:
                self._pass_over(run, first, outcome)
            elif first.kind in CHANGING:
                together = itertools.takewhile(
                    lambda one: one[1] is Moment.due and one[0].kind in CHANGING, come
                )
                self._change(run, [command for command, _ in together], outcome)
            else:
                self._do(run, first, outcome)
                if outcome.pause or outcome.stop or outcome.rewind:
                    return outcome
        return outcome

    def rewound(self, run: Steerable, command: ReceivedCommand, before: Mapping[str, Any]) -> Acknowledgement:
        """Acknowledge a rewind once its run has caught up; the conditions start anew on the new branch."""
        self._waiting.pop(command.id, None)
        self._best_cost, self._epochs_without_improvement = math.inf, 0
        for one in [one for one in self._waiting.values() if one.at == EPOCH_END]:
            self._waiting[one.id] = replace(one, received_epoch=run.epoch)
        after = {"branch": command.arguments["branch"], "epoch": run.epoch}
        return _acknowledgement(command, run, dict(before), after)

    def restart(self, log: ChangeLog, position: int = 0) -> None:
        """Catch up along another log: the run was replaced by an earlier state."""
        self._follow(log, position)

    def _come(self, run: Steerable) -> list[tuple[ReceivedCommand, Moment]]:
        """Return the commands whose moment is there or has passed, in the order they were given."""
        moments = [(one, self._moment(one, run)) for _, one in sorted(self._waiting.items())]
        return [(one, moment) for one, moment in moments if moment is not Moment.ahead]

    def _moment(self, command: ReceivedCommand, run: Steerable) -> Moment:
        """Tell whether a command is due: at the end of its epoch, before any mini-batch of the next."""
        if command.at == NOW:
            return Moment.due
        end = command.due_epoch()
        if end is None:
            wanted = int(command.at.removeprefix("no_improvement:"))
            return Moment.due if self._epochs_without_improvement >= wanted else Moment.ahead
        if run.epoch < end:
            self._awaited.add(command.id)
            return Moment.ahead
        there = command.id in self._awaited or getattr(run, "between_epochs", False)
        return Moment.due if run.epoch == end and there else Moment.passed

    def _change(self, run: Steerable, commands: list[ReceivedCommand], outcome: CommandOutcome) -> None:
        """Commands that are due together change the run together or not at all."""
        wanted: dict[str, Any] = {}
        for command in commands:
            wanted |= command.arguments
        refused = None
        change = None
        try:
            change = run.change(wanted)
        except ValueError as error:
            refused = str(error)
        for command in commands:
            del self._waiting[command.id]
            before = {name: change.before.get(name) for name in command.arguments} if change else {}
            after = {name: change.after.get(name) for name in command.arguments} if change else {}
            self.position += change is not None
            outcome.acknowledged.append(_acknowledgement(command, run, before, after, refused))

    def _pass_over(self, run: Steerable, command: ReceivedCommand, outcome: CommandOutcome) -> None:
        """Refuse a command whose epoch has passed, or let it be due now, as its sender has asked."""
        passed = command.passed(run.epoch)
        if command.late == APPLY:
            self._waiting[command.id] = replace(command, at=NOW, lateness=passed)
            return
        del self._waiting[command.id]
        outcome.acknowledged.append(_acknowledgement(command, run, {}, {}, passed))

    def _do(self, run: Steerable, command: ReceivedCommand, outcome: CommandOutcome) -> None:
        if command.kind == "rewind":
            outcome.rewind = command  # acknowledged by rewound(), when the state is reached
            return
        del self._waiting[command.id]
        if command.kind == "withdraw":
            self._withdraw(run, command, outcome)
            return
        outcome.checkpoint |= command.kind == "checkpoint"
        outcome.pause |= command.kind == "pause"
        outcome.stop |= command.kind == "stop"
        outcome.acknowledged.append(_acknowledgement(command, run, {}, {}))

    def _withdraw(self, run: Steerable, command: ReceivedCommand, outcome: CommandOutcome) -> None:
        """Forget a command that still waits; the withdrawal is refused when it has taken effect already."""
        target = self._waiting.pop(int(command.arguments["command"]), None)
        late = "it had taken effect already"
        if target is not None:
            outcome.acknowledged.append(_acknowledgement(target, run, {}, {}, "withdrawn by a person"))
        outcome.acknowledged.append(_acknowledgement(command, run, {}, {}, None if target else late))


def _acknowledgement(
    command: ReceivedCommand,
    run: Steerable,
    before: dict[str, Any],
    after: dict[str, Any],
    refused: str | None = None,
) -> Acknowledgement:
    return Acknowledgement(
        command=command.id,
        step=run.step,
        epoch=run.epoch,
        before=plain(before),
        after=plain(after),
        refused=refused and refused[:REFUSED_LIMIT],
        late=None if refused else command.lateness,
    )
