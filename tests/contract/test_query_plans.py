"""The hot reads and writes use indices: read from SQLite's own plans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlalchemy.engine import URL

from caviar.service.store import commands as command_rows
from caviar.service.store import curves, figures, pages, reads
from caviar.service.store.memory import Columns
from caviar.service.store.tables import commands
from tests.support.stores import World, epochs, handed, open_world, result

ALLOWED_SCANS = ("SCAN CONSTANT ROW",)


@pytest.fixture
def plans(built_sqlite_url: URL) -> Iterator[tuple[World, list[tuple[str, str]]]]:
    """A world that notes the plan of every statement."""
    world = open_world(built_sqlite_url)
    noted: list[tuple[str, str]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            return
        one = parameters[0] if many else parameters
        raw = connection.connection.cursor()
        for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", one).fetchall():
            noted.append((statement, row[3]))

    for engine in (world.store.dialect.writer, world.store.dialect.readers):
        event.listen(engine, "before_cursor_execute", note)
    yield world, noted
    world.proposer.close()
    world.store.close()


def scans(noted: list[tuple[str, str]], *tables: str) -> list[tuple[str, str]]:
    """The steps that walk through a whole table."""
    return [
        (statement, step)
        for statement, step in noted
        if step.startswith("SCAN")
        and any(f"SCAN {table}" in step and "INDEX" not in step for table in tables)
    ]


@pytest.mark.parametrize(
    "page",
    [
        pages.PageRequest("number", None, (), 100, None),
        pages.PageRequest("-value", None, (), 100, None),
        pages.PageRequest("value", None, (), 100, pages.write_cursor("value", 0.5, 3)),
        pages.PageRequest("value", None, (), 100, pages.write_cursor("value", None, 3)),
        pages.PageRequest("-ended", None, (), 100, None),
        pages.PageRequest("number", None, (), 100, pages.write_cursor("number", 7, 7)),
        pages.PageRequest("epoch", "completed", ("params.a<0.5",), 100, None),
    ],
)
def test_pages_come_in_the_order_of_an_index(plans: Any, page: pages.PageRequest) -> None:
    world, noted = plans
    search = world.submit()
    noted.clear()
    world.read(lambda connection: pages.trials_page(connection, search, page, Columns()))
    assert noted
    assert scans(noted, "trials") == []
    assert not [step for _, step in noted if "TEMP B-TREE" in step], noted


def test_the_best_come_in_the_order_of_an_index(plans: Any) -> None:
    world, noted = plans
    search = world.submit()
    noted.clear()
    world.read(lambda connection: reads.best(connection, search, 10))
    assert scans(noted, "trials") == []


def test_no_statement_of_an_exchange_walks_through_a_table(plans: Any) -> None:
    world, noted = plans
    world.submit(strategy="coarse_to_fine")
    given = handed(world.exchange(1, want=3))
    noted.clear()
    reports = [epochs(*given[0], 1, [1.0]), result(*given[0], 0.5)]
    world.exchange(1, want=2, reports=reports, holding=given[1:])
    world.sweep()
    world.lose(1)
    assert len(noted) > 10
    assert scans(noted, "trials", "searches", "agents", "curves", "costs", "attempts", "checkpoints") == []


def test_several_trials_are_found_by_their_keys(plans: Any) -> None:
    world, noted = plans
    world.submit()
    given = handed(world.exchange(1, want=5))
    noted.clear()
    reports = [epochs(*one, 1, [1.0], costs=[(1, 0.5)]) for one in given[:2]]
    world.exchange(1, reports=reports, holding=given[:1])  # the others are given again
    world.exchange(2, holding=given)  # they are dropped
    assert len(given) == 5
    assert scans(noted, "trials", "costs") == []


@pytest.mark.parametrize("others", [0, command_rows.FEW + 1])
def test_waiting_commands_are_read_by_their_index(plans: Any, others: int) -> None:
    world, noted = plans
    search = world.submit()
    given = handed(world.exchange(1, want=2))
    row = {"search_id": search, "number": 1, "kind": "set", "arguments": "{}", "at": "{}"}
    more = {"state": "waiting", "created": 0.0, "revision": 0}
    world.write(lambda tx: [tx.connection.execute(insert(commands), {**row, **more}) for _ in range(others)])
    noted.clear()
    world.exchange(1, holding=given)
    steps = [step for statement, step in noted if "FROM commands" in statement and "commands" in step]
    wanted = ["SCAN commands USING INDEX commands_waiting"]
    if others:
        wanted.append("SEARCH commands USING INDEX commands_waiting (search_id=? AND number=?)")
    assert steps == wanted


def test_curves_of_several_trials_are_found_by_their_keys(plans: Any) -> None:
    world, noted = plans
    search = world.submit()
    noted.clear()
    world.read(lambda connection: curves.metric_of(connection, search, [(1, 0), (5, 1)], "dev_error"))
    steps = [step for _, step in noted if "SEARCH curves" in step]
    assert steps == ["SEARCH curves USING PRIMARY KEY (search_id=? AND number=?)"]


def test_streams_read_what_is_new_by_an_index(plans: Any) -> None:
    world, noted = plans
    search = world.submit()
    noted.clear()
    world.read(lambda connection: reads.changed_trials(connection, search, 5, 100))
    world.read(lambda connection: curves.read(connection, search, 0))
    world.read(lambda connection: figures.latest(connection, search))
    assert scans(noted, "trials", "curves", "costs", "commands") == []
    assert not [step for _, step in noted if "TEMP B-TREE" in step], noted
