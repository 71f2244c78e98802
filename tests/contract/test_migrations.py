"""Migrations build exactly the declared tables, from empty and from every schema before."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import URL

from caviar.service.store import postgres, schema, sqlite
from caviar.service.store.clock import SteadyClock
from caviar.service.store.sqlite import StartError
from caviar.service.store.tables import metadata


def dialect_of(url: URL) -> Any:
    return sqlite.Dialect(url, SteadyClock()) if url.get_backend_name() == "sqlite" else postgres.Dialect(url)


def differences(dialect: Any) -> list[Any]:
    with dialect.writer.connect() as connection:
        return list(
            compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
        )


def revisions() -> list[str]:
    scripts = ScriptDirectory.from_config(schema._config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def test_an_empty_database_becomes_the_declared_one(database_url: URL) -> None:
    dialect = dialect_of(database_url)
    schema.prepare(dialect, "test")
    assert differences(dialect) == []
    schema.prepare(dialect, "test")  # and then there is nothing to do
    dialect.close()


@pytest.mark.parametrize("revision", revisions())
def test_every_earlier_schema_becomes_the_declared_one(database_url: URL, revision: str) -> None:
    dialect = dialect_of(database_url)
    schema.migrate(dialect, revision)
    if revision != schema.head():
        with pytest.raises(StartError, match="caviar migrate"):
            schema.prepare(dialect, "test")
    schema.migrate(dialect)
    assert differences(dialect) == []
    dialect.close()


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(schema._config()).get_heads()) == 1


def test_an_unknown_schema_is_refused(database_url: URL) -> None:
    dialect = dialect_of(database_url)
    schema.prepare(dialect, "test")
    with dialect.writer.connect() as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(StartError, match="newer version"):
        schema.prepare(dialect, "test")
    dialect.close()


def test_a_migration_that_is_cut_leaves_nothing_and_can_be_repeated(
    database_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect = dialect_of(database_url)
    upgrade = schema.command.upgrade

    def cut(*arguments: Any) -> None:
        upgrade(*arguments)
        raise OSError("killed before its commit")

    monkeypatch.setattr(schema.command, "upgrade", cut)
    with pytest.raises(OSError, match="killed"):
        schema.migrate(dialect)
    with dialect.readers.connect() as connection:
        assert schema.current(connection) is None
    monkeypatch.undo()
    schema.prepare(dialect, "test")
    assert differences(dialect) == []
    dialect.close()


@pytest.mark.postgres
def test_two_starters_migrate_once(postgres_url: URL) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        dialect = dialect_of(postgres_url)
        try:
            schema.prepare(dialect, "test")
        except BaseException as error:
            failures.append(error)
        dialect.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_second_server_on_the_same_file_is_refused(sqlite_url: URL) -> None:
    first, second = dialect_of(sqlite_url), dialect_of(sqlite_url)
    first.open()
    with pytest.raises(StartError, match=r"another caviar server \(pid \d+\)"):
        second.open()
    first.close()
    second.open()
    second.close()


def test_the_migrations_are_part_of_the_package() -> None:
    assert (Path(schema.db_migrations.__file__).parent / "versions").is_dir()
