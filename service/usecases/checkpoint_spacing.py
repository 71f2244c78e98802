"""Which checkpoints of a babysat trial stay: as dense as its budget of disk allows, evenly over its way.

Why: docs/decisions/checkpoint-spacing.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caviar.service.store.rows import StoredCheckpoint

MOST = 2000  # checkpoints of one trial
NEWEST = 3  # of which the newest may be damaged, and an agent falls back on the next
FREED = 0.9  # thinning goes on to this part of the bounds, so that it is not due at every checkpoint


def superfluous(kept: Sequence[StoredCheckpoint], budget: int) -> list[StoredCheckpoint]:
    """Return the scheduled checkpoints of a trial to remove: each time the one that leaves the smallest gap.

    `budget` is in bytes. What a person asked for, the last state and the newest ones stay.
    """
    if len(kept) <= MOST and sum(one.size for one in kept) <= budget:
        return []
    found = sorted(kept, key=lambda one: (one.branch, one.step, one.id))
    branch, step, size = np.array([(one.branch, one.step, one.size) for one in found], dtype=np.int64).T
    scheduled = [one.id for one in found if one.kind == "schedule"]
    newest = set(sorted(scheduled)[-NEWEST:])
    stays = np.array([one.kind != "schedule" or one.id in newest for one in found])
    there = np.ones(len(found), dtype=bool)
    while there.sum() > FREED * MOST or size[there].sum() > FREED * budget:
        gaps = np.full(len(found), np.inf)
        gaps[there] = np.where(stays[there], np.inf, _gaps(branch[there], step[there]))
        least = int(gaps.argmin())
        if not np.isfinite(gaps[least]):
            break
        there[least] = False
    return [one for one, kept_still in zip(found, there, strict=True) if not kept_still]


def _gaps(branch: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return how many steps would lie between the neighbours of each checkpoint without it.

    Before the first of a branch comes the nearest of any other, or the seed; the last has a double gap.
    """
    same = branch[1:] == branch[:-1]
    earlier = np.concatenate([[0], np.sort(step)])  # the seed is step 0
    nearest = earlier[np.searchsorted(earlier, step, side="left").clip(1) - 1]
    before = np.where(np.concatenate([[False], same]), np.concatenate([[0], step[:-1]]), nearest)
    after = np.where(np.concatenate([same, [False]]), np.concatenate([step[1:], [0]]), 2 * step - before)
    gaps: np.ndarray = after - before
    return gaps
