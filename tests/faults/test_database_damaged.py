"""Damage of other kinds than a file that is lost or exchanged: links, logs, locks, tables, limits, clusters.

Within two seconds the server is not ready, and from then on nothing is acknowledged; what only cannot be
written for a while is written again by itself.
"""

import contextlib
import os
import resource
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy.engine import URL

from tests.faults.test_database_replaced import NOT_READY_SECONDS, SPEC, Load, check_all_there, said
from tests.support.postgres_process import Postgres
from tests.support.server_process import Server
from tests.support.waiting import wait


def link(folder: Path) -> None:
    """Put a link to the file in its place: SQLite keeps the log of what it opens there elsewhere."""
    (folder / "caviar.db").rename(folder / "elsewhere.db")
    (folder / "caviar.db").symlink_to(folder / "elsewhere.db")


def move_away_and_back(folder: Path) -> None:
    away = folder.with_name("away")
    folder.rename(away)
    time.sleep(0.7)  # a probe comes by
    away.rename(folder)


def write_over(file: Path, place: int, length: int) -> None:
    with file.open("r+b", buffering=0) as opened:
        opened.seek(place)
        opened.write(os.urandom(length))


def write_over_a_frame(folder: Path) -> None:
    """Change a few bytes of what was committed to the log, and nothing else."""
    write_over(folder / "caviar.db-wal", 200, 10)


def write_over_the_index(folder: Path) -> None:
    """Change which pages the frames of the log are said to be; SQLite never looks at the log's own word."""
    write_over(folder / "caviar.db-shm", 136, 400)


def write_over_and_hide_it(folder: Path) -> None:
    """Change a page of the file and set its time of writing back."""
    file = folder / "caviar.db"
    was = file.stat()
    write_over(file, 4096 * 3, 4096)
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))


def drop_a_table(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "caviar.db", timeout=10)) as connection:
        connection.execute("DROP TABLE curves")


def drop_an_index(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "caviar.db", timeout=10)) as connection:
        (name,) = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchone()
        connection.execute(f"DROP INDEX {name}")


def take_the_lock(folder: Path) -> None:
    """Remove the lock file, as one does with what looks left behind; another server makes its own."""
    (folder / "caviar.db.lock").unlink()
    (folder / "caviar.db.lock").touch()


QUICK = [write_over_a_frame]
HARMS = [link, move_away_and_back, write_over_the_index, write_over_and_hide_it]
HARMS += [drop_a_table, drop_an_index, take_the_lock]


@pytest.mark.one_server("its SQLite file is damaged")
@pytest.mark.parametrize("harm", [*QUICK, *(pytest.param(one, marks=pytest.mark.soak) for one in HARMS)])
def test_damage_to_files_is_seen(make_server: Callable[..., Server], harm: Callable[[Path], None]) -> None:
    server = make_server(workers=0)
    server.start()
    with Load(server, 1) as load:
        harm(server.folder / "data")
        refuses_for_good(server, load)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "harm",
    [
        "DROP TABLE curves CASCADE",
        *(
            pytest.param(one, marks=pytest.mark.soak)
            for one in (
                "DROP TABLE alembic_version",
                "ALTER TABLE trials RENAME TO aside",
                "ALTER TABLE searches DROP COLUMN note",
                "TRUNCATE identity",
                "ALTER SCHEMA public RENAME TO aside",
            )
        ),
    ],
)
def test_damage_to_a_postgres_is_seen(
    make_server: Callable[..., Server], built_postgres_url: URL, harm: str
) -> None:
    url = built_postgres_url.set(drivername="postgresql").render_as_string(hide_password=False)
    server = make_server(workers=0, database=built_postgres_url.render_as_string(hide_password=False))
    server.start()
    with Load(server, 1) as load, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(harm)
        refuses_for_good(server, load)


