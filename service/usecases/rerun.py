"""Failed and cancelled trials again: as new trials that name the old ones, with the same point and seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from caviar.service.errors import ConflictError, RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import audit
from caviar.service.store import commands as command_rows
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import forks, lineage, studies
from caviar.service.usecases.claim import schedule
from caviar.service.usecases.commands import WITHDRAWN
from caviar.service.usecases.proposer import Proposer
from caviar.trial_fields import StoredTrial

AGAIN = ("failed", "cancelled")


def rerun(tx: Transaction, proposer: Proposer, trial: TrialId) -> str:
    """Queue one trial again; give the name of the new one.

    Raises NotFoundError, ConflictError unless it failed or was cancelled.
    """
    row = trial_rows.get(tx, trial)
    if row.state not in AGAIN:
        raise ConflictError(
            f"trial {trial} is {row.state}; only failed and cancelled trials are run again: "
            "to train it for longer, give it the command extend; to train its point again, enqueue the point"
        )
    made = _again(tx, proposer, trial.search, [row])[0]
    audit.record(tx, "rerun", trial, after={"trial": made})
    return made


def rerun_all(tx: Transaction, proposer: Proposer, search: int, state: str) -> list[str]:
    """Queue all trials of a search in a state again, but for those that are run again already.

    Raises NotFoundError, RefusedError for another state.
    """
    if state not in AGAIN:
        raise RefusedError.of("state", f"{state} trials are not run again", f"one of: {', '.join(AGAIN)}")
    search_rows.get(tx, search)
    known = trial_rows.run_again(tx, search)
    rows = [row for row in trial_rows.in_state(tx, search, state) if str(TrialId.of(row)) not in known]
    if not rows:
        return []
    audit.record(tx, "rerun", search, after={"state": state, "trials": len(rows)})
    return _again(tx, proposer, search, rows)


def _again(tx: Transaction, proposer: Proposer, search: int, rows: Sequence[StoredTrial]) -> list[str]:
    row = search_rows.get(tx, search)
    studies.refuse_steering(tx, search, "run a point again there with study.enqueue_trial(trial.params)")
    made = [_new(tx, old, number) for number, old in enumerate(rows, row.proposed)]
    trial_rows.insert_trials(tx, made)
    search_rows.add_by_hand(tx, row, len(made))
    if row.switch == "cancelled":  # it wakes up for these trials alone; what was left of its budget stays so
        search_rows.change(
            tx, search, switch="active", total=row.proposed + len(made), version=row.version + 1
        )
    schedule(tx, proposer, row, [one for one in made if one.change_log is None])
    for old, new in zip(rows, made, strict=True):
        if new.change_log is not None:
            forks.first_commands(tx, proposer, row, TrialId.of(new), new.epoch, _own_changes(tx, old))
    proposer.forget(search)  # what was proposed ahead was counted without these trials
    tx.wake = True
    return [str(TrialId.of(one)) for one in made]


def _new(tx: Transaction, old: StoredTrial, number: int) -> StoredTrial:
    """Return the row of a trial that repeats another one, from where that one began."""
    name = TrialId.of(old)
    log = orjson.loads(old.change_log) if old.change_log else {}
    changed = (
        {**lineage.in_force(log["changes"]), **_own_changes(tx, old)} if log and old.continues is None else {}
    )
    return trial_rows.new_trial(
        tx,
        TrialId(old.search_id, number),
        params=old.params,
        unit=old.unit,
        seed=old.seed,
        epochs=old.epochs,
        origin="rerun",
        why=f"trial {name} again, which {'failed' if old.state == 'failed' else 'was cancelled'}",
    )._replace(
        stop=old.stop,
        round=old.round,
        continues=old.continues,
        change_log=old.change_log,
        parent=str(name),
        epoch=int(log.get("epoch", 0)),
        changed=orjson.dumps(changed).decode() if changed else None,
    )


def _own_changes(tx: Transaction, row: StoredTrial) -> dict[str, Any]:
    """Return what a fork was made to change, but for what a person withdrew; nothing for other trials."""
    if row.change_log is None or row.continues is not None:
        return {}
    for one in command_rows.of_trial(tx, TrialId.of(row)):
        if one.kind == "set" and one.created == row.created and orjson.loads(one.at) == {"at": "now"}:
            return {} if one.reason == WITHDRAWN else orjson.loads(one.arguments)
    return {}
