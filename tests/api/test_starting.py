"""A server that cannot start says why in one sentence, and harms nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from caviar.service.store import schema
from caviar.service.store.sqlite import StartError
from tests.support.inprocess import running

AWAY = "postgresql+psycopg://nobody@127.0.0.1:1/none"


@pytest.mark.one_server("SQLite takes one alone")
def test_a_second_server_leaves_the_files_of_the_first_alone(tmp_path: Path) -> None:
    with running(tmp_path):
        arriving = [tmp_path / "uploads" / "half", tmp_path / "checkpoints" / "id" / "1" / "0-aa.part"]
        for path in arriving:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        with pytest.raises(StartError, match="another caviar server"), running(tmp_path):
            pass
        assert all(path.exists() for path in arriving)


@pytest.mark.parametrize(
    ("database", "why"),
    [
        (AWAY, "cannot be used .*refused.*--database"),
        ("sqlite:///{0}/missing/caviar.db", "No such file or directory.*--database"),
        ("sqlite:///{0}/text.db", "file is not a database.*--database"),
    ],
)
def test_a_database_that_cannot_be_used_is_explained(tmp_path: Path, database: str, why: str) -> None:
    (tmp_path / "text.db").write_text("no database at all " * 1000)
    url = database.format(tmp_path)
    with pytest.raises(StartError, match=why):
        schema.migrate_url(make_url(url))
    with pytest.raises(StartError, match=why) as refused, running(tmp_path / "data", database=url):
        pass
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("version", "status", "said"),
    [("9999", 200, "newer than 00.. of this server: upgrade it, too"), ("0020", 503, "run caviar migrate")],
)
def test_a_server_whose_neighbour_is_newer_goes_on(
    tmp_path: Path, version: str, status: int, said: str
) -> None:
    """Where servers are upgraded one by one, a balancer must not lose all of them at the migration."""
    with running(tmp_path) as app:
        services = app.app.state.services
        moved = text("UPDATE alembic_version SET version_num = :version")
        services.store.write_now(lambda tx: tx.execute(moved, {"version": version}) and None)
        services.health.forget()
        ready = app.request("GET", "/readyz")
        assert ready.status_code == status
        assert re.search(said, ready.json()["checks"]["schema"]["detail"])
