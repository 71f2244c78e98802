"""The migrations build exactly the declared tables, from empty and from every earlier revision."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL

from caviar.service.clock import SteadyClock
from caviar.service.store import schema
from caviar.service.store.postgres import Dialect as Postgres
from caviar.service.store.sqlite import Dialect as Sqlite
from caviar.service.store.tables import metadata

REVISIONS = [script.revision for script in reversed(list(ScriptDirectory("db_migrations").walk_revisions()))]


@pytest.fixture
def dialect(database_url: URL):
    sqlite = database_url.get_backend_name() == "sqlite"
    dialect = Sqlite(database_url, SteadyClock()) if sqlite else Postgres(database_url)
    dialect.open()
    yield dialect
    dialect.close()


def differences(dialect) -> list:
    with dialect.readers.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)


def test_from_empty(dialect):
    schema.migrate(dialect)
    assert differences(dialect) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_from_every_earlier_revision(dialect, revision):
    schema.migrate(dialect, revision)
    schema.migrate(dialect)
    with dialect.readers.connect() as connection:
        assert schema.current(connection) == schema.head()
    assert differences(dialect) == []


def test_there_is_one_head():
    assert len(ScriptDirectory("db_migrations").get_heads()) == 1
