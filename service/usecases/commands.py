"""Giving commands to a trial, withdrawing them, and taking in what became of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from caviar import trainers
from caviar.exchange.wire import Acknowledgement
from caviar.service.errors import ChangedError, ConflictError, NotFoundError, RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import audit
from caviar.service.store import commands as command_rows
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.commands import Effect
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import forks, lineage, studies
from caviar.service.usecases.command_validation import CommandContext, NewCommand, problems
from caviar.service.usecases.proposer import Proposer
from caviar.trial_fields import ENDED, StoredTrial
from caviar.trial_settings import trial_settings

WITHDRAWN = "withdrawn by a person"
DIGITS = 64  # of a digest


def give(
    tx: Transaction,
    proposer: Proposer,
    trial: TrialId,
    given: Sequence[NewCommand],
    match: int | None = None,
    key: str | None = None,
) -> list[int]:
    """Take commands for a trial, all or none; give their ids. The same idempotency key gives the same ids.

    Raises NotFoundError, ChangedError when the trial's newest command is not `match`, ConflictError when the
    state of the trial does not allow a command or the key was used for other commands, RefusedError for all
    else, naming each command and field.
    """
    row = trial_rows.get(tx, trial)
    studies.refuse_steering(tx, trial.search, "steer its trials there")
    mark = None if key is None else _digest(key) + _digest([_as_given(one) for one in given])
    if mark is not None and (known := command_rows.given_with(tx, trial, mark[:DIGITS])):
        if known[0].idempotency != mark:
            raise ConflictError(f"the Idempotency-Key {key!r} was used for other commands; use a new one")
        return [one.id for one in known]
    version = command_rows.version(tx, trial)
    if match is not None and match != version:
        raise ChangedError(
            f"the newest command of trial {trial} is {version}, not {match}: somebody else steers it; "
            "check its state, then repeat the command"
        )
    context = context_of(tx, proposer, row)
    found = problems(given, context)
    if found:
        text = "; ".join(f"{one.field}: {one.message}" for one in found)
        if all(one.field.endswith(".kind") and row.state in ENDED for one in found):
            raise ConflictError(text, found)
        raise RefusedError(text, found)
    ids = [
        _give_one(tx, proposer, context, command, position, mark) for position, command in enumerate(given)
    ]
    tx.wake = True
    return ids


def context_of(tx: Transaction, proposer: Proposer, row: StoredTrial) -> CommandContext:
    """Gather what commands to a trial are judged against."""
    spec = proposer.spec(tx, search_rows.get(tx, row.search_id))
    return CommandContext(
        row,
        command_rows.waiting(tx, TrialId.of(row)),
        in_force(tx, row, spec.settings),
        trainers.get(spec.trainer),
        spec.dataset,
    )


def in_force(snapshot: Snapshot, row: StoredTrial, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a trial as they are now: submitted, drawn, and changed on its current branch."""
    settings = trial_settings(fixed, orjson.loads(row.params), row.epochs, row.seed)
    past = lineage.history(snapshot, row)
    return settings | lineage.in_force(past.branches.get(row.branch, past.branches[0]).changes)


def _as_given(command: NewCommand) -> dict[str, Any]:
    """Return a command as keys of earlier versions were made of it, which knew nothing of late ones."""
    return {name: value for name, value in asdict(command).items() if (name, value) != ("late", "refuse")}


def _digest(of: Any) -> str:
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()


def _give_one(
    tx: Transaction,
    proposer: Proposer,
    context: CommandContext,
    command: NewCommand,
    position: int,
    mark: str | None,
) -> int:
    row = context.row
    trial = TrialId.of(row)
    arguments = dict(command.arguments)
    place = f"commands.{position}.arguments"
    if command.kind == "rewind":
        arguments = _rewinding(tx, row, command, place)
    elif command.kind == "fork" or (command.kind == "extend" and row.state in ENDED):
        arguments = forks.resolved(tx, context, command, place)
    elif command.kind == "extend":
        arguments = {"epochs": _planned_epochs(context, tx) + arguments["epochs"]}
    at_once = _carried_out(tx, proposer, context, command, arguments)
    effect = None if at_once is None else Effect(row.branch, row.epoch, after=at_once)
    late = command.late if command.late != "refuse" else None
    number = command_rows.add(
        tx, trial, command.kind, arguments, command.at, late=late, mark=mark, effect=effect
    )
    asked = {**command.arguments, **({} if command.at == "now" else {"at": command.at})}
    audit.record(tx, "command", trial, command.kind, after=asked)
    if effect is None and row.state == "paused" and command.kind == "stop":
        trial_rows.requeue(tx, trial)  # an agent must restore it to give its best weights and its result
    return number


