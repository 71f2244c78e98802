"""Databases as earlier versions left them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import MetaData, insert
from sqlalchemy.engine import URL

from caviar.service.store import postgres, schema, sqlite
from caviar.service.store.clock import SteadyClock


def dialect_of(url: URL) -> Any:
    """The dialect of a database, which has no schema yet."""
    return sqlite.Dialect(url, SteadyClock()) if url.get_backend_name() == "sqlite" else postgres.Dialect(url)


def old_search(number: int, **columns: Any) -> tuple[str, dict[str, Any]]:
    """A row of `searches`, for `write_old_rows`."""
    named = {"name": "old", "switch": "active", "mode": "caviar", "exhausted": False, "spec": "{}"}
    return "searches", {"id": number, **named, **columns}


def write_old_rows(dialect: Any, revision: str, *rows: tuple[str, Mapping[str, Any]]) -> None:
    """Build the schema of a revision and write rows of its tables, with 0 in columns that need a value."""
    schema.migrate(dialect, revision)
    with dialect.writer.connect() as connection, connection.begin():
        old = MetaData()
        old.reflect(connection)
        for name, values in rows:
            table = old.tables[name]
            blank = {column.name: 0 for column in table.c if not (column.nullable or column.server_default)}
            connection.execute(insert(table).values({**blank, **values}))
