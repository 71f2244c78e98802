"""What the store keeps up when the disk is full, a group is rolled back, or a request asks for very much."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from sqlalchemy import event

from caviar.service.errors import UnavailableError
from caviar.service.store import columns
from caviar.service.store import searches as search_rows
from caviar.service.usecases import leases, steer_search
from caviar.service.usecases.submit import submit
from tests.support.stores import LEASE, World, handed, spec


def test_nobody_loses_a_lease_that_nobody_could_renew(world: World) -> None:
    """The database was away, or the server stood still, for longer than a lease."""
    world.submit()
    given = handed(world.exchange(1, want=1))
    sweeper = leases.Sweeper(LEASE, 1.0)
    assert asyncio.run(sweeper.sweep(world.store)) == 0
    world.clock.time += 2 * LEASE
    assert asyncio.run(sweeper.sweep(world.store)) == 0
    assert world.exchange(1, holding=given)["drop"] == []
    for _ in range(int(LEASE) + 1):  # from here on the agent is silent, and the sweep is not
        world.clock.time += 1.0
        lost = asyncio.run(sweeper.sweep(world.store))
    assert lost == 1
    assert world.trial(given[0][0]).state == "queued"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_is_set_back_keeps_no_dead_agents_trials(world: World, restarted: bool) -> None:
    """Postgres's clock, or that of a machine on which a server starts anew, goes back by an hour."""
    world.submit()
    given = handed(world.exchange(1, want=1))
    sweeper = leases.Sweeper(LEASE, 1.0)
    asyncio.run(sweeper.sweep(world.store))
    world.clock.time -= 3600.0
    if restarted:
        world.write(lambda tx: leases.give_back(tx, LEASE))
        sweeper = leases.Sweeper(LEASE, 1.0)
    lost = [asyncio.run(sweeper.sweep(world.store))]
    assert lost == [0] and world.exchange(1, holding=given)["drop"] == []
    world.clock.time -= 3600.0  # and now the agent is silent
    for _ in range(int(LEASE) + 2):
        world.clock.time += 1.0
        lost.append(asyncio.run(sweeper.sweep(world.store)))
    assert sum(lost) == 1 and world.trial(given[0][0]).state == "queued"


def test_nobody_loses_a_lease_while_the_disk_is_full(world: World) -> None:
    """Reading goes on, no write does; the sweep must notice though it finds nothing to write."""
    world.submit()
    given = handed(world.exchange(1, want=1))
    sweeper = leases.Sweeper(LEASE, 1.0)
    asyncio.run(sweeper.sweep(world.store))
    full = [True]

    def refuse(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if full and statement.startswith(("INSERT", "UPDATE", "DELETE")):
            raise OSError("No space left on device")

    event.listen(world.store.dialect.writer, "before_cursor_execute", refuse)
    for _ in range(2 * int(LEASE)):
        world.clock.time += 1.0
        with pytest.raises(UnavailableError):
            asyncio.run(sweeper.sweep(world.store))
    full.clear()
    world.clock.time += 1.0
    assert asyncio.run(sweeper.sweep(world.store)) == 0
    assert world.exchange(1, holding=given)["drop"] == []


def test_a_submit_that_was_rolled_back_leaves_no_spec_behind(world: World) -> None:
    """SQLite gives its id to the next search, which must not be trained with the space of the first."""

    def cut(tx: Any) -> None:
        number, _ = submit(tx, spec())
        world.proposer.spec(tx, search_rows.get(tx, number))
        raise OSError("No space left on device")

    with pytest.raises(UnavailableError):
        world.write(cut)
    search = world.submit(space={"other": {"scale": "linear", "low": 0.0, "high": 1.0}})
    world.exchange(1, want=1)
    assert list(orjson.loads(world.trial(f"{search}.0").params)) == ["other"]


def test_an_agent_may_name_trials_of_thousands_of_searches(world: World) -> None:
    searches = [world.submit(budget={"trials": 1}, parallel=1) for _ in range(2)]
    named = [(f"{search}.0", 1) for search in [*searches, *range(9_000, 10_200)]]
    drops = world.exchange(1, holding=named)["drop"]
    assert len(drops) == len(named)


def test_more_trials_than_one_statement_can_name_are_delivered_again(world: World) -> None:
    world.submit(budget={"trials": 1200}, parallel=1)
    given = handed(world.exchange(1, want=1200))
    again = world.exchange(1, holding=given[:1])
    assert sorted(handed(again)) == sorted(given[1:])


def test_columns_of_any_number_of_trials(world: World) -> None:
    search = world.submit()
    world.exchange(1, want=3)
    found = world.read(
        lambda connection: columns.read(connection, search, ["number"], 100_000, range(75_000))
    )
    assert found.columns == {"number": [0, 1, 2]}


def test_one_failure_in_a_group_harms_nobody_else(world: World) -> None:
    search = world.submit()

    def broken(tx: object) -> None:
        steer_search.switch(tx, search, "paused")  # type: ignore[arg-type]
        raise RuntimeError("broken on purpose")

    futures = [
        world.store.submit(work)
        for work in (
            lambda tx: steer_search.edit(tx, world.proposer, search, {"note": "one"}, None),
            broken,
            lambda tx: steer_search.edit(tx, world.proposer, search, {"name": "two"}, None),
        )
    ]
    assert isinstance(futures[1].exception(timeout=60), RuntimeError)
    assert futures[0].result(60) is None
    assert futures[2].result(60) is None
    row = world.search(search)
    assert (row.note, row.name, row.switch) == ("one", "two", "active")


def test_only_a_write_shows_that_the_database_can_be_written_again(world: World) -> None:
    writer = world.store._writer
    assert writer is not None
    writer.failed = True
    world.write(lambda tx: None)  # as a sweep that finds nothing
    assert writer.failed
    world.store.probe()
    assert not writer.failed


def test_a_commit_while_a_probe_begins_to_read_is_no_damage(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new connection, as after the database was away, is looked at first: that begins its snapshot."""
    admit = world.store._soundness.admit

    def and_then_commit(connection: Any) -> None:
        admit(connection)
        if not committed:
            committed.append(True)
            world.write(lambda tx: tx.revision())

    committed: list[bool] = []
    world.store.dialect.readers.dispose()
    monkeypatch.setattr(world.store._soundness, "admit", and_then_commit)
    world.store.probe()
    assert committed
