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
WAITING_LIMIT = 100
TEXT_LIMIT = 10_000
_AT = re.compile(r"now|epoch_end|epoch:(\d{1,9})|no_improvement:([1-9]\d{0,8})")


@dataclass(frozen=True)
class Ask:
    """One command as it was given."""

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    at: str = "now"

    @property
    def epoch(self) -> int | None:
        """The epoch at whose end it is due, where it names one."""
        match = _AT.fullmatch(self.at)
        return int(match[1]) if match and match[1] else None


@dataclass(frozen=True)
class Situation:
    """What a command is judged against."""

    row: StoredTrial
    waiting: Sequence[StoredCommand]
    settings: Mapping[str, Any]  # in force
    trainer: Trainer | None
    dataset: Mapping[str, Any]


def problems(asks: Sequence[Ask], now: Situation) -> list[FieldProblem]:
    """Say everything that is wrong with commands given together; none of them is taken if anything is."""
    found: list[FieldProblem] = []
    if not asks:
        found.append(FieldProblem("commands", "is empty", f"give at least one; kinds: {', '.join(KINDS)}"))
    if len(now.waiting) + len(asks) > WAITING_LIMIT:
        message = f"{len(now.waiting)} commands wait for this trial already; at most {WAITING_LIMIT} may"
        found.append(FieldProblem("commands", message, "let some take effect, or withdraw them (DELETE)"))
    for position, ask in enumerate(asks):
        found += [
            FieldProblem(f"commands.{position}.{one.field}", one.message, one.remedy)
            for one in _one(ask, now)
        ]
    return found + _conflicts(asks, now.waiting)


def _one(ask: Ask, now: Situation) -> Iterable[FieldProblem]:
    if ask.kind not in KINDS:
        yield FieldProblem("kind", f"{ask.kind!r} is no command", f"one of {', '.join(KINDS)}")
        return
    yield from _moment(ask, now.row)
    if now.row.state in ENDED and ask.kind not in AFTER_THE_END:
        yield FieldProblem(
            "kind",
            f"the trial is {now.row.state}; {ask.kind!r} needs one that is not over",
            "fork it from one of its epochs, or extend it: both make a new trial that goes on from there",
        )
    elif ask.kind == "resume" and now.row.state != "paused":
        yield FieldProblem("kind", f"the trial is {now.row.state}, not paused", "nothing is to be resumed")
    elif ask.kind == "pause" and now.row.state == "paused":
        yield FieldProblem("kind", "the trial is paused already", "resume it first, or leave it")
    yield from _ARGUMENTS[ask.kind](ask, now)


def _moment(ask: Ask, row: StoredTrial) -> Iterable[FieldProblem]:
    if not _AT.fullmatch(ask.at):
        remedy = "now, epoch_end, epoch:30, or no_improvement:5 (epochs without a lower training cost)"
        yield FieldProblem("when.at", f"{ask.at!r} is not a moment", remedy)
    elif ask.at != "now" and (ask.kind in AT_ONCE or row.state in ENDED):
        yield FieldProblem("when.at", f"{ask.kind!r} is carried out at once here", "leave `when` out")
    elif ask.epoch is not None and ask.epoch <= row.epoch:
        yield FieldProblem(
            "when.at",
            f"epoch {ask.epoch} has ended already (the trial is at epoch {row.epoch})",
            f"name an epoch from {row.epoch + 1} on, or say now",
        )


def _set(ask: Ask, now: Situation) -> Iterable[FieldProblem]:
    if not ask.arguments:
        yield FieldProblem("arguments", "is empty", "give settings and their new values")
        return
    yield from changes(ask.arguments, now, "arguments")


def changes(given: Mapping[str, Any], now: Situation, where: str) -> Iterable[FieldProblem]:
    """Say what is wrong with new values of settings, asking the trainer itself."""
    if now.trainer is None:  # a script of a user's own: what a value means only that knows
        for name in given:
            if name not in now.settings:
                remedy = f"one of {', '.join(now.settings)}"
                yield FieldProblem(f"{where}.{name}", "the search has no such setting or parameter", remedy)
        return
    infos = {info.name: info for info in now.trainer.settings()}
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
    for one in now.trainer.check({**now.settings, **known}, now.dataset):
        name = one.field.removeprefix("settings.").split(".")[0]
        if name in known:
            yield FieldProblem(f"{where}.{name}", one.message, one.remedy)


def _extend(ask: Ask, now: Situation) -> Iterable[FieldProblem]:
    yield from _only(ask, ("epochs",))
    epochs = ask.arguments.get("epochs")
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1:
        yield FieldProblem(
            "arguments.epochs", f"{written(epochs)} is not a number of epochs", "give 1 or more, to be added"
        )


def _note(ask: Ask, now: Situation) -> Iterable[FieldProblem]:
    yield from _only(ask, ("text",))
    text = ask.arguments.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > TEXT_LIMIT:
        yield FieldProblem("arguments.text", "is not a note", f"give a text of 1 to {TEXT_LIMIT} characters")


def _point(ask: Ask, now: Situation) -> Iterable[FieldProblem]:
    allowed = ("epoch", "checkpoint", "branch") + (("changes",) if ask.kind == "fork" else ())
    yield from _only(ask, allowed)
    if ask.kind == "rewind" and ("epoch" in ask.arguments) == ("checkpoint" in ask.arguments):
        yield FieldProblem("arguments", "names no single point", "give either epoch or checkpoint")
    for name in ("epoch", "checkpoint", "branch"):
        value = ask.arguments.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            yield FieldProblem(
                f"arguments.{name}", f"{written(value)} is no {name}", "give its number, 0 or more"
            )
    wanted = ask.arguments.get("changes", {})
    if not isinstance(wanted, Mapping):
        yield FieldProblem("arguments.changes", "is not a mapping", "give settings and their values")
    elif wanted:
        yield from changes(wanted, now, "arguments.changes")


def _plain(ask: Ask, now: Situation) -> Iterable[FieldProblem]:
    yield from _only(ask, ())


def _only(ask: Ask, allowed: Sequence[str]) -> Iterable[FieldProblem]:
    for name in ask.arguments:
        if name not in allowed:
            remedy = f"it takes {', '.join(allowed)}" if allowed else "it takes no arguments"
            yield FieldProblem(f"arguments.{name}", f"means nothing to {ask.kind!r}", remedy)


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


def _conflicts(asks: Sequence[Ask], waiting: Sequence[StoredCommand]) -> list[FieldProblem]:
    """Two commands for the same epoch must not set the same thing; nothing can follow a scheduled stop."""
    scheduled: list[tuple[Ask, str]] = [
        (
            Ask(row.kind, orjson.loads(row.arguments), orjson.loads(row.at).get("at", "now")),
            f"command {row.id}",
        )
        for row in waiting
    ]
    found = []
    for position, ask in enumerate(asks):
        name = f"commands.{position}"
        for other, who in scheduled:
            if ask.at == other.at and ask.at != "now" and ask.kind == other.kind == "set":
                both = sorted(set(ask.arguments) & set(other.arguments))
                if both:
                    message = f"{who} sets {', '.join(both)} at the same moment ({ask.at})"
                    found.append(
                        FieldProblem(f"{name}.arguments.{both[0]}", message, "choose one; withdraw the other")
                    )
            if other.kind == "stop" and ask.epoch and other.epoch and ask.epoch > other.epoch:
                message = f"{who} stops the trial before, at epoch {other.epoch}"
                found.append(
                    FieldProblem(f"{name}.when.at", message, "name an earlier epoch, or withdraw the stop")
                )
        scheduled.append((ask, name))
    return found
