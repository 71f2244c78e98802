"""What a person who watches one trial sees: settings in force, commands, branches, advice, the log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from caviar import trainers
from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import checkpoints, curves
from caviar.service.store import commands as command_rows
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredCheckpoint, StoredCommand
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import continuing, lineage, starting_model
from caviar.service.usecases.command_validation import AFTER_THE_END
from caviar.service.usecases.commands import in_force
from caviar.trainer.advice import advise, outlook
from caviar.trainer.remedies import Advice
from caviar.trial_fields import ENDED, StoredTrial
from caviar.trial_settings import trial_settings

EPOCHS_TO_SHOW = 3  # after a change: sooner the curve says nothing of it


@dataclass(frozen=True)
class CommandLog:
    """Commands of a trial, oldest first; `version` is the id of the newest one of all."""

    items: list[StoredCommand]
    version: int


@dataclass(frozen=True)
class SteeringView:
    """A trial as the person who steers it sees it."""

    trial: StoredTrial
    settings: list[tuple[Any, Any]]  # SettingInfo of what may change while it runs, and the value in force
    commands: CommandLog
    branches: list[lineage.Branch]
    checkpoints: list[StoredCheckpoint]
    advice: list[tuple[Advice, dict[str, Any] | None]]  # with the command that would act on it
    outlook: tuple[Advice, dict[str, Any] | None] | None  # what more epochs would bring


@dataclass(frozen=True)
class ReplayLog:
    """What a branch of a trial follows from, bit for bit."""

    trial: StoredTrial
    branch: int
    trainer: str
    dataset: dict[str, Any]
    settings: dict[str, Any]  # at the beginning
    changes: list[dict[str, Any]]  # step, epoch and settings, in order
    epoch: int  # how far the branch has come
    end: int | None  # the last step of a trial that has ended
    stopped: bool  # by a person, which keeps the best weights
    kept_epoch: int | None  # of which the model is; None: of the end
    checkpoints: list[StoredCheckpoint]  # of this branch


def read_commands(snapshot: Snapshot, trial: TrialId, only: Iterable[int] | None = None) -> CommandLog:
    """Return the commands of a trial, or some of them. Raises NotFoundError."""
    trial_rows.get(snapshot, trial)
    wanted = None if only is None else set(only)
    rows = command_rows.of_trial(snapshot, trial)
    found = [one for one in rows if wanted is None or one.id in wanted]
    return CommandLog(found, command_rows.version(snapshot, trial))


def read_steering(snapshot: Snapshot, trial: TrialId) -> SteeringView:
    """Return all that steering a trial needs. Raises NotFoundError."""
    row = trial_rows.get(snapshot, trial)
    spec = _spec(snapshot, trial)
    settings = in_force(snapshot, row, spec.settings)
    past = lineage.history(snapshot, row)
    curve = _curve(snapshot, trial, row.branch)
    cancelled = search_rows.get(snapshot, trial.search).switch == "cancelled"
    advice = advise(curve, settings, row.state == "diverged") if curve or row.state == "diverged" else []
    ahead = None if advice or not curve else outlook(curve)
    if row.state not in ENDED:
        advice = worth_saying(advice, command_rows.applied(snapshot, trial), row)
    return SteeringView(
        trial=row,
        settings=_steerable(spec, settings),
        commands=read_commands(snapshot, trial),
        branches=list(past.branches.values()),
        checkpoints=checkpoints.resumable(snapshot, trial),
        advice=[(one, None if cancelled else acting(one, row, spec, settings)) for one in advice],
        outlook=None if ahead is None else (ahead, None if cancelled else acting(ahead, row, spec, settings)),
    )


def worth_saying(
    advice: Sequence[Advice], applied: Sequence[StoredCommand], row: StoredTrial
) -> list[Advice]:
    """Return the advice that is news: nothing until the last change could have shown, nothing tried before.

    What was applied once and is not in force any more was undone by a person, by a change or by a rewind.
    """
    changes = [one for one in applied if one.kind in ("set", "rewind")]
    last = max((one.epoch or 0 for one in changes if one.branch == row.branch), default=None)
    if last is not None and row.epoch - last < EPOCHS_TO_SHOW:
        return []
    return [one for one in advice if not any(_same(one.command, before) for before in changes)]


def _same(command: dict[str, Any] | None, before: StoredCommand) -> bool:
    """Return whether a command that acts on advice is one that took effect already."""
    if command is None or command["kind"] != before.kind:
        return False
    wanted, given = command["arguments"], orjson.loads(before.arguments)
    if before.kind == "rewind":
        return bool(wanted.get("epoch") == given.get("epoch"))
    return all(name in given and _close(value, given[name]) for name, value in wanted.items())


def _close(value: Any, other: Any) -> bool:
    if isinstance(value, int | float) and isinstance(other, int | float):
        return math.isclose(value, other, rel_tol=0.05)
    return bool(value == other)


def acting(
    advice: Advice, row: StoredTrial, spec: SearchSpec, settings: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the command that acts on advice as the trial stands, or None where it would be refused.

    What would have gone on in a trial that is over is a fork.
    """
    command = advice.command
    if command is None:
        return None
    # A script of a user's own is given only what its search names; advice is made for the settings of mlp.
    changes = command["arguments"].get("changes", command["arguments"])
    foreign = trainers.get(spec.trainer) is None and not set(changes) <= set(settings)
    if command["kind"] in ("set", "fork") and foreign:
        return None
    if row.state not in ENDED or command["kind"] in AFTER_THE_END:
        return command
    planned = settings.get("epochs")
    if command["kind"] == "rewind":
        point = {"epoch": command["arguments"]["epoch"]}
    else:  # with as many epochs again: near the end, the few that are left would show nothing
        more = {"epochs": advice.since + planned} if isinstance(planned, int) else {}
        point = {"epoch": advice.since, "changes": {**command["arguments"], **more}}
    nothing_left = isinstance(planned, int) and point["epoch"] >= planned
    return None if nothing_left else {"kind": "fork", "arguments": point}


