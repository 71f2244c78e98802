"""Rows of checkpoints and models. A row exists only after its file is written, synced and renamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Select, delete, insert, select

from caviar.service.ids import TrialId
from caviar.service.store.rows import StoredCheckpoint
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import checkpoints
from caviar.service.store.transaction import Transaction

c = checkpoints.c


class NewCheckpoint(NamedTuple):
    """A file that an attempt has sent."""

    search_id: int
    number: int
    attempt: int
    branch: int
    epoch: int
    step: int
    position: int
    kind: str
    name: str
    digest: str
    size: int


def add(tx: Transaction, new: NewCheckpoint) -> int:
    """Add a checkpoint; return its id."""
    row = {**new._asdict(), "created": tx.now, "revision": tx.revision()}
    stored = tx.execute(insert(checkpoints).values(**row).returning(c.id)).scalar_one()
    tx.touched.add(new.search_id)
    return int(stored)


def prune(tx: Transaction, trial: TrialId, branch: int, keep: int) -> list[str]:
    """Take out all but the newest `keep` scheduled checkpoints of a branch; return the names of their files.

    What a person asked for, the last one of an attempt, and models stay.
    """
    old = _of(trial).where(c.branch == branch, c.kind == "schedule").order_by(c.id.desc()).offset(keep)
    return remove(tx, [StoredCheckpoint._make(row) for row in tx.execute(old)])


def remove(tx: Transaction, kept: Sequence[StoredCheckpoint]) -> list[str]:
    """Take checkpoints out; return the names of their files."""
    if kept:
        tx.execute(delete(checkpoints).where(c.id.in_([one.id for one in kept])))
    return [one.name for one in kept]


def discard_from(tx: Transaction, trial: TrialId, branch: int, epoch: int) -> None:
    """Take out what a branch has kept of an epoch and of later ones: it is trained again from there.

    The files stay until nobody misses them, as those of a crash do.
    """
    own = (c.search_id == trial.search, c.number == trial.number, c.branch == branch)
    tx.execute(delete(checkpoints).where(*own, c.kind != "model", c.epoch >= epoch))


def discard(tx: Transaction, checkpoint: int) -> None:
    """Take a checkpoint out; one that is gone already is fine."""
    tx.execute(delete(checkpoints).where(c.id == checkpoint))


def find(snapshot: Snapshot, checkpoint: int) -> StoredCheckpoint | None:
    """Return a checkpoint, or None."""
    row = snapshot.execute(select(checkpoints).where(c.id == checkpoint)).first()
    return None if row is None else StoredCheckpoint._make(row)


def of_trial(snapshot: Snapshot, trial: TrialId) -> list[StoredCheckpoint]:
    """Return the checkpoints and models of a trial, oldest first."""
    return [StoredCheckpoint._make(row) for row in snapshot.execute(_of(trial).order_by(c.id))]


def resumable(snapshot: Snapshot, trial: TrialId, branch: int | None = None) -> list[StoredCheckpoint]:
    """Return the checkpoints of a trial (of one branch) that training can go on from, the furthest first."""
    query = _of(trial).where(c.kind != "model")
    if branch is not None:
        query = query.where(c.branch == branch)
    return [
        StoredCheckpoint._make(row) for row in snapshot.execute(query.order_by(c.step.desc(), c.id.desc()))
    ]


def newest_model(snapshot: Snapshot, trial: TrialId) -> int | None:
    """Return the id of a trial's newest model, or None."""
    query = select(c.id).where(c.search_id == trial.search, c.number == trial.number, c.kind == "model")
    found = snapshot.execute(query.order_by(c.id.desc()).limit(1)).scalar()
    return None if found is None else int(found)


def names(snapshot: Snapshot, search: int | None = None) -> list[str]:
    """Return the names of all files, or of those of one search."""
    query = select(c.name) if search is None else select(c.name).where(c.search_id == search)
    return list(snapshot.execute(query).scalars())


def _of(trial: TrialId) -> Select[*tuple[int, ...]]:
    return select(checkpoints).where(c.search_id == trial.search, c.number == trial.number)
