"""Re-tests in the store: due once their searches are over, judged by one server, begun once by a schedule."""

from typing import Any

from caviar.service.store import retests as rows
from caviar.service.store import searches as search_rows
from caviar.service.store.retests import StoredRetest, StoredSchedule
from tests.support.stores import World


def due(world: World, patience: float = 100.0) -> list[int]:
    return [one.id for one in world.read(lambda s: rows.due(s, world.clock.now(), patience))]


def test_a_retest_is_due_when_its_searches_are_over_and_judged_by_one_server(world: World) -> None:
    search, baseline, again = (world.submit() for _ in range(3))
    row = StoredRetest(0, search, 1, 0.0, None, None, "[]", 2, baseline, again, None)
    made = world.write(lambda tx: rows.add(tx, row))
    assert due(world) == []
    world.write(lambda tx: search_rows.change(tx, baseline, ended=tx.now))
    assert due(world) == []
    world.write(lambda tx: search_rows.change(tx, again, switch="cancelled"))
    assert due(world) == [made.id]
    taken = [world.write(lambda tx: rows.take(tx, made.id, 100.0)) for _ in range(2)]
    assert (taken, due(world)) == ([True, False], [])
    world.clock.time += 101.0
    assert due(world) == [made.id]  # the server that took it is gone
    ends: list[Any] = [world.write(lambda tx: rows.end(tx, made.id, True, "{}", None)) for _ in range(2)]
    assert (ends, due(world)) == ([True, False], [])
    world.write(lambda tx: search_rows.change(tx, search, drift="moved"))
    assert world.read(rows.drifted) == 1
    world.write(lambda tx: search_rows.remove(tx, search))
    assert world.read(lambda s: rows.of_search(s, search)) == []


def test_a_schedule_that_was_missed_begins_once_and_keeps_its_hours(world: World) -> None:
    search = world.submit()
    world.write(lambda tx: rows.put_schedule(tx, StoredSchedule(search, 60.0, tx.now + 60.0, "{}", "ann")))
    assert world.read(lambda s: rows.schedules_due(s, world.clock.now())) == []
    world.clock.time += 200.0
    [row] = world.read(lambda s: rows.schedules_due(s, world.clock.now()))
    assert [world.write(lambda tx: rows.put_off(tx, row, "why")) for _ in range(2)] == [True, False]
    later = world.read(lambda s: rows.schedule_of(s, search))
    assert (later.due, later.problem) == (row.due + 180.0, "why")