def read_log(snapshot: Snapshot, trial: TrialId, branch: int | None = None) -> ReplayLog:
    """Return what replays a branch, by default the current one. Raises NotFoundError."""
    row = trial_rows.get(snapshot, trial)
    spec = _spec(snapshot, trial)
    past = lineage.history(snapshot, row)
    number = row.branch if branch is None else branch
    line = lineage.branch(past, number)
    reached = row.epoch if number == row.branch else lineage.last_epoch(snapshot, past, number)
    epochs = continuing.first_epochs(row.change_log, row.epochs)
    stops = [one for one in command_rows.applied(snapshot, trial) if one.kind == "stop"]
    return ReplayLog(
        trial=row,
        branch=number,
        trainer=spec.trainer,
        dataset=starting_model.dataset_of(snapshot, spec),
        settings=trial_settings(
            spec.settings,
            continuing.first_params(row.change_log, orjson.loads(row.params)),
            epochs,
            row.seed,
            trainers.settings_for(spec.trainer, spec.named_metrics()),
        ),
        changes=[dict(change) for change in line.changes],
        epoch=reached,
        end=_told(row, "step"),  # where the trainer tells it
        stopped=any(one.branch == number for one in stops),
        kept_epoch=_told(row, "best_epoch") if spec.objective.how == "best" else None,
        checkpoints=checkpoints.resumable(snapshot, trial, number),
    )


def _told(row: StoredTrial, count: str) -> int | None:
    """Return a count from the result of a trial that has ended, such as its last step."""
    told = orjson.loads(row.metrics).get(count) if row.metrics else None
    return None if told is None else int(told)


def _spec(snapshot: Snapshot, trial: TrialId) -> SearchSpec:
    return SearchSpec.parse(orjson.loads(search_rows.get(snapshot, trial.search).spec))


def _steerable(spec: SearchSpec, values: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    trainer = trainers.get(spec.trainer)
    infos: Any = trainer.settings() if trainer else ()
    return [(info, values.get(info.name, info.default)) for info in infos if info.steerable]


def _curve(snapshot: Snapshot, trial: TrialId, branch: int) -> dict[str, Any]:
    """Return the columns of one branch as arrays, missing values as NaN."""
    found = [one for one in curves.pieces(snapshot, trial.search, trial.number) if one["branch"] == branch]
    names = curves.names_of(found)
    if "train_cost" not in names:
        return {}
    epochs, values = curves.table(found, names)
    return {"epoch": epochs, **dict(zip(names, values.T, strict=True))}
