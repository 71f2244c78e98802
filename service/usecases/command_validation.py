"""Whether a command may be given to a trial: its kind, arguments and moment, against what waits already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from caviar.search.problem import written
from caviar.service.errors import FieldProblem
from caviar.service.store.rows import StoredCommand
from caviar.trainers import Trainer
from caviar.trial_fields import ENDED, StoredTrial

KINDS = ("set", "pause", "resume", "checkpoint", "rewind", "fork", "extend", "stop", "note")
AFTER_THE_END = ("fork", "extend", "note")  # what may still be asked of a trial that has ended
AT_ONCE = ("note", "resume")  # carried out by the server itself, so never scheduled
CHANGING = ("set", "extend", "rewind", "fork")  # what a trial learns from there on
WAITING_LIMIT = 100
TEXT_LIMIT = 10_000
_AT = re.compile(r"now|epoch_end|epoch:(\d{1,9})|no_improvement:([1-9]\d{0,8})")


@dataclass(frozen=True)
class NewCommand:
    """One command as it was given."""

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    at: str = "now"
    late: str = "refuse"  # or "apply": what to do when the epoch it names has passed

    @property
    def epoch(self) -> int | None:
        """The epoch at whose end it is due, where it names one."""
        match = _AT.fullmatch(self.at)
        return int(match[1]) if match and match[1] else None


@dataclass(frozen=True)
class CommandContext:
    """What a command is judged against."""

    row: StoredTrial
    waiting: Sequence[StoredCommand]
    settings: Mapping[str, Any]  # in force
    trainer: Trainer | None
    dataset: Mapping[str, Any]


def problems(given: Sequence[NewCommand], context: CommandContext) -> list[FieldProblem]:
    """Return everything that is wrong with commands given together; none of them is taken if anything is."""
    found: list[FieldProblem] = []
    if not given:
        found.append(FieldProblem("commands", "is empty", f"give at least one; kinds: {', '.join(KINDS)}"))
    if len(context.waiting) + len(given) > WAITING_LIMIT:
        message = f"{len(context.waiting)} commands wait for this trial already; at most {WAITING_LIMIT} may"
        found.append(FieldProblem("commands", message, "let some take effect, or withdraw them (DELETE)"))
    reached = _reached(context)
    for position, command in enumerate(given):
        found += [
            FieldProblem(f"commands.{position}.{one.field}", one.message, one.remedy)
            for one in _one(command, context, reached)
        ]
        reached = _rewound_to(command, reached)
    return found + _conflicts(given, context.waiting)


def _reached(context: CommandContext) -> int:
    """Return the epoch that later commands are seen from: a rewind that waits for now comes before them."""
    reached = int(context.row.epoch)
    for row in context.waiting:
        reached = _rewound_to(_stored(row), reached)
    return reached


def _rewound_to(command: NewCommand, reached: int) -> int:
    epoch = command.arguments.get("epoch")
    goes_back = command.kind == "rewind" and command.at == "now"
    return epoch if goes_back and isinstance(epoch, int) else reached


def _stored(row: StoredCommand) -> NewCommand:
    return NewCommand(row.kind, orjson.loads(row.arguments), orjson.loads(row.at).get("at", "now"))


def _one(command: NewCommand, context: CommandContext, reached: int) -> Iterable[FieldProblem]:
    if command.kind not in KINDS:
        yield FieldProblem("kind", f"{command.kind!r} is no command", f"one of {', '.join(KINDS)}")
        return
    yield from _moment(command, context.row, reached)
    if context.row.state in ENDED and command.kind not in AFTER_THE_END:
        yield FieldProblem(
            "kind",
            f"the trial is {context.row.state}; {command.kind!r} needs one that is not over",
            "fork it from one of its epochs, or extend it: both make a new trial that goes on from there",
        )
    elif command.kind == "resume" and context.row.state != "paused":
        yield FieldProblem(
            "kind", f"the trial is {context.row.state}, not paused", "nothing is to be resumed"
        )
    elif command.kind == "pause" and context.row.state == "paused":
        yield FieldProblem("kind", "the trial is paused already", "resume it first, or leave it")
    if command.kind in CHANGING and context.dataset.get("folds"):
        remedy = "pause, resume, checkpoint or stop it; for other settings submit another search"
        said = f"a trial with folds cannot take {command.kind!r}: all its folds train with the same settings"
        yield FieldProblem("kind", said, remedy)
        return
    yield from _ARGUMENTS[command.kind](command, context)


def _moment(command: NewCommand, row: StoredTrial, reached: int) -> Iterable[FieldProblem]:
    if not _AT.fullmatch(command.at):
        remedy = "now, epoch_end, epoch:30, or no_improvement:5 (epochs without a lower training cost)"
        yield FieldProblem("when.at", f"{command.at!r} is not a moment", remedy)
    elif command.at != "now" and (command.kind in AT_ONCE or row.state in ENDED):
        yield FieldProblem("when.at", f"{command.kind!r} is carried out at once here", "leave `when` out")
    elif command.late == "apply" and command.epoch is None:
        remedy = "leave `late` out, or name an epoch in `at`"
        yield FieldProblem("when.late", f"means nothing for {command.at!r}: only an epoch can pass", remedy)
    elif command.epoch is not None and command.epoch <= reached and command.late != "apply":
        yield FieldProblem(
            "when.at",
            f"epoch {command.epoch} has ended already (the trial is at epoch {reached})",
            f"name an epoch from {reached + 1} on, say now, or let it take effect late (late: apply)",
        )


def _set(command: NewCommand, context: CommandContext) -> Iterable[FieldProblem]:
    if not command.arguments:
        yield FieldProblem("arguments", "is empty", "give settings and their new values")
        return
    yield from changes(command.arguments, context, "arguments")


def changes(given: Mapping[str, Any], context: CommandContext, where: str) -> Iterable[FieldProblem]:
    """Return what is wrong with new values of settings, asking the trainer itself."""
    if context.trainer is None:  # a script of a user's own: what a value means only that knows
        for name in given:
            if name not in context.settings:
                remedy = f"one of {', '.join(context.settings)}"
                yield FieldProblem(f"{where}.{name}", "the search has no such setting or parameter", remedy)
        return
    infos = {info.name: info for info in context.trainer.settings()}
    steerable = [name for name, info in infos.items() if getattr(info, "steerable", False)]
    for name in given:
        if name not in infos:
            yield FieldProblem(
                f"{where}.{name}", "there is no such setting", f"one of {', '.join(steerable)}"
            )
        elif name not in steerable:
            remedy = f"submit a new search for it; changeable here: {', '.join(steerable)}"
            yield FieldProblem(f"{where}.{name}", "cannot change once training has begun", remedy)
    known = {name: value for name, value in given.items() if name in steerable}
    for one in context.trainer.check({**context.settings, **known}, context.dataset):
        name = one.field.removeprefix("settings.").split(".")[0]
        if name in known:
            yield FieldProblem(f"{where}.{name}", one.message, one.remedy)


def _extend(command: NewCommand, context: CommandContext) -> Iterable[FieldProblem]:
    yield from _only(command, ("epochs",))
    epochs = command.arguments.get("epochs")
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1:
        yield FieldProblem(
            "arguments.epochs", f"{written(epochs)} is not a number of epochs", "give 1 or more, to be added"
        )


def _note(command: NewCommand, context: CommandContext) -> Iterable[FieldProblem]:
    yield from _only(command, ("text",))
    text = command.arguments.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > TEXT_LIMIT:
        yield FieldProblem("arguments.text", "is not a note", f"give a text of 1 to {TEXT_LIMIT} characters")


def _point(command: NewCommand, context: CommandContext) -> Iterable[FieldProblem]:
    allowed = ("epoch", "checkpoint", "branch") + (("changes",) if command.kind == "fork" else ())
    yield from _only(command, allowed)
    if command.kind == "rewind" and ("epoch" in command.arguments) == ("checkpoint" in command.arguments):
        yield FieldProblem("arguments", "names no single point", "give either epoch or checkpoint")
    for name in ("epoch", "checkpoint", "branch"):
        value = command.arguments.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            yield FieldProblem(
                f"arguments.{name}", f"{written(value)} is no {name}", "give its number, 0 or more"
            )
    wanted = command.arguments.get("changes", {})
    if not isinstance(wanted, Mapping):
        yield FieldProblem("arguments.changes", "is not a mapping", "give settings and their values")
    elif wanted:
        yield from changes(wanted, context, "arguments.changes")


def _plain(command: NewCommand, context: CommandContext) -> Iterable[FieldProblem]:
    yield from _only(command, ())


def _only(command: NewCommand, allowed: Sequence[str]) -> Iterable[FieldProblem]:
    for name in command.arguments:
        if name not in allowed:
            remedy = f"it takes {', '.join(allowed)}" if allowed else "it takes no arguments"
            yield FieldProblem(f"arguments.{name}", f"means nothing to {command.kind!r}", remedy)


_ARGUMENTS = {
    "set": _set,
    "extend": _extend,
    "note": _note,
    "rewind": _point,
    "fork": _point,
    "pause": _plain,
    "resume": _plain,
    "checkpoint": _plain,
    "stop": _plain,
}


def _conflicts(given: Sequence[NewCommand], waiting: Sequence[StoredCommand]) -> list[FieldProblem]:
    """Two commands for the same epoch must not set the same thing; nothing can follow a scheduled stop."""
    scheduled = [(_stored(row), f"command {row.id}") for row in waiting]
    found = []
    for position, command in enumerate(given):
        name = f"commands.{position}"
        for other, who in scheduled:
            if command.at == other.at and command.at != "now" and command.kind == other.kind == "set":
                both = sorted(set(command.arguments) & set(other.arguments))
                if both:
                    message = f"{who} sets {', '.join(both)} at the same moment ({command.at})"
                    found.append(
                        FieldProblem(f"{name}.arguments.{both[0]}", message, "choose one; withdraw the other")
                    )
            if other.kind == "stop" and command.epoch and other.epoch and command.epoch > other.epoch:
                message = f"{who} stops the trial before, at epoch {other.epoch}"
                found.append(
                    FieldProblem(f"{name}.when.at", message, "name an earlier epoch, or withdraw the stop")
                )
        scheduled.append((command, name))
    return found
