"""Trials that go on where another one ended: for longer (`epochs_per_round`), or changed (population).

Such a trial shares its parent's seed and change log, like a fork at the parent's end; the epochs it has more,
and the settings that differ, are the last change in that log. So it comes to the same bits with or without
the parent's last checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from caviar.search.proposal import Proposal
from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import checkpoints, curves, trials
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import lineage
from caviar.service.usecases.submit_checks import EXTERNAL
from caviar.trial_fields import StoredTrial


def continued(snapshot: Snapshot, trial: StoredTrial, parent: TrialId, epochs: int | None) -> StoredTrial:
    """Return a new trial as one that goes on where `parent` ended, up to `epochs`.

    Where the trainer did not tell the parent's last step, the trial is trained anew with the parent's seed.
    """
    row = trials.get(snapshot, parent)
    trial = trial._replace(seed=row.seed, continues=str(parent))
    step = orjson.loads(row.metrics).get("step") if row.metrics else None
    if step is None or epochs is None:
        return trial
    before = orjson.loads(row.change_log) if row.change_log else {}
    changes = lineage.history(snapshot, row).branches[row.branch].changes
    longer = {"step": int(step), "epoch": row.epoch, "settings": {"epochs": epochs}}
    log = {
        "changes": [*changes, longer],
        "epoch": row.epoch,
        "from": {"trial": [parent.search, parent.number], "branch": row.branch},
        "epochs": before.get("epochs", row.epochs),
    }
    return trial._replace(epoch=row.epoch, change_log=orjson.dumps(log).decode())


class NothingKeptError(Exception):
    """A trial left nothing that another one could go on from."""


def next_turn(
    snapshot: Snapshot, trial: StoredTrial, parent: TrialId, proposal: Proposal, spec: SearchSpec
) -> StoredTrial:
    """Return a new trial as the next turn of a population's member: from where `parent` ended, changed.

    What does not vary keeps the parent's very values. Raises NothingKeptError.
    """
    row = trials.get(snapshot, parent)
    params = orjson.loads(row.params)
    before = np.frombuffer(row.unit or b"", dtype="<f8")
    moved = {
        axis.parameter
        for axis, now, then in zip(spec.space.axes, proposal.unit.tolist(), before.tolist(), strict=True)
        if now != then
    }
    changes = {name: proposal.point[name] for name in spec.space.names if name in moved}
    scripted = spec.trainer == EXTERNAL  # a script is told its epochs beside its settings
    settings = changes if scripted else {"epochs": proposal.epochs, **changes}
    past = lineage.history(snapshot, row).branches[row.branch].changes
    change = {"step": _last_step(snapshot, row, scripted), "epoch": row.epoch, "settings": settings}
    log = {
        "changes": [*past, change] if settings else past,
        "epoch": row.epoch,
        "from": {"trial": [parent.search, parent.number], "branch": row.branch},
        "epochs": proposal.epochs if scripted else first_epochs(row.change_log, row.epochs),
        "params": first_params(row.change_log, params),
    }
    by_hand = orjson.loads(row.changed) if row.changed else {}
    kept = {name: value for name, value in by_hand.items() if name not in {*changes, "epochs"}}
    return trial._replace(
        seed=row.seed,
        continues=str(parent),
        params=orjson.dumps(params | changes, option=orjson.OPT_SERIALIZE_NUMPY).decode(),
        epoch=row.epoch,
        change_log=orjson.dumps(log, option=orjson.OPT_SERIALIZE_NUMPY).decode(),
        changed=orjson.dumps(kept).decode() if kept else None,
    )


def _last_step(snapshot: Snapshot, row: StoredTrial, scripted: bool) -> int:
    """Return the step at which a trial ended; that of a script is its epoch. Raises NothingKeptError."""
    told = orjson.loads(row.metrics).get("step") if row.metrics else None
    if told is not None and not scripted:
        return int(told)
    for one in checkpoints.resumable(snapshot, TrialId.of(row), row.branch):
        if one.epoch == row.epoch:
            return one.step
    how = "call trial.checkpoint(...) after each report" if scripted else "the trainer's result needs `step`"
    raise NothingKeptError(
        f"trial {TrialId.of(row)} left no checkpoint of epoch {row.epoch}, from which the next turn of a "
        f"population goes on: {how}, and submit the search again"
    )


def first_params(change_log: str | None, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters with which the root of a change log began; they may have changed since."""
    found: Mapping[str, Any] = (orjson.loads(change_log) if change_log else {}).get("params", params)
    return found


def params_at(row: StoredTrial, changes: Sequence[lineage.Change]) -> dict[str, Any]:
    """Return the parameters of a trial, or of a trial before it, when so many changes had been made."""
    first = first_params(row.change_log, orjson.loads(row.params))
    now = lineage.in_force(changes)
    return {name: now.get(name, value) for name, value in first.items()}


def first_epochs(change_log: str | None, epochs: int | None) -> int | None:
    """Return the epochs with which the root of a change log began: what training it anew begins with."""
    found: int | None = (orjson.loads(change_log) if change_log else {}).get("epochs", epochs)
    return found


def continued_below(spec: SearchSpec) -> int | None:
    """Return the epochs up to which a trial may be continued by another; None where none is."""
    epochs = getattr(spec.strategy, "epochs_per_round", None)
    return max(epochs) if epochs else None


def course(snapshot: Snapshot, row: lineage.Reached, metric: str) -> npt.NDArray[np.float64]:
    """Return a metric of a trial from epoch 1 on, with what lies behind its branch; NaN where unknown."""
    past = lineage.history(snapshot, row)
    trial, branches, number, end = past.trial, past.branches, row.branch, row.epoch
    whole = np.full(end, np.nan)
    while True:
        branch = branches[number]
        found = curves.metric_of(snapshot, trial.search, [(trial.number, number)], metric)
        part = found.get(trial.number, np.empty(0))[branch.from_epoch : end]
        whole[branch.from_epoch : branch.from_epoch + len(part)] = part
        end = min(end, branch.from_epoch)
        if branch.parent is not None:
            number = branch.parent
        elif branch.origin is not None and end:
            trial = TrialId(*branch.origin["trial"])
            earlier = trials.find(snapshot, trial)
            if earlier is None:
                return whole
            number, branches = int(branch.origin["branch"]), lineage.history(snapshot, earlier).branches
        else:
            return whole
