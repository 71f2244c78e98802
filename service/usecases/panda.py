"""What a person who watches one trial sees: settings in force, commands, branches, advice, the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from pydantic import BaseModel, Field

from caviar import trainers
from caviar.search.spec import SearchSpec
from caviar.service.api import records
from caviar.service.ids import TrialId
from caviar.service.store import checkpoints, curves, reads
from caviar.service.store import commands as command_rows
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import ENDED
from caviar.service.usecases import continuing, datasets, lineage
from caviar.service.usecases.command_validation import AFTER_THE_END
from caviar.service.usecases.commands import in_force
from caviar.trainer.advice import Advice, advise
from caviar.trial_fields import StoredTrial
from caviar.trial_settings import trial_settings


class Setting(BaseModel):
    """A setting that may change while the trial runs."""

    name: str
    type: str
    low: float | None
    high: float | None
    choices: list[str]
    unit: str
    help: str
    value: Any = Field(description="in force now")


class BranchRecord(BaseModel):
    """A line of the trial's history."""

    branch: int
    parent: int | None
    from_epoch: int
    changes: list[dict[str, Any]]


class AdviceRecord(BaseModel):
    """An observation, and the command that would act on it."""

    kind: str
    since: int
    text: str
    command: dict[str, Any] | None


class Steering(BaseModel):
    """All that steering a trial needs, in one answer."""

    version: int = Field(description="number of the newest command; the ETag for If-Match")
    state: str
    branch: int
    epoch: int
    settings: list[Setting]
    commands: list[dict[str, Any]]
    branches: list[BranchRecord]
    checkpoints: list[dict[str, Any]]
    advice: list[AdviceRecord]


class Log(BaseModel):
    """What a branch of a trial follows from, bit for bit."""

    trial: str
    branch: int
    current: bool = Field(description="whether the trial is on this branch now")
    state: str
    trainer: str
    dataset: dict[str, Any]
    settings: dict[str, Any] = Field(description="at the beginning")
    seed: int
    changes: list[dict[str, Any]] = Field(description="step, epoch and settings, in order")
    epoch: int = Field(description="how far it has come")
    end: int | None = Field(description="the last step of a trial that has ended")
    stopped: bool = Field(description="whether a person ended it, which keeps the best weights")
    checkpoints: list[dict[str, Any]] = Field(description="states of this branch to compare with")


class Schedule(BaseModel):
    """Changes by epoch, as `schedule` of a search takes them."""

    schedule: list[dict[str, Any]]


def command_list(snapshot: Snapshot, trial: TrialId, only: Iterable[int] | None = None) -> dict[str, Any]:
    """Give the commands of a trial, or some of them. Raises NotFoundError."""
    reads.trial_row(snapshot, trial)
    wanted = None if only is None else set(only)
    rows = [one for one in command_rows.of_trial(snapshot, trial) if wanted is None or one.id in wanted]
    version = command_rows.version(snapshot, trial)
    return {"items": [records.command(one) for one in rows], "version": version}


def steering(snapshot: Snapshot, trial: TrialId) -> dict[str, Any]:
    """Give all that steering a trial needs. Raises NotFoundError."""
    row = reads.trial_row(snapshot, trial)
    spec = _spec(snapshot, trial)
    settings = in_force(snapshot, row, spec.settings)
    past = lineage.history(snapshot, row)
    curve = _curve(snapshot, trial, row.branch)
    cancelled = reads.search_row(snapshot, trial.search).switch == "cancelled"
    return {
        "version": command_rows.version(snapshot, trial),
        "state": row.state,
        "branch": row.branch,
        "epoch": row.epoch,
        "settings": _settings(spec, settings),
        "commands": command_list(snapshot, trial)["items"],
        "branches": [_branch(one) for one in past.branches.values()],
        "checkpoints": [records.checkpoint(one) for one in checkpoints.resumable(snapshot, trial)],
        "advice": [
            {
                "kind": one.kind,
                "since": one.since,
                "text": one.text,
                "command": None if cancelled else acting(one, row, spec, settings),
            }
            for one in (advise(curve, settings) if curve else [])
        ],
    }


