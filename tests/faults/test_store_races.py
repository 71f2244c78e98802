"""Races and storms on the store itself: rescue against finish, many claimants, clocks, torn files."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from caviar.service.errors import ConflictError, UnavailableError
from caviar.service.ids import trial_id
from caviar.service.store import agents as agent_rows
from caviar.service.store import clock as clock_module
from caviar.service.store import faults, writer
from caviar.service.store.blobs import DigestError, FileBlobs, digest_of
from caviar.service.store.clock import SteadyClock
from caviar.service.usecases import checkpoints, leases
from tests.support.stores import LEASE, World, agent_id, epochs, handed, open_world, result


@pytest.fixture
def world(built_url: URL) -> Iterator[World]:
    world = open_world(built_url)
    yield world
    world.check()
    world.proposer.close()
    world.store.close()


def race(world: World, rounds: int) -> None:
    """A finish and a rescue of the same trial meet; whichever is first, the result is right."""
    world.submit(budget={"trials": rounds}, parallel=1, strategy="random")
    barrier = threading.Barrier(2)
    outcomes: Counter[str] = Counter()

    def rescue() -> None:
        barrier.wait()
        world.lose(1)

    for _ in range(rounds):
        [(name, attempt)] = handed(world.exchange(1, want=1))
        thread = threading.Thread(target=rescue)
        thread.start()
        barrier.wait()
        answer = world.exchange(1, reports=[result(name, attempt, 0.5)])
        thread.join()
        state = world.trial(name).state
        outcomes[state] += 1
        if state == "completed":
            assert (world.trial(name).value, answer["drop"]) == (0.5, [])
        else:
            assert state == "queued", "a rescue overwrote a result"
            assert [one["trial"] for one in answer["drop"]] == [name]
            [(again, later)] = handed(world.exchange(1, want=1))
            assert (again, later) == (name, attempt + 1)
            world.exchange(1, reports=[result(name, later, 0.5)])
    assert sum(outcomes.values()) == rounds


def test_rescue_against_finish(world: World) -> None:
    race(world, 40)


@pytest.mark.soak
def test_a_thousand_rescues_against_finishes(world: World) -> None:
    race(world, 1000)


def storm(world: World, claimants: int, trials: int, training: float = 0.0) -> list[float]:
    """Claimants ask until nothing is left and train in between; gives the seconds of each claim."""
    search = world.submit(budget={"trials": trials}, parallel=claimants)
    owners: list[tuple[str, int]] = []
    seconds: list[float] = []
    lock = threading.Lock()

    def ask(agent: int) -> None:
        held: list[tuple[str, int]] = []
        while True:
            began = time.perf_counter()
            reports = [result(*one, 0.5) for one in held]
            held = handed(world.exchange(agent, want=4, reports=reports))
            took = time.perf_counter() - began
            with lock:
                seconds.append(took)
                owners.extend(held)
            if not held:
                return
            time.sleep(training * draw.uniform(0.5, 1.5))

    draw = random.Random(claimants)
    threads = [threading.Thread(target=ask, args=(agent,)) for agent in range(1, claimants + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(owners) == sorted((f"{search}.{number}", 1) for number in range(trials))
    assert world.search(search).completed == trials
    return sorted(seconds)


def test_a_storm_of_claims_gives_every_trial_one_owner(world: World) -> None:
    storm(world, claimants=16, trials=300)


@pytest.mark.soak
def test_64_claimants_of_ten_thousand_trials(world: World) -> None:
    storm(world, claimants=64, trials=10_000)


@pytest.mark.soak
def test_64_agents_that_train_in_between_are_answered_at_once(world: World) -> None:
    """Each trains its four trials for half a second: 128 exchanges a second."""
    seconds = storm(world, claimants=64, trials=10_000, training=0.5)
    print(f"p50 {1e3 * seconds[len(seconds) // 2]:.1f} ms, p99 {1e3 * seconds[-len(seconds) // 100]:.1f} ms")


def test_a_clock_that_jumps_moves_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's wall clock is set back five minutes, then an hour ahead: its own time goes on evenly."""
    wall, steady = [1_000_000.0], [50.0]
    monkeypatch.setattr(clock_module.time, "time", lambda: wall[0])
    monkeypatch.setattr(clock_module.time, "monotonic", lambda: steady[0])
    clock = SteadyClock()
    for jump in (-300.0, 3600.0, 0.0):
        before = clock.now()
        wall[0] += jump
        steady[0] += 10.0
        assert clock.now() == before + 10.0


