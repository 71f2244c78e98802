"""Rows of uploaded data sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, insert, select

from caviar.service.store import row_tags
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import datasets, searches
from caviar.service.store.transaction import Transaction
from caviar.trainer.data import builtin

UPLOAD = "upload:"  # and an id: the data of tags
CHOOSING = ("target", "arrays")  # options that say what is predicted


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


class Target(NamedTuple):
    """What is known of the target of a `dataset` object; None, or no classes, where that is unknown."""

    task: str | None = None  # classification or regression
    classes: Mapping[str, int] = MappingProxyType({})  # rows of each
    rows: int = 0


def target_of(snapshot: Snapshot, dataset: Mapping[str, Any]) -> Target:
    """Return what a `dataset` object predicts; of the built-in sets without the classes."""
    task, name = dataset.get("task"), dataset.get("name")
    if name in builtin.BUILTIN:
        usual = "regression" if name in builtin.REGRESSIONS else "classification"
        return Target(str(task or usual))
    found = None if name is None else by_name(snapshot, str(name))
    if found is None:
        return Target(task)
    meta = json.loads(found.meta)
    target, options = meta.get("target") or {}, meta.get("options") or {}
    task = task or target.get("task")
    other = any(_list(dataset.get(key) or options.get(key)) != _list(options.get(key)) for key in CHOOSING)
    if task != "classification" or other:
        return Target(task)
    return Target(task, {one["name"]: one["count"] for one in target.get("classes", ())}, found.rows)


def target_of_search(snapshot: Snapshot, spec: Mapping[str, Any]) -> Target:
    """Return what a search predicts, of which other trainers than `mlp` tell nothing."""
    mlp = spec.get("trainer", "mlp") == "mlp"
    return target_of(snapshot, spec.get("dataset") or {}) if mlp else Target()


def _list(names: Any) -> list[Any]:
    return list(names) if isinstance(names, list) else [names]


def remove(transaction: Transaction, number: int) -> None:
    """Remove the row of one, and what was said of its rows."""
    row_tags.remove(transaction, f"{UPLOAD}{number}")
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