def acting(
    advice: Advice, row: StoredTrial, spec: SearchSpec, settings: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Give the command that acts on advice as the trial stands, or None where it would be refused.

    What would have gone on in a trial that is over is a fork.
    """
    command = advice.command
    if command is None:
        return None
    # A script of a user's own is given only what its search names; advice is made for the settings of mlp.
    foreign = trainers.get(spec.trainer) is None and not set(command["arguments"]) <= set(settings)
    if command["kind"] == "set" and foreign:
        return None
    if row.state not in ENDED or command["kind"] in AFTER_THE_END:
        return command
    if command["kind"] == "rewind":
        point = {"epoch": command["arguments"]["epoch"]}
    else:
        point = {"epoch": advice.since, "changes": command["arguments"]}
    planned = settings.get("epochs")
    nothing_left = isinstance(planned, int) and point["epoch"] >= planned
    return None if nothing_left else {"kind": "fork", "arguments": point}


def log(snapshot: Snapshot, trial: TrialId, branch: int | None = None) -> dict[str, Any]:
    """Give what replays a branch, by default the current one. Raises NotFoundError."""
    row = reads.trial_row(snapshot, trial)
    spec = _spec(snapshot, trial)
    past = lineage.history(snapshot, row)
    number = row.branch if branch is None else branch
    line = lineage.branch(past, number)
    reached = row.epoch if number == row.branch else lineage.last_epoch(snapshot, past, number)
    epochs = continuing.first_epochs(row.line, row.epochs)
    return {
        "trial": str(trial),
        "branch": number,
        "current": number == row.branch,
        "state": row.state,
        "trainer": spec.trainer,
        "dataset": datasets.resolve(snapshot, spec.dataset),
        "settings": trial_settings(spec.settings, orjson.loads(row.params), epochs, row.seed),
        "seed": row.seed,
        "changes": list(line.changes),
        "epoch": reached,
        "end": _end(row),
        "stopped": any(
            one.kind == "stop" and one.branch == number for one in command_rows.applied(snapshot, trial)
        ),
        "checkpoints": [records.checkpoint(one) for one in checkpoints.resumable(snapshot, trial, number)],
    }


def _end(row: StoredTrial) -> int | None:
    """Give the last step of a trial that has ended, from its result."""
    step = orjson.loads(row.metrics).get("step") if row.metrics else None
    return None if step is None else int(step)


def schedule(snapshot: Snapshot, trial: TrialId, branch: int | None = None) -> dict[str, Any]:
    """Give the changes of a branch by epoch, each at the last epoch end before it. Raises NotFoundError."""
    made: dict[int, dict[str, Any]] = {}
    for change in log(snapshot, trial, branch)["changes"]:
        settings = {name: value for name, value in change["settings"].items() if name != "epochs"}
        if settings:
            made.setdefault(int(change["epoch"]), {}).update(settings)
    return {"schedule": [{"epoch": epoch, "set": made[epoch]} for epoch in sorted(made)]}


def _spec(snapshot: Snapshot, trial: TrialId) -> SearchSpec:
    return SearchSpec.parse(orjson.loads(reads.search_row(snapshot, trial.search).spec))


def _settings(spec: SearchSpec, values: dict[str, Any]) -> list[dict[str, Any]]:
    trainer = trainers.get(spec.trainer)
    infos: Any = trainer.settings() if trainer else ()
    return [
        {
            "name": info.name,
            "type": info.type,
            "low": info.low,
            "high": info.high,
            "choices": list(info.choices),
            "unit": info.unit,
            "help": info.help,
            "value": values.get(info.name, info.default),
        }
        for info in infos
        if info.steerable
    ]


def _branch(one: lineage.Branch) -> dict[str, Any]:
    return {
        "branch": one.number,
        "parent": one.parent,
        "from_epoch": one.from_epoch,
        "changes": list(one.changes),
    }


def _curve(snapshot: Snapshot, trial: TrialId, branch: int) -> dict[str, Any]:
    """Give the columns of one branch as arrays, missing values as NaN."""
    found = [one for one in curves.pieces(snapshot, trial.search, trial.number) if one["branch"] == branch]
    names = curves.names_of(found)
    if "train_cost" not in names:
        return {}
    epochs, values = curves.table(found, names)
    return {"epoch": epochs, **dict(zip(names, values.T, strict=True))}
