"""The disk is full, or the database is away: nothing acknowledged is lost, all goes on by itself after."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.postgres_process import Postgres, own_postgres
from tests.support.scripted_agent import Player
from tests.support.server_process import Server
from tests.support.waiting import wait

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (MIB, 4096, 1):
            while True:
                try:
                    file.write(b"\0" * size)
                except OSError:
                    break
    return filler


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_a_full_disk_stops_writes_and_nothing_else(
    make_server: Callable[..., Server], small_disk: Path, rounds: int
) -> None:
    environment = {"CAVIAR_CHECKPOINT_SECONDS": "0.2"}
    server = make_server(workers=2, folder=small_disk, environment=environment)
    server.log = small_disk.parent / "server.log"  # not on the disk that is full
    server.start()
    server.wait_agents(2)
    trials = 60 + 30 * rounds
    search = server.submit(trials, settings={"epochs": 4, "epoch_seconds": 0.05})
    for number in range(rounds):
        done = server.search(search)["finished"]
        wait(
            lambda done=done: server.search(search)["finished"] > done, 30, "progress before the disk is full"
        )
        filler = fill(small_disk)
        wait(lambda: not server.ready(), 20, "readiness says that nothing can be written")
        assert server.client.get("/livez").status_code == 200
        assert server.search(search)["id"] == search  # reading goes on
        refused = server.client.post("/api/v1/searches", json={"name": "x"}, timeout=20)
        assert refused.status_code in (422, 503), refused.text
        upload = server.client.post(
            "/api/v1/datasets", params={"name": f"d{number}"}, content=b"a,b\n1,2\n" * 100
        )
        assert upload.status_code == 503, upload.text
        time.sleep(2.0)  # the agents go on for as long as the log of the database has room
        filler.unlink()
        server.wait_ready(30)
    server.wait_finished(search, 120 + trials / 5)
    server.check(search, trials)
    if server.database.startswith("sqlite"):
        (verdict,) = server.rows("PRAGMA integrity_check")
        assert list(verdict.values()) == ["ok"]
    files = {row["id"]: row["digest"] for row in server.rows("SELECT id, digest FROM checkpoints")}
    for number in files:
        assert server.call("GET", f"/checkpoints/{number}").status_code == 200


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with own_postgres() as made:
        yield made


def away(server: Server, postgres: Postgres, kills: int, stall: float) -> None:
    server.start()
    server.wait_agents(2)
    trials = 60 * (kills + 1)
    search = server.submit(trials, settings={"epochs": 4, "epoch_seconds": 0.03})
    acknowledged: dict[int, int] = {}
    watching = threading.Event()

    def watch() -> None:
        """What a reader has once been told must never be taken back."""
        while not watching.is_set():
            try:
                for trial in server.trials(search):
                    number, epoch = trial["number"], trial["epoch"]
                    assert epoch >= acknowledged.get(number, 0), f"trial {number} went back"
                    acknowledged[number] = epoch
            except AssertionError as error:
                if "went back" in str(error):
                    failures.append(str(error))
            time.sleep(0.1)

    failures: list[str] = []
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(kills):
            done = server.search(search)["finished"]
            wait(
                lambda done=done: server.search(search)["finished"] > done, 30, "progress before the next cut"
            )
            postgres.kill()
            assert server.client.get("/livez", timeout=5).status_code == 200
            wait(lambda: not server.ready(), 10, "readiness says that the database is gone")
            time.sleep(stall)
            postgres.start()
            server.wait_ready(30)
        done = server.search(search)["finished"]
        postgres.signal(signal.SIGSTOP)  # it does not refuse, it just never answers
        began = time.monotonic()
        wait(lambda: not server.ready(), 15, "readiness notices a database that hangs")
        assert server.client.get("/livez", timeout=5).status_code == 200
        time.sleep(max(0.0, stall - (time.monotonic() - began)))
        postgres.signal(signal.SIGCONT)
        server.wait_ready(60)
        server.wait_finished(search, 60 + trials / 5)
    finally:
        watching.set()
        watcher.join(40)
    assert failures == []
    server.check(search, trials)


@pytest.mark.postgres
def test_a_database_that_goes_and_comes_back_costs_nothing(
    make_server: Callable[..., Server], postgres: Postgres
) -> None:
    away(make_server(workers=2, database=postgres.url), postgres, kills=1, stall=2.0)


@pytest.mark.soak
@pytest.mark.postgres
def test_a_database_away_for_a_minute_again_and_again(
    make_server: Callable[..., Server], postgres: Postgres
) -> None:
    away(make_server(workers=2, database=postgres.url), postgres, kills=5, stall=60.0)


def test_results_of_an_outage_arrive_when_it_is_over(make_server: Callable[..., Server]) -> None:
    """The server itself is away for longer than a lease: agents keep what they have and deliver it."""
    server = make_server(workers=0)
    server.start()
    search = server.submit(5, parallel=5)
    player = Player(server)
    player.exchange(want=5)
    server.kill()
    server.expire(player.agent["id"])
    server.start()
    held = list(player.held)
    answer = player.finish(held)
    assert answer["drop"] == [], "a server that was away must give its agents a lease to come back"
    server.wait_finished(search, 20)
    server.check(search, 5)
