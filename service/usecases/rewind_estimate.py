"""What a rewind or a fork has to train again before it is where it leads to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caviar.service.ids import TrialId
from caviar.service.store import curves
from caviar.service.store import trials as trial_rows
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import lineage
from caviar.trial_fields import StoredTrial


@dataclass(frozen=True)
class RewindEstimate:
    """The way to the end of an epoch from the nearest state that is kept."""

    branch: int
    epoch: int
    checkpoint: int | None  # None: from the seed
    from_epoch: int
    epochs: int  # to be trained again
    seconds: float | None  # about; None where nothing is known of the speed


def estimate(snapshot: Snapshot, trial: TrialId, epoch: int, branch: int | None = None) -> RewindEstimate:
    """Return what going back to the end of an epoch takes. Raises NotFoundError, RefusedError."""
    row = trial_rows.get(snapshot, trial)
    past = lineage.history(snapshot, row)
    wanted = {"epoch": epoch, "branch": row.branch if branch is None else branch}
    point = lineage.point(snapshot, past, row, wanted, "query")
    nearest = lineage.candidates(snapshot, past, point.branch, point.epoch)
    start = 0 if nearest is None else int(nearest["epoch"])
    pace = seconds_per_epoch(snapshot, row, point.branch)
    return RewindEstimate(
        branch=point.branch,
        epoch=point.epoch,
        checkpoint=None if nearest is None else int(nearest["checkpoint"]),
        from_epoch=start,
        epochs=point.epoch - start,
        seconds=None if pace is None else pace * (point.epoch - start),
    )


def seconds_per_epoch(snapshot: Snapshot, row: StoredTrial, branch: int) -> float | None:
    """Return the mean of what the epochs of a branch took, where the trainer tells it."""
    found = curves.metric_of(snapshot, row.search_id, [(row.number, branch)], "seconds").get(row.number)
    told = np.empty(0) if found is None else found[np.isfinite(found)]
    return float(told.mean()) if len(told) else None
