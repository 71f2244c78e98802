"""Rows of uploaded data sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, RowMapping, and_, delete, insert, select

from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import datasets, searches
from caviar.service.store.transaction import Transaction

_BRIEF = (
    datasets.c.id,
    datasets.c.name,
    datasets.c.digest,
    datasets.c.kind,
    datasets.c.rows,
    datasets.c.columns,
    datasets.c.meta,
    datasets.c.created,
)


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


def listed(snapshot: Snapshot) -> list[RowMapping]:
    """Give all of them by name."""
    return list(snapshot.execute(select(*_BRIEF).order_by(datasets.c.name)).mappings())


def by_id(snapshot: Snapshot, number: int) -> RowMapping | None:
    """Find one by its id."""
    return snapshot.execute(select(*_BRIEF).where(datasets.c.id == number)).mappings().first()


def by_name(snapshot: Snapshot, name: str) -> RowMapping | None:
    """Find one by its name."""
    return snapshot.execute(select(*_BRIEF).where(datasets.c.name == name)).mappings().first()


def remove(transaction: Transaction, number: int) -> None:
    """Remove the row of one."""
    transaction.execute(delete(datasets).where(datasets.c.id == number))


def shares_file(snapshot: Snapshot, digest: str, kind: str) -> bool:
    """Tell whether a file belongs to any data set."""
    same = and_(datasets.c.digest == digest, datasets.c.kind == kind)
    return snapshot.execute(select(datasets.c.id).where(same).limit(1)).first() is not None


def mentioning(snapshot: Snapshot, name: str) -> list[Row[Any]]:
    """Give id and spec of the searches in whose text a name occurs anywhere, oldest first."""
    found = searches.c.spec.contains(name, autoescape=True)
    return list(snapshot.execute(select(searches.c.id, searches.c.spec).where(found).order_by(searches.c.id)))
