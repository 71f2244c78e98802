"""Trials that go on where another one ended, for longer (`epochs_per_round`).

Such a trial shares its parent's seed and change log, like a fork at the parent's end; the epochs it has more
are the last change in that log. So it comes to the same bits with or without the parent's last checkpoint.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import orjson

from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import curves, trials
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import lineage
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
