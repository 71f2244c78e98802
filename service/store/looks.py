"""Rows of looks at test sets. They outlive their search: a look that was taken cannot be undone."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, insert, select

from caviar.service.ids import TrialId
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import looks
from caviar.service.store.transaction import Transaction

c = looks.c


class StoredLook(NamedTuple):
    """A row of `looks`; `result` is JSON."""

    id: int
    search_id: int
    number: int
    test_set: str
    nth: int
    created: float
    who: str
    why: str | None
    result: str


_ALL = select(*(c[name] for name in StoredLook._fields)).order_by(c.id)


def add(tx: Transaction, trial: TrialId, test_set: str, who: str, why: str | None, result: str) -> StoredLook:
    """Record a look; its `nth` counts those at the same test set, this one included."""
    earlier = tx.execute(select(func.count()).select_from(looks).where(c.test_set == test_set)).scalar_one()
    new = StoredLook(0, trial.search, trial.number, test_set, int(earlier) + 1, tx.now, who, why, result)
    row = new._asdict()
    del row["id"]
    made = tx.execute(insert(looks).values(row).returning(c.id)).scalar_one()
    return new._replace(id=int(made))


def of_trial(snapshot: Snapshot, trial: TrialId) -> list[StoredLook]:
    """Return the looks that a trial's model has had, oldest first."""
    found = snapshot.execute(_ALL.where(c.search_id == trial.search, c.number == trial.number))
    return list(map(StoredLook._make, found))


def of_search(snapshot: Snapshot, search: int) -> list[StoredLook]:
    """Return the looks of all trials of a search, oldest first."""
    return list(map(StoredLook._make, snapshot.execute(_ALL.where(c.search_id == search))))


def count(snapshot: Snapshot, test_set: str) -> int:
    """Return how many looks a test set has had."""
    found = snapshot.execute(select(func.count()).select_from(looks).where(c.test_set == test_set))
    return int(found.scalar_one())
