"""A data set that a search uses stays; one that none uses goes, and its file with the last that has it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from caviar.service.config import Limits
from caviar.service.errors import ConflictError, NotFoundError, RefusedError
from caviar.service.store import datasets as rows
from caviar.service.store.blobs import FileBlobs
from caviar.service.store.uploads import Uploads
from caviar.service.usecases.datasets import Datasets
from caviar.service.usecases.steer_search import switch
from tests.support.simulated_agents import opened
from tests.support.stores import World, handed
from tests.support.waiting import wait

CSV = b"a,b,species\n1,2,x\n3,,y\n5,6,x\n"


@pytest.fixture
def use(world: World, tmp_path: Path) -> Datasets:
    return Datasets(world.store, Uploads(tmp_path, Limits(), FileBlobs(tmp_path / "datasets")))


def upload(use: Datasets, name: str) -> str:
    async def stream() -> AsyncIterator[bytes]:
        yield CSV

    return str(anyio.run(lambda: use.upload(name, stream(), {}))[0]["id"])


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("mine", {"name": "mine"}),
        ("mine", {"name": "digits", "dev": {"name": "mine"}}),
        ("mine", {"name": "digits", "test": {"name": "mine"}}),
        ("2024", {"name": 2024}),
        ("gr\u00f6\u00dfe_1 (a)", {"name": "gr\u00f6\u00dfe_1 (a)"}),
    ],
)
def test_what_a_search_uses_stays(
    world: World, use: Datasets, tmp_path: Path, name: str, dataset: dict[str, Any]
) -> None:
    found = upload(use, name)
    upload(use, f"{name} 2")
    world.submit(name=name, note=name, dataset={"name": f"{name} 2"})  # has the name, but elsewhere
    user = world.submit(dataset=dataset)
    with pytest.raises(ConflictError, match=f"is the data of search {user}; delete it first"):
        anyio.run(use.delete, found)
    again = world.submit(dataset=dataset)
    with pytest.raises(ConflictError, match=f"of searches {user}, {again}; delete them first"):
        anyio.run(use.delete, found)
    assert len(list((tmp_path / "datasets").iterdir())) == 1


def test_what_went_while_a_search_was_read_is_not_submitted(world: World, use: Datasets) -> None:
    anyio.run(use.delete, upload(use, "mine"))
    with pytest.raises(RefusedError, match="no data set is called 'mine'"):
        world.submit(dataset={"name": "mine"})


def test_a_search_whose_data_are_gone_pauses_itself_and_harms_no_other(world: World, use: Datasets) -> None:
    found = int(upload(use, "mine"))
    broken = world.submit(dataset={"name": "mine"})
    sound = world.submit()
    lost = [one for one in handed(world.exchange(2, want=2)) if one[0].startswith(f"{broken}.")]
    world.write(lambda tx: rows.remove(tx, found))
    for agent in (1, 2):  # the second one had an answer that was lost
        answer = world.exchange(agent, want=4)
        assert {trial["trial"].split(".")[0] for trial in answer["trials"]} == {str(sound)}
        assert list(answer["searches"]) == [str(sound)]
    row = world.search(broken)
    assert (row.switch, row.problem) == ("paused", "dataset.name: no data set is called 'mine'")
    assert lost and row.running == 0
    upload(use, "mine")
    world.write(lambda tx: switch(tx, broken, "active"))
    assert handed(world.exchange(3, want=4, searches=[broken]))[0] == (lost[0][0], lost[0][1] + 1)


def test_what_none_uses_goes(world: World, use: Datasets, tmp_path: Path) -> None:
    first, second = upload(use, "first"), upload(use, "second")
    world.submit(dataset={"name": "second"})
    anyio.run(use.delete, first)
    assert anyio.run(use.content, second)[0].read_bytes() == CSV
    with pytest.raises(NotFoundError):
        anyio.run(use.delete, first)
    assert upload(use, "first") not in (first, second)


WAITING = text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


@pytest.mark.postgres
def test_what_one_server_deletes_while_another_receives_it_stays(
    built_postgres_url: URL, tmp_path: Path
) -> None:
    """Between the row that goes and its file, the same content comes by the other server."""

    class Overtaken(FileBlobs):
        def remove(self, name: str) -> None:
            removing.set()
            wait(lambda: kept.is_set() or one.read(lambda c: c.execute(WAITING).first()), 60, "the other")
            super().remove(name)

    async def stream() -> AsyncIterator[bytes]:
        yield CSV

    removing, kept = threading.Event(), threading.Event()
    with opened(built_postgres_url) as one, opened(built_postgres_url, build=False) as two:
        places = [Uploads(tmp_path, Limits(), made(tmp_path / "datasets")) for made in (Overtaken, FileBlobs)]
        deleting, receiving = Datasets(one.store, places[0]), Datasets(two.store, places[1])
        first = upload(deleting, "first")
        received = anyio.run(places[1].receive, stream())
        meta = anyio.run(places[1].inspect, received, {})
        with ThreadPoolExecutor(1) as thread:
            deleted = thread.submit(anyio.run, deleting.delete, first)
            assert removing.wait(60)
            second = anyio.run(receiving.keep, "second", received, {**meta, "size": received.size})[0]
            kept.set()
            deleted.result(60)
        assert anyio.run(receiving.content, str(second["id"]))[0].read_bytes() == CSV