def refuses_for_good(server: Server, load: Load) -> None:
    """Check that the server says within two seconds what is wrong, and acknowledges nothing any more."""
    done = time.monotonic()
    wait(lambda: not server.any_ready(), 10, "not to be ready")
    seen = time.monotonic()
    assert seen - done <= NOT_READY_SECONDS
    wait(lambda: "cannot be trusted" in said(server), 2, lambda: f"the reason, not {said(server)}")
    time.sleep(0.3)
    assert [sent for sent, _ in load.acknowledged if sent > seen] == []
    assert load.statuses <= {201, 503}
    assert server.client.get("/livez").status_code == 200


@pytest.mark.one_server("its process may write no SQLite file")
def test_what_cannot_be_written_for_a_while_is_not_ready(make_server: Callable[..., Server]) -> None:
    """A quota: every write to a file fails, and nothing is damaged."""
    server = make_server(workers=0)
    server.start()
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    with Load(server, 1) as load:
        process.rlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        wait(lambda: not server.ready(), 2, "not to be ready")
        seen = time.monotonic()
        time.sleep(0.5)
        assert not server.ready()
        assert server.client.get("/api/v1/searches").status_code == 200, "reading goes on"
        assert [sent for sent, _ in load.acknowledged if sent > seen] == []
        process.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        server.wait_ready(10)
        before = len(load.acknowledged)
        wait(lambda: len(load.acknowledged) > before, 10, "searches that are acknowledged again")
    server.kill()
    server.start()
    check_all_there(server, load)


@pytest.mark.postgres
def test_a_postgres_that_may_only_be_read_is_not_ready(
    make_server: Callable[..., Server], built_postgres_url: URL, postgres_server: str
) -> None:
    """As after a failover to one that follows."""
    server = make_server(workers=0, database=built_postgres_url.render_as_string(hide_password=False))
    server.start()
    name = built_postgres_url.database

    def read_only(switch: str) -> None:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {switch}")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

    read_only("on")
    refused = server.client.post("/api/v1/searches", json=SPEC)
    assert refused.status_code == 503, refused.text
    wait(lambda: not server.ready(), 2, "not to be ready")
    read_only("off")
    server.wait_ready(10)
    assert server.client.post("/api/v1/searches", json=SPEC).status_code == 201


@pytest.mark.postgres
@pytest.mark.soak
@pytest.mark.parametrize("place_taken_by", ["an older copy", "another cluster"])
def test_a_postgres_on_another_folder_is_seen(
    make_server: Callable[..., Server], place_taken_by: str
) -> None:
    """Started again at the same address, on a copy of its files from before, or on files of another one."""
    with contextlib.ExitStack() as stack:
        places = []
        for _ in range(2):
            places.append(Path(tempfile.mkdtemp(prefix="caviar-postgres-")))
            places[-1].chmod(0o755)  # as root, Postgres runs as another user
            stack.callback(shutil.rmtree, places[-1], ignore_errors=True)
        postgres = Postgres(places[0])
        stack.callback(postgres.server.cleanup)
        server = make_server(workers=0, database=postgres.url)
        server.start()
        with Load(server, 1):
            pass
        if place_taken_by == "an older copy":
            postgres.kill()
            sockets = shutil.ignore_patterns(".s.PGSQL*")
            shutil.copytree(places[0] / "data", places[1] / "data", ignore=sockets)
            shutil.chown(places[1] / "data", *owner(places[0] / "data"))
            for file in (places[1] / "data").rglob("*"):
                shutil.chown(file, *owner(places[0] / "data"))
            postgres.start()
            server.wait_ready(30)
            with Load(server, 1):
                pass
        else:
            Postgres(places[1]).kill()
        postgres.kill()
        (places[0] / "data").rename(places[0] / "aside")
        (places[1] / "data").rename(places[0] / "data")
        postgres.start()
        wait(lambda: "cannot be trusted" in said(server), 10, lambda: f"the reason, not {said(server)}")
        assert server.client.post("/api/v1/searches", json=SPEC).status_code == 503


def owner(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_uid, found.st_gid
