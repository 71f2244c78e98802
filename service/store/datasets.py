"""Rows of uploaded data sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, insert, select

from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import datasets, searches
from caviar.service.store.transaction import Transaction
from caviar.trainer.data import builtin


class StoredDataset(NamedTuple):
    """A row of `datasets`; `meta` is JSON."""

    id: int
    name: str
    digest: str
    kind: str
    rows: int
    columns: int
    meta: str
    created: float


_ALL = select(*(datasets.c[name] for name in StoredDataset._fields))


def add(transaction: Transaction, name: str, digest: str, kind: str, meta: Mapping[str, Any]) -> int:
    """Add a data set; gives its id. Raises IntegrityError when the name is taken."""
    row = {
        "name": name,
        "digest": digest,
        "kind": kind,
        "rows": meta["rows"],
        "columns": meta["columns"],
        "meta": json.dumps(meta),
        "created": transaction.now,
    }
    result = transaction.execute(insert(datasets).values(row).returning(datasets.c.id))
    return int(result.scalar_one())


def listed(snapshot: Snapshot) -> list[StoredDataset]:
    """Return all of them by name."""
    return list(map(StoredDataset._make, snapshot.execute(_ALL.order_by(datasets.c.name))))


def by_id(snapshot: Snapshot, number: int) -> StoredDataset | None:
    """Return the one with an id, or None."""
    row = snapshot.execute(_ALL.where(datasets.c.id == number)).first()
    return None if row is None else StoredDataset._make(row)


def by_name(snapshot: Snapshot, name: str) -> StoredDataset | None:
    """Return the one with a name, or None."""
    row = snapshot.execute(_ALL.where(datasets.c.name == name)).first()
    return None if row is None else StoredDataset._make(row)


def task_of(snapshot: Snapshot, dataset: Mapping[str, Any]) -> str | None:
    """Return whether a `dataset` object is a classification or a regression; None where that is unknown."""
    if dataset.get("task"):
        return str(dataset["task"])
    name = dataset.get("name")
    if name in builtin.BUILTIN:
        return "regression" if name in builtin.REGRESSIONS else "classification"
    found = None if name is None else by_name(snapshot, str(name))
    target = json.loads(found.meta).get("target") if found else None
    return target.get("task") if target else None


def remove(transaction: Transaction, number: int) -> None:
    """Remove the row of one."""
    transaction.execute(delete(datasets).where(datasets.c.id == number))


def shares_file(snapshot: Snapshot, digest: str, kind: str) -> bool:
    """Return whether a file belongs to any data set."""
    same = and_(datasets.c.digest == digest, datasets.c.kind == kind)
    return snapshot.execute(select(datasets.c.id).where(same).limit(1)).first() is not None


def mentioning(snapshot: Snapshot, name: str) -> list[tuple[int, str]]:
    """Return id and spec of the searches in whose text a name occurs anywhere, oldest first."""
    found = searches.c.spec.contains(name, autoescape=True)
    query = select(searches.c.id, searches.c.spec).where(found).order_by(searches.c.id)
    return [(row.id, row.spec) for row in snapshot.execute(query)]