def _carried_out(
    tx: Transaction,
    proposer: Proposer,
    context: CommandContext,
    command: NewCommand,
    arguments: Mapping[str, Any],
) -> dict[str, Any] | None:
    """Do what the server can do itself; None: it is for the agent."""
    row = context.row
    if command.kind == "note":
        return {}
    if command.kind == "resume":
        trial_rows.requeue(tx, TrialId.of(row))  # a later attempt goes on from its checkpoint
        return {"state": "queued"}
    forking = command.kind == "fork" or (command.kind == "extend" and row.state in ENDED)
    if forking and command.at == "now":
        return {"trial": forks.fork(tx, proposer, row, arguments)}
    return None


def _planned_epochs(context: CommandContext, tx: Transaction) -> int:
    """Return the epochs a trial will train once the commands that wait have taken effect."""
    epochs = context.settings.get("epochs")
    if not isinstance(epochs, int) and context.trainer is not None:
        epochs = next((info.default for info in context.trainer.settings() if info.name == "epochs"), None)
    for one in command_rows.waiting(tx, TrialId.of(context.row)):
        if one.kind in lineage.CHANGING:
            epochs = orjson.loads(one.arguments).get("epochs", epochs)
    return int(epochs or context.row.epoch)


def _rewinding(tx: Transaction, row: StoredTrial, command: NewCommand, place: str) -> dict[str, Any]:
    """Return what an agent needs to be at an earlier point: change log, checkpoints, the new branch."""
    past = lineage.history(tx, row)
    point = lineage.point(tx, past, row, command.arguments, place)
    ahead = [
        orjson.loads(one.arguments)["branch"]
        for one in command_rows.waiting(tx, past.trial)
        if one.kind == "rewind"
    ]
    return {
        "epoch": point.epoch,
        "branch": max([past.next_branch - 1, *ahead]) + 1,
        "parent": point.branch,
        "change_log": {"changes": list(point.changes), "epoch": point.epoch, "step": point.step or 0},
        "resume": lineage.candidates(tx, past, point.branch, point.epoch, point.step),
    }


def withdraw(tx: Transaction, trial: TrialId, number: int) -> None:
    """Take back a command that waits. Raises NotFoundError, ConflictError when it does not wait any more.

    In an agent's hands only the agent knows whether it still waits: then the withdrawal is a command itself.
    """
    row = trial_rows.find(tx, trial)
    found = {one.id: one for one in command_rows.of_trial(tx, trial)}.get(number)
    if row is None or found is None:
        raise NotFoundError(f"trial {trial} has no command {number}")
    if found.state != "waiting":
        raise ConflictError(f"command {number} is {found.state}; only one that waits can be withdrawn")
    audit.record(tx, "withdraw", trial, found.kind, before={"command": number})
    if row.agent is None:
        command_rows.refuse(tx, trial, number, WITHDRAWN)
        return
    command_rows.add(tx, trial, "withdraw", {"command": number})
    tx.wake = True


def acknowledge(
    tx: Transaction, proposer: Proposer, trial: TrialId, branch: int, done: Sequence[Acknowledgement]
) -> None:
    """Note what became of commands in an agent's hands; a second acknowledgement changes nothing."""
    for one in done:
        effect = Effect(branch, one.epoch, one.step, one.before, one.after)
        waits = {w.id: w for w in command_rows.waiting(tx, trial)}.get(one.command)
        row = trial_rows.find(tx, trial)
        if waits is None or row is None:
            continue
        if one.refused is not None:
            command_rows.refuse(tx, trial, one.command, one.refused, effect)
            continue
        if waits.kind == "fork":
            point = {**orjson.loads(waits.arguments), "branch": branch, "epoch": one.epoch}
            effect = effect._replace(after={"trial": forks.fork(tx, proposer, row, point)})
        command_rows.apply(tx, trial, one.command, effect, one.late and f"late: {one.late}")
        if waits.kind in (*lineage.CHANGING, "rewind"):
            past = lineage.history(tx, row)
            changes = past.branches.get(branch, past.branches[0]).changes
            trial_rows.note_changed(tx, trial, lineage.in_force(changes))
