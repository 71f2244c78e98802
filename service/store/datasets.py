"""Rows of uploaded data sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from service.store.tables import datasets
from service.store.transaction import Transaction

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
    result = transaction.connection.execute(insert(datasets).values(row).returning(datasets.c.id))
    return int(result.scalar_one())


def listed(connection: Connection) -> list[RowMapping]:
    """Give all of them by name."""
    return list(connection.execute(select(*_BRIEF).order_by(datasets.c.name)).mappings())


def by_id(connection: Connection, number: int) -> RowMapping | None:
    """Find one by its id."""
    return connection.execute(select(*_BRIEF).where(datasets.c.id == number)).mappings().first()


def by_name(connection: Connection, name: str) -> RowMapping | None:
    """Find one by its name."""
    return connection.execute(select(*_BRIEF).where(datasets.c.name == name)).mappings().first()
