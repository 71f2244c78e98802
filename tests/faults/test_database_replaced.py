"""The database is deleted, truncated, overwritten, swapped or restored under a server that works.

Within two seconds the server is not ready, nothing that is sent afterwards is acknowledged, and what was
acknowledged before is there where its files survive.
"""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy.engine import URL

from tests.support.server_process import SPACE, Server
from tests.support.waiting import wait

NOT_READY_SECONDS = 2.0
ROUNDS = [2, pytest.param(50, marks=pytest.mark.soak)]
SPEC = {"trainer": "external", "space": SPACE, "budget": {"trials": 3}, "name": "under load"}
Restore = Callable[[], None]  # brings back what survived


class Load:
    """Submits searches as fast as they are answered, and notes what was acknowledged."""

    def __init__(self, server: Server, threads: int = 3) -> None:
        self.acknowledged: list[tuple[float, int]] = []  # when the request was sent, and its search
        self.statuses: set[int] = set()
        self._server = server
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._submit) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        wait(lambda: len(self.acknowledged) >= 5, 30, "searches that are acknowledged")
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(40)

    def _submit(self) -> None:
        with httpx.Client(base_url=self._server.url, timeout=30) as client:
            while not self._ending.is_set():
                sent = time.monotonic()
                with contextlib.suppress(httpx.TransportError):
                    answer = client.post("/api/v1/searches", json=SPEC)
                    self.statuses.add(answer.status_code)
                    if answer.status_code == 201:
                        self.acknowledged.append((sent, answer.json()["id"]))
                    else:
                        time.sleep(0.01)


def files_of(folder: Path) -> list[Path]:
    return [folder / f"caviar.db{suffix}" for suffix in ("", "-wal", "-shm")]


def delete(folder: Path, kept: Path, dice: random.Random) -> Restore:
    """Remove the file, its log, or both; links to them survive elsewhere."""
    names = files_of(folder)
    for file in names:
        os.link(file, kept / file.name)
    for file in dice.choice([names, names[:1], names[1:2], names[:2]]):
        file.unlink()

    def restore() -> None:
        for file in names:
            file.unlink(missing_ok=True)
            os.link(kept / file.name, file)

    return restore


