"""Migrations build exactly the declared tables, from empty and from every schema before."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import URL

from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import schema, searches, trials
from caviar.service.store.people_tables import metadata
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.sqlite import StartError
from caviar.service.usecases import lineage
from tests.support.old_databases import dialect_of, old_search, write_old_rows


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


def test_change_logs_stored_under_their_old_name_are_still_read(database_url: URL) -> None:
    dialect = dialect_of(database_url)
    change = {"step": 40, "epoch": 4, "settings": {"learning_rate": 0.5}}
    fork = {"changes": [change], "epoch": 5, "from": {"trial": [1, 0], "branch": 0}}
    rewind = {"epoch": 2, "branch": 1, "parent": 0, "line": {"changes": [change], "epoch": 2, "step": 20}}
    trial = {"line": json.dumps(fork), "state": "paused", "params": "{}", "origin": "fork"}
    command = {"kind": "rewind", "arguments": json.dumps(rewind), "at": "{}", "state": "applied"}
    rows = [("trials", {"search_id": 1, **trial}), ("commands", {"search_id": 1, **command})]
    write_old_rows(dialect, "0004", old_search(1), *rows)
    schema.migrate(dialect)
    with dialect.readers.connect() as connection:
        snapshot = Snapshot(connection)
        past = lineage.history(snapshot, trials.get(snapshot, TrialId(1, 0)))
    assert (past.branches[0].changes, past.branches[0].from_epoch) == ((change,), 5)
    assert past.branches[0].origin == fork["from"]
    assert (past.branches[1].changes, past.branches[1].from_epoch) == ((change,), 2)
    dialect.close()


FIRST = {"name": "coarse_to_fine", "version": 1}


def test_searches_of_before_do_not_learn_from_failures(database_url: URL) -> None:
    dialect = dialect_of(database_url)
    spec = {"name": "größer", "space": {"a": {"low": 0.0, "high": 1.0}}, "budget": {"trials": 3}}
    write_old_rows(dialect, "0005", old_search(1, spec=json.dumps(spec)))
    schema.migrate(dialect)
    with dialect.readers.connect() as connection:
        kept = json.loads(searches.get(Snapshot(connection), 1).spec)
    assert kept == {**spec, "failures": "ignore", "settings": {"defaults": 1}, "strategy": FIRST}
    assert SearchSpec.parse(kept).failures == "ignore"
    assert SearchSpec.parse(spec).failures == "learn"
    dialect.close()


def test_searches_of_before_keep_their_defaults(database_url: URL) -> None:
    dialect = dialect_of(database_url)
    space = {"space": {"learning_rate": {"low": 0.1, "high": 1.0}}, "budget": {"trials": 3}}
    specs = [
        {**space, "name": "größer", "settings": {"optimizer": "rmsprop"}},
        {**space, "trainer": "external", "settings": {"x": 1}, "strategy": {"name": "sobol"}},
        {**space, "trainer": "mlp", "settings": {"defaults": 2}, "strategy": {"name": "random"}},
    ]
    old = [old_search(number, spec=json.dumps(spec)) for number, spec in enumerate(specs, 1)]
    write_old_rows(dialect, "0020", *old)
    schema.migrate(dialect)
    with dialect.readers.connect() as connection:
        kept = [json.loads(searches.get(Snapshot(connection), id_).spec) for id_ in (1, 2, 3)]
    settings = {"optimizer": "rmsprop", "defaults": 1}
    assert kept == [{**specs[0], "settings": settings, "strategy": FIRST}, *specs[1:]]
    dialect.close()


def test_searches_of_before_keep_their_form_of_coarse_to_fine(database_url: URL) -> None:
    dialect = dialect_of(database_url)
    space = {"space": {"a": {"low": 0.0, "high": 1.0}}, "budget": {"trials": 3}}
    given = [None, "coarse_to_fine", {"name": "coarse_to_fine", "rounds": 4}, {"name": "tpe"}]
    specs = [space if one is None else {**space, "strategy": one} for one in given]
    old = [old_search(number, spec=json.dumps(spec)) for number, spec in enumerate(specs, 1)]
    write_old_rows(dialect, "0024", *old)
    schema.migrate(dialect)
    with dialect.readers.connect() as connection:
        kept = [json.loads(searches.get(Snapshot(connection), id_).spec) for id_ in (1, 2, 3, 4)]
    assert [one["strategy"] for one in kept] == [FIRST, FIRST, {**FIRST, "rounds": 4}, {"name": "tpe"}]
    assert SearchSpec.parse(kept[0]).strategy.version == 1 and SearchSpec.parse(space).strategy.version == 2
    dialect.close()


def test_searches_of_before_keep_the_chance_of_their_race(database_url: URL) -> None:
    dialect = dialect_of(database_url)
    folds = {"dataset": {"name": "iris", "folds": 3}, "strategy": "random"}
    given: list[dict[str, Any]] = [
        {**folds, "stopping": {"name": "race"}},
        folds,
        {**folds, "stopping": {"name": "race", "chance": 0.1}},
        {**folds, "further": [{"metric": "parameters"}]},
        {"dataset": {"name": "iris"}, "strategy": "random"},
    ]
    old = [old_search(number, spec=json.dumps(spec)) for number, spec in enumerate(given, 1)]
    write_old_rows(dialect, "0025", *old)
    schema.migrate(dialect)
    with dialect.readers.connect() as connection:
        kept = [json.loads(searches.get(Snapshot(connection), id_).spec) for id_ in range(1, 6)]
    first = {"name": "race", "chance": 0.005}
    assert kept == [{**folds, "stopping": first}, {**folds, "stopping": first}, *given[2:]]
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


def test_a_schema_of_the_future_is_not_migrated(database_url: URL) -> None:
    schema.migrate_url(database_url)
    dialect = dialect_of(database_url)
    dialect.open()
    with dialect.writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    dialect.close()
    with pytest.raises(StartError, match="written by a newer version: install that one"):
        schema.migrate_url(database_url)


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