@pytest.mark.postgres
def test_postgres_leases_run_by_the_databases_clock(
    postgres_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = open_world(postgres_url)
    del world.store.dialect.now  # the real one again
    world.submit()
    [(name, _)] = handed(world.exchange(1, want=1))
    monkeypatch.setattr(clock_module.time, "time", lambda: 0.0)
    assert world.sweep() == 0
    assert abs(world.trial(name).started - time.clock_gettime(time.CLOCK_REALTIME)) < 60
    world.proposer.close()
    world.store.close()


def test_leases_start_anew_with_the_server(built_url: URL) -> None:
    """While no server ran nobody could renew; a restart must not take living agents' trials."""
    world = open_world(built_url)
    world.submit()
    world.exchange(2)
    given = handed(world.exchange(1, want=1))
    world.store.close()
    again = open_world(built_url)
    again.clock.time += 100 * LEASE
    again.write(lambda tx: leases.give_back(tx, LEASE))
    assert again.sweep() == 0
    assert again.exchange(1, holding=given)["drop"] == []
    for _ in range(30):  # a server starts again and again beside this one, which hears agent 1
        again.clock.time += LEASE / 10
        again.exchange(1, holding=given)
        again.write(lambda tx: leases.give_back(tx, LEASE))
        again.sweep()
    assert again.read(lambda snapshot: agent_rows.lost_among(snapshot, [agent_id(2)])) == [agent_id(2)]
    again.proposer.close()
    again.store.close()


def test_a_cancelled_write_does_not_end_the_writer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that fails at its beginning must be told to those who still wait, not to those who left."""
    monkeypatch.setattr(writer, "GROUP", 1)
    started, go_on = threading.Event(), threading.Event()
    busy = world.store.submit(lambda tx: started.set() or go_on.wait(60.0))
    assert started.wait(60.0)
    assert world.store.submit(lambda tx: None).cancel()
    faults.arm("store.begin.after:1:raise")
    try:
        go_on.set()
        busy.result(60.0)
        with pytest.raises(UnavailableError):
            world.store.submit(lambda tx: None).result(10.0)
    finally:
        faults.arm(None)
    world.submit()


def test_a_torn_checkpoint_is_found_and_the_one_before_serves(world: World, tmp_path: Path) -> None:
    world.submit()
    blobs = FileBlobs(tmp_path / "blobs")
    [(name, attempt)] = handed(world.exchange(1, want=1))
    ids = []
    for epoch in (1, 2, 3):
        world.exchange(1, reports=[epochs(name, attempt, epoch, [1.0])], holding=[(name, attempt)])
        data = bytes([epoch]) * 1000
        given = checkpoints.Given(attempt, 0, epoch, 10 * epoch, 0, "schedule", digest_of(data))
        ids.append(asyncio.run(checkpoints.keep(world.store, blobs, trial_id(name), given, [data])))
    torn = max((tmp_path / "blobs").rglob("*-*"), key=lambda path: path.read_bytes()[0])
    torn.write_bytes(torn.read_bytes()[:500])
    world.lose(1)
    [trial] = world.exchange(2, want=1)["trials"]
    resume = trial["resume"]
    assert resume["checkpoint"] == ids[2]
    with pytest.raises(ConflictError, match="damaged"):
        asyncio.run(checkpoints.load(world.store, blobs, ids[2]))
    older = resume["older"][0]
    data, digest = asyncio.run(checkpoints.load(world.store, blobs, older["checkpoint"]))
    assert (data, digest) == (bytes([2]) * 1000, older["digest"])


def test_a_checkpoint_whose_file_is_not_there_stays(world: World, tmp_path: Path) -> None:
    """The data folder may be the wrong one, or not mounted."""
    world.submit()
    [(name, attempt)] = handed(world.exchange(1, want=1))
    given = checkpoints.Given(attempt, 0, 1, 10, 0, "schedule", digest_of(b"x"))
    blobs = FileBlobs(tmp_path / "blobs")
    kept = asyncio.run(checkpoints.keep(world.store, blobs, trial_id(name), given, [b"x"]))
    with pytest.raises(ConflictError, match=r"cannot be read .*--data"):
        asyncio.run(checkpoints.load(world.store, FileBlobs(tmp_path / "other"), kept))
    assert asyncio.run(checkpoints.load(world.store, blobs, kept))[0] == b"x"


@pytest.mark.parametrize("position", [0, 10, 999])
def test_a_flipped_bit_is_found(tmp_path: Path, position: int) -> None:
    blobs = FileBlobs(tmp_path)
    data = bytes(1000)
    blobs.write("1/0-aa", [data], digest_of(data))
    path = blobs.path("1/0-aa")
    torn = bytearray(data)
    torn[position] ^= 1
    path.write_bytes(bytes(torn))
    with pytest.raises(DigestError, match="damaged"):
        blobs.read("1/0-aa", digest_of(data))


@pytest.mark.parametrize(
    "name", ["../x", "1/../../x", "/etc/passwd", "1/.hidden", "a/b/c/d", "", "1\x00", "1/"]
)
def test_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a blob"):
        FileBlobs(tmp_path).path(name)


def test_stale_checkpoints_are_refused_and_leave_no_file(world: World, tmp_path: Path) -> None:
    world.submit()
    [(name, attempt)] = handed(world.exchange(1, want=1))
    world.lose(1)
    blobs = FileBlobs(tmp_path / "blobs")
    given = checkpoints.Given(attempt, 0, 1, 10, 0, "schedule", digest_of(b"x"))
    with pytest.raises(ConflictError, match="is over"):
        asyncio.run(checkpoints.keep(world.store, blobs, trial_id(name), given, [b"x"]))
    assert list((tmp_path / "blobs").rglob("*-*")) == []


def test_a_commit_that_may_have_happened_keeps_its_file(world: World, tmp_path: Path) -> None:
    world.submit()
    [(name, attempt)] = handed(world.exchange(1, want=1))
    blobs = FileBlobs(tmp_path / "blobs")
    given = checkpoints.Given(attempt, 0, 1, 10, 0, "schedule", digest_of(b"x"))
    faults.arm("store.commit.after:1:raise")
    try:
        with pytest.raises(UnavailableError):
            asyncio.run(checkpoints.keep(world.store, blobs, trial_id(name), given, [b"x"]))
    finally:
        faults.arm(None)
    [found] = world.read(lambda connection: checkpoints.listed(connection, trial_id(name)))
    assert asyncio.run(checkpoints.load(world.store, blobs, found.id)) == (b"x", digest_of(b"x"))


def test_files_that_nothing_names_are_removed_once_they_are_old(world: World, tmp_path: Path) -> None:
    world.submit()
    [(name, attempt)] = handed(world.exchange(1, want=1))
    blobs = FileBlobs(tmp_path / "blobs")
    given = checkpoints.Given(attempt, 0, 1, 10, 0, "schedule", digest_of(b"x"))
    kept = asyncio.run(checkpoints.keep(world.store, blobs, trial_id(name), given, [b"x"]))
    for orphan in ("1/0-old", "1/0-new", "7/3-old", "7/3-old.part"):
        blobs.write(f"{world.store.identity}/{orphan}", [b"y"], digest_of(b"y"))
    long_ago = time.time() - 2 * checkpoints.ORPHAN_SECONDS
    for path in (tmp_path / "blobs").glob("*/*/*"):
        if not path.name.endswith("new"):
            os.utime(path, (long_ago, long_ago))
    other = open_world(make_url(f"sqlite:///{tmp_path / 'other.db'}"))  # tried on the same data folder
    assert asyncio.run(checkpoints.remove_orphans(other.store, blobs)) == 0
    other.proposer.close()
    other.store.close()
    assert asyncio.run(checkpoints.remove_orphans(world.store, blobs)) == 3
    assert len(blobs.names(world.store.identity, time.time() + 60)) == 2
    assert asyncio.run(checkpoints.load(world.store, blobs, kept))[0] == b"x"