def truncate(folder: Path, kept: Path, dice: random.Random) -> Restore:
    file = dice.choice(files_of(folder)[:2])
    os.truncate(file, dice.choice([0, 100, file.stat().st_size // 2]))
    return lambda: put_back(folder, kept)


def overwrite(folder: Path, kept: Path, dice: random.Random) -> Restore:
    """Write rubbish over the whole file, its head, one page of it, or the log."""
    name, log = files_of(folder)[:2]
    size, page = name.stat().st_size, 4096
    file, first, length = dice.choice(
        [
            (name, 0, size),
            (name, 0, 100),
            (name, page * dice.randrange(size // page), page),
            (log, 0, log.stat().st_size),
        ]
    )
    with file.open("r+b", buffering=0) as opened:
        opened.seek(first)
        opened.write(dice.choice([bytes, dice.randbytes])(length))
    return lambda: put_back(folder, kept)


def swap(folder: Path, kept: Path, dice: random.Random) -> Restore:
    """Put another folder, or another file, in place; what was there survives beside it."""
    aside = folder.with_name("aside")
    if dice.random() < 0.5:
        folder.rename(aside)
        shutil.copytree(kept, folder)

        def restore() -> None:
            shutil.rmtree(folder)
            aside.rename(folder)

        return restore
    aside.mkdir()
    for file in files_of(folder):
        os.link(file, aside / file.name)
    shutil.copyfile(kept / "caviar.db", folder / "new")
    (folder / "new").rename(folder / "caviar.db")

    def back() -> None:
        for file in files_of(folder):
            (aside / file.name).replace(file)
        shutil.rmtree(aside)  # of two names of one file `replace` leaves both

    return back


def restore_backup(folder: Path, kept: Path, dice: random.Random) -> Restore:
    """Copy a backup over the file, with or without its log, or through SQLite itself."""
    way = dice.randrange(3)
    if way == 2:
        with (
            contextlib.closing(sqlite3.connect(kept / "caviar.db")) as source,
            contextlib.closing(sqlite3.connect(folder / "caviar.db", timeout=10)) as target,
        ):
            source.backup(target)
    else:
        with (folder / "caviar.db").open("r+b") as file:
            file.write((kept / "caviar.db").read_bytes())
            file.truncate()
        for file in files_of(folder)[1:] if way else []:
            file.unlink()
    return lambda: put_back(folder, kept)


def put_back(folder: Path, kept: Path) -> None:
    """Restore a backup as docs/operations.md says."""
    for file in files_of(folder):
        file.unlink(missing_ok=True)
    shutil.copyfile(kept / "caviar.db", folder / "caviar.db")


SURVIVING = (delete, swap)


def at_length(harm: Any) -> Any:
    """Leave a kind of harm to the long runs."""
    return pytest.param(harm, marks=pytest.mark.soak)


@pytest.mark.one_server("its SQLite file is changed")
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("harm", [delete, overwrite, *map(at_length, [truncate, swap, restore_backup])])
def test_files_that_change_under_a_server(
    make_server: Callable[..., Server],
    tmp_path: Path,
    rounds: int,
    harm: Callable[[Path, Path, random.Random], Restore],
) -> None:
    dice = random.Random(f"{harm.__name__} {rounds}")
    server = make_server(workers=0)
    folder = server.folder / "data"
    server.start()
    for number in range(rounds):
        kept = tmp_path / f"kept-{number}"
        kept.mkdir()
        with (
            contextlib.closing(sqlite3.connect(folder / "caviar.db")) as source,
            contextlib.closing(sqlite3.connect(kept / "backup")) as copy,
        ):
            source.backup(copy)
        if harm is not delete:
            (kept / "backup").rename(kept / "caviar.db")
        with Load(server) as load:
            time.sleep(dice.uniform(0.0, 0.5))
            restore = harm(folder, kept, dice)
            harmed(server, load, number)
        server.kill()  # as it is: what it would still write must not matter
        restore()
        server.start()
        if harm in SURVIVING:
            check_all_there(server, load)
        shutil.rmtree(kept)


def harmed(server: Server, load: Load, number: int) -> None:
    """Check what must hold from the moment at which harm is done."""
    done = time.monotonic()
    wait(lambda: not server.any_ready(), 10, "not to be ready")
    late = time.monotonic() - done
    assert late <= NOT_READY_SECONDS, number
    # A look that a lock of the harm itself has held up may have said less.
    wait(lambda: "cannot be trusted" in said(server), 2, lambda: f"the reason, not {said(server)}")
    told = (number + 1) * server.processes  # each server says it once
    wait(lambda: len(logged(server)) >= told, 2, "what each server says")
    time.sleep(0.3)
    assert [sent for sent, _ in load.acknowledged if sent > done] == [], number
    refused = server.client.get("/api/v1/searches")
    assert refused.status_code == 503
    assert refused.json()["errors"][0]["remedy"].startswith("stop the server, put the database right")
    assert server.client.get("/livez").status_code == 200
    assert len(logged(server)) == told, logged(server)
    assert load.statuses <= {201, 503}


def logged(server: Server) -> list[str]:
    """Give the lines of the log that refuse a database."""
    lines = server.log.read_text("utf-8", "replace").splitlines()
    return [line for line in lines if "cannot be trusted" in line]


def said(server: Server) -> str:
    """Give what readiness says of the database."""
    return str(server.client.get("/readyz").json()["checks"]["database"]["detail"])


def check_all_there(server: Server, load: Load) -> None:
    newest = server.get("/searches", params={"limit": 1})["total"]
    stored = {row["id"] for row in server.rows("SELECT id FROM searches")}
    assert {search for _, search in load.acknowledged} <= stored
    assert newest == len(stored)


class Databases:
    """One database of a Postgres server, to be taken away and brought back."""

    def __init__(self, server: str, url: URL) -> None:
        self.name = str(url.database)
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._server = server

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def end_connections(self, name: str) -> None:
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def copy(self) -> None:
        """Make a backup; servers that write stop for a moment."""
        self.execute(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        self.end_connections(self.name)
        self.execute(
            f"CREATE DATABASE {self.name}_copy TEMPLATE {self.name}",
            f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true",
        )

    def exchange(self, other: str, aside: str) -> None:
        self.execute(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        self.end_connections(self.name)
        self.execute(
            f"ALTER DATABASE {self.name} RENAME TO {aside}",
            f"ALTER DATABASE {other} RENAME TO {self.name}",
            f"ALTER DATABASE {aside} ALLOW_CONNECTIONS true",
        )

    def drop_tables(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as it:
            while True:
                try:
                    it.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                    break
                except psycopg.errors.DeadlockDetected:
                    continue  # the server was in the middle of a commit, and Postgres chose us to give way


@pytest.fixture
def databases_of(postgres_server: str, built_postgres_url: URL) -> Iterator[tuple[Databases, URL]]:
    made = Databases(postgres_server, built_postgres_url)
    yield made, built_postgres_url
    for suffix in ("copy", "aside"):
        made.execute(f"DROP DATABASE IF EXISTS {made.name}_{suffix} WITH (FORCE)")


@pytest.mark.postgres
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("harm", ["replaced", *map(at_length, ["restored", "emptied"])])
def test_a_postgres_that_changes_under_a_server(
    make_server: Callable[..., Server], databases_of: tuple[Databases, URL], rounds: int, harm: str
) -> None:
    """A backup, a new database, or none of its tables is behind the address all at once."""
    database, url = databases_of
    dice = random.Random(f"{harm} {rounds}")
    server = make_server(workers=0, database=url.render_as_string(hide_password=False))
    server.start()
    for number in range(rounds):
        copy, aside = f"{database.name}_copy", f"{database.name}_aside"
        if harm == "replaced":
            database.execute(f"CREATE DATABASE {copy}")
        else:
            database.copy()
        with Load(server) as load:
            time.sleep(dice.uniform(0.0, 0.5))
            if harm == "emptied":
                database.drop_tables()
            else:
                database.exchange(copy, aside)
            harmed(server, load, number)
        server.kill_all()
        if harm == "emptied":
            database.execute(f"DROP DATABASE {database.name} WITH (FORCE)")
            database.execute(f"ALTER DATABASE {copy} RENAME TO {database.name}")
        else:
            database.exchange(aside, copy)
            database.execute(f"DROP DATABASE {copy} WITH (FORCE)")
        server.start()
        if harm != "emptied":
            check_all_there(server, load)


@pytest.mark.one_server("its SQLite file is deleted")
def test_agents_keep_results_until_the_database_is_right(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    """What a worker found while the server refused is handed in after the restart."""
    server = make_server(workers=0)
    folder, kept = server.folder / "data", tmp_path / "kept"
    kept.mkdir()
    server.start()
    search = server.submit(6, settings={"epochs": 20, "epoch_seconds": 0.05}, parallel=6)
    log = (tmp_path / "worker.log").open("wb")
    command = [sys.executable, "-m", "caviar", "worker", "--url", server.url, "--workers", "2"]
    worker = subprocess.Popen(command, stdout=log, stderr=log, env=server.environment, cwd=tmp_path)
    try:
        wait(lambda: server.search(search)["finished"] >= 1, 120, "the first result")
        restore = delete(folder, kept, random.Random(1))
        wait(lambda: not server.ready(), 10, "readiness says that the file is gone")
        time.sleep(2.0)  # trainings end meanwhile
        assert worker.poll() is None
        server.stop()
        restore()
        server.start()
        server.wait_finished(search, 60)
        server.check(search, 6)
        lost = server.rows("SELECT count(*) AS n FROM attempts WHERE attempt > 1")
        assert lost[0]["n"] == 0, "nothing had to be trained again"
    finally:
        worker.terminate()
        worker.wait(30)
        log.close()
