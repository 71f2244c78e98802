"""New trials that go on from a point of another one: forks, and the extension of a trial that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from caviar.service.errors import ConflictError, RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import commands as command_rows
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import continuing, lineage, scheduling
from caviar.service.usecases.command_validation import CommandContext, NewCommand
from caviar.service.usecases.proposer import Proposer
from caviar.trial_fields import StoredTrial


def resolved(tx: Transaction, context: CommandContext, command: NewCommand, place: str) -> dict[str, Any]:
    """Return a fork's arguments with point and changes settled. Raises RefusedError, ConflictError."""
    row = context.row
    if search_rows.get(tx, row.search_id).switch == "cancelled":
        raise ConflictError(f"search {row.search_id} was cancelled: nothing of it is trained any more")
    past = lineage.history(tx, row)
    point = lineage.point(tx, past, row, {**command.arguments, "epoch": _epoch(command, row)}, place)
    changes = dict(command.arguments.get("changes") or {})
    if command.kind == "extend":
        changes = {"epochs": row.epoch + command.arguments["epochs"]}
    epochs = changes.get("epochs", _epochs_there(context, point.changes))
    if isinstance(epochs, int) and epochs <= point.epoch and command.at == "now":
        raise RefusedError.of(
            f"{place}.changes.epochs",
            f"{epochs} epochs are over at epoch {point.epoch}: nothing would be trained",
            f"give changes: {{epochs: {point.epoch + 10}}}, or an earlier epoch",
        )
    return {"epoch": point.epoch, "branch": point.branch, "changes": changes}


def _epoch(command: NewCommand, row: StoredTrial) -> int:
    """The point a fork leaves: the one it names, else where the trial is now."""
    return int(command.arguments.get("epoch", row.epoch)) if command.kind == "fork" else int(row.epoch)


def _epochs_there(context: CommandContext, changes: tuple[lineage.Change, ...]) -> Any:
    """The epochs that were planned at a point."""
    epochs = context.row.epochs if context.row.epochs is not None else context.settings.get("epochs")
    for change in changes:
        epochs = change["settings"].get("epochs", epochs)
    return epochs


def fork(tx: Transaction, proposer: Proposer, row: StoredTrial, point: Mapping[str, Any]) -> str:
    """Make a new trial that shares a point's past and goes on by itself; give its name.

    It has the parent's seed and parameters; what the fork changes is its first command, logged like others.
    Changes of the search's schedule that come later than the point are its commands too.
    """
    past = lineage.history(tx, row)
    branch, epoch = int(point["branch"]), int(point["epoch"])
    changes = past.at(lineage.branch(past, branch).number, epoch)
    search = search_rows.get(tx, row.search_id)
    log = {
        "changes": list(changes),
        "epoch": epoch,
        "from": {"trial": list(TrialId.of(row)), "branch": branch},
    }
    params, unit = row.params, row.unit
    behind = orjson.loads(row.change_log) if row.change_log is not None else {}
    if behind:  # what its root began with
        log["epochs"] = continuing.first_epochs(row.change_log, row.epochs)
    if "params" in behind:  # of a population: they changed on its way
        there = continuing.params_at(row, changes)
        log["params"] = continuing.first_params(row.change_log, there)
        params = orjson.dumps(there).decode()
        unit = proposer.spec(tx, search).space.to_unit(there).astype("<f8").tobytes()
    settings = lineage.in_force(changes) | dict(point["changes"])
    name, parent = TrialId(search.id, search.proposed), TrialId.of(row)
    child = trial_rows.new_trial(
        tx,
        name,
        params=params,
        unit=unit,
        seed=row.seed,
        epochs=row.epochs,
        origin="fork",
        why=f"forked from {parent}, branch {branch}, at the end of epoch {epoch}",
    )._replace(
        round=row.round,
        parent=str(parent),
        epoch=epoch,
        change_log=orjson.dumps(log).decode(),
        changed=orjson.dumps(settings).decode() if settings else None,
    )
    trial_rows.insert_trials(tx, [child])
    search_rows.add_by_hand(tx, search, 1)
    proposer.forget(search.id)  # what was proposed ahead was counted without this trial
    first_commands(tx, proposer, search, name, epoch, point["changes"])
    tx.wake = True
    return str(name)


def first_commands(
    tx: Transaction,
    proposer: Proposer,
    search: StoredSearch,
    name: TrialId,
    epoch: int,
    changes: Mapping[str, Any],
) -> None:
    """Order for a trial that begins at the end of an epoch its own changes and the scheduled ones after it.

    Scheduled changes at that very epoch are left out, as all changes there are: what begins anew decides
    about them.
    """
    if changes:
        command_rows.add(tx, name, "set", changes)
    scheduling.order(tx, proposer.spec(tx, search), name, after=epoch)
