"""Every fault point, on both databases: a process ends there, the next one goes on (I10)."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.engine import URL

from caviar.service.errors import ServiceError
from caviar.service.store import curves, faults
from caviar.service.store import searches as search_rows
from caviar.service.store.blobs import FileBlobs
from caviar.service.store.tables import checkpoints, searches
from tests.support.scenario import TRIALS, live, run
from tests.support.stores import World, open_world

SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["tests.support.scenario"])


def struck(url: URL, folder: Path, fault: str) -> tuple[int, list[Any]]:
    """Live in a process of its own with a fault; gives its exit code and what was acknowledged."""
    notes = folder / f"notes-{fault.replace(':', '-')}"
    text = url.render_as_string(hide_password=False)
    process = SPAWN.Process(target=run, args=(text, str(folder / "blobs"), fault, str(notes)))
    process.start()
    process.join(300)
    assert process.exitcode is not None, "it hangs"
    lines = notes.read_text().splitlines() if notes.exists() else []
    return process.exitcode, [json.loads(line) for line in lines]


def the_search(world: World) -> int:
    """Return the id of the only search: not always 1, a transaction that fails uses up a number too."""
    return int(world.read(lambda connection: connection.execute(select(searches.c.id)).scalar_one()))


def check(world: World, blobs: FileBlobs, notes: list[Any]) -> None:
    """What was acknowledged is there; what is there is legal."""
    world.check()
    for kind, what in notes:
        if kind == "search":
            assert world.search(what).id == what
        elif kind == "note":
            assert world.search(the_search(world)).note == what
        elif kind == "result":
            assert (world.trial(what[0]).state, world.trial(what[0]).value) == ("completed", what[1])
        elif kind == "epochs":
            assert world.trial(what[0]).epoch >= what[1]
    for row in world.read(lambda connection: connection.execute(select(checkpoints)).all()):
        assert blobs.read(row.name, row.digest), "I8: a row without its file"


def finish(world: World, blobs: FileBlobs) -> None:
    """Live on to the end: every trial once, every epoch once."""
    world.lose(1)
    live(world, blobs, lambda kind, what: None)
    search = the_search(world)
    rows = world.trials(search)
    assert [row.state for row in rows] == ["completed"] * TRIALS
    for row in rows:
        curve = world.read(lambda connection, n=row.number: curves.read(connection, search, n))
        assert curve["branches"][0]["epoch"] == [1, 2]
    world.check()
    assert world.read(lambda connection: search_rows.get(connection, search)).ended is not None


def strike_and_recover(url: URL, folder: Path, fault: str) -> bool:
    """Return whether the fault struck before the end."""
    code, notes = struck(url, folder, fault)
    assert code in (0, faults.EXIT_CODE), notes
    world, blobs = open_world(url), FileBlobs(folder / "blobs")
    check(world, blobs, notes)
    finish(world, blobs)
    world.proposer.close()
    world.store.close()
    return code == faults.EXIT_CODE


@pytest.mark.parametrize("point", faults.POINTS)
def test_exit_at_every_point(point: str, built_url: URL, tmp_path: Path) -> None:
    assert strike_and_recover(built_url, tmp_path, f"{point}:2:exit")


@pytest.mark.soak
@pytest.mark.parametrize("point", faults.POINTS)
def test_exit_at_every_pass_of_every_point(point: str, databases: Callable[[], URL], tmp_path: Path) -> None:
    for number in range(1, 200):
        folder = tmp_path / str(number)
        folder.mkdir()
        if not strike_and_recover(databases(), folder, f"{point}:{number}:exit"):
            assert number > 1, "no life passes this point"
            print(f"{point}: {number - 1} passes, each of them the end of a process")
            return
    raise AssertionError("the scenario never ends")


class Failing:
    """Makes the n-th statement of the writer fail as a disk would."""

    def __init__(self, world: World) -> None:
        self.left = 0
        engine = world.store.dialect.writer
        self.error = engine.dialect.dbapi.OperationalError
        for name in ("do_execute", "do_executemany"):
            event.listen(engine, name, self._strike)
        event.listen(engine, "do_execute_no_params", self._strike)

    def _strike(self, *arguments: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error("disk I/O error")


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.soak)])
def test_the_nth_statement_fails(built_url: URL, tmp_path: Path, step: int) -> None:
    """A typed error, a legal state, and the same call works the next time: for statement 1, 1 + step, ..."""
    world, blobs = open_world(built_url), FileBlobs(tmp_path / "blobs")
    failing = Failing(world)
    for number in range(1, 2000, step):
        failing.left = number
        notes: list[Any] = []
        try:
            live(world, blobs, lambda kind, what: notes.append([kind, what]))  # noqa: B023
        except ServiceError as error:
            assert error.status == 503
        struck = failing.left <= 0
        failing.left = 0
        check(world, blobs, notes)
        if not struck and world.search(the_search(world)).ended is not None:
            break
    else:
        raise AssertionError("the scenario never ends")
    finish(world, blobs)
    assert number > 1
    world.proposer.close()
    world.store.close()


@pytest.mark.parametrize("point", faults.POINTS)
def test_an_error_at_every_point(point: str, built_sqlite_url: URL, tmp_path: Path) -> None:
    """An OSError at a boundary is a 503 for its request and nothing else."""
    world, blobs = open_world(built_sqlite_url), FileBlobs(tmp_path / "blobs")
    for number in (1, 3):
        faults.arm(f"{point}:{number}:raise")
        try:
            live(world, blobs, lambda kind, what: None)
        except ServiceError as error:
            assert error.status == 503
        except OSError:
            assert point.startswith("blobs.")
        finally:
            faults.arm(None)
        world.check()
        world.lose(1)
    finish(world, blobs)
    world.proposer.close()
    world.store.close()
