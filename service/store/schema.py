"""The version of the database: built by Alembic, checked at every start."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from caviar import db_migrations
from caviar.service.store.postgres import Dialect as Postgres
from caviar.service.store.sqlite import Dialect as Sqlite
from caviar.service.store.sqlite import StartError

MIGRATION_LOCK = 0x0CA71A2  # key of the Postgres advisory lock: one migrator at a time


@cache
def head() -> str:
    """Return the newest schema version this program knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


@cache
def _known() -> frozenset[str]:
    """Return all schema versions this program knows."""
    found = ScriptDirectory.from_config(_config()).walk_revisions()
    return frozenset(script.revision for script in found)


def current(connection: Connection) -> str | None:
    """Return the schema version of a database; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def is_newer(found: str | None) -> bool:
    """Return whether a schema version is one that no migration of this program leads to."""
    return found is not None and found not in _known()


def migrate(dialect: Sqlite | Postgres, revision: str = "head") -> None:
    """Bring the schema to a revision in one transaction; a second migrator waits and finds it done."""
    with dialect.writer.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def prepare(dialect: Sqlite | Postgres, shown: str) -> None:
    """Build the schema of an empty database; check that of any other.

    Raises StartError when the schema is not the one this program knows, or nothing can be read.
    """
    with _usable(shown):
        with dialect.readers.connect() as connection:
            found = current(connection)
            empty = found is None and not inspect(connection).has_table("searches")
        if empty:
            migrate(dialect)
            return
    wanted = head()
    if found == wanted:
        return
    _refuse_unknown(found, shown)
    raise StartError(
        f"the database {shown} has schema {found}, this version of caviar needs {wanted}; "
        "make a backup, then run: caviar migrate"
    )


def _refuse_unknown(found: str | None, shown: str) -> None:
    """Raise StartError for a schema that no migration of this program leads to."""
    if is_newer(found):
        raise StartError(
            f"the database {shown} has schema {found}, unknown to this version of caviar ({head()}); "
            "it was written by a newer version: install that one"
        )


def migrate_url(url: URL) -> str:
    """Bring a database to the newest schema (the command `caviar migrate`) and give its version.

    Raises StartError when a server is using the database file, it cannot be used, or its schema is newer.
    """
    from caviar.service.store.clock import SteadyClock

    dialect = Sqlite(url, SteadyClock()) if url.get_backend_name() == "sqlite" else Postgres(url)
    try:
        dialect.open()
        shown = url.render_as_string(hide_password=True)
        with _usable(shown):
            with dialect.readers.connect() as connection:
                found = current(connection)
            _refuse_unknown(found, shown)
            migrate(dialect)
    finally:
        dialect.close()
    return head()


@contextmanager
def _usable(shown: str) -> Iterator[None]:
    """Say in one sentence that a database is away, or is none."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StartError(
            f"the database {shown} cannot be used ({' '.join(str(cause).split())}); "
            "see that it is there and runs, or name another one with --database"
        ) from error


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(db_migrations.__file__).parent).replace("%", "%%"))
    return config
