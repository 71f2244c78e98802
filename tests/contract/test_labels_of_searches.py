"""Projects, tags, owners and the archive: searches are found by them again, and nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from sqlalchemy.engine import URL

from caviar.service.errors import ConflictError, RefusedError
from caviar.service.ids import trial_id
from caviar.service.store import schema, search_labels, search_pages
from caviar.service.store.search_pages import SearchPageRequest
from caviar.service.usecases import steer_search
from caviar.service.usecases.rerun import rerun
from caviar.service.usecases.submit import submit
from tests.support.old_databases import dialect_of, old_search, write_old_rows
from tests.support.stores import World, handed, open_world, result, spec


def add(world: World, who: str | None = None, **changes: Any) -> int:
    work = world.store.submit(lambda tx: submit(tx, spec(**changes))[0], who)
    return int(work.result(timeout=60))


def found(world: World, **filters: Any) -> list[int]:
    wanted = SearchPageRequest(**filters, sort="id")
    page = world.read(lambda snapshot: search_pages.page(snapshot, wanted, world.clock.now()))
    assert page.total == len(page.items)
    return [one.row.id for one in page.items]


def edit(world: World, search: int, **changes: Any) -> None:
    world.write(lambda tx: steer_search.edit(tx, world.proposer, search, changes, None))


def archive(world: World, search: int, aside: bool = True) -> None:
    world.write(lambda tx: steer_search.archive(tx, search, aside))


def test_searches_are_found_by_what_was_said_of_them(world: World) -> None:
    one = add(world, "alice", name="Größe 100%", project="fraud", tags=["night", "v2"])
    two = add(world, "bob", name="nightly", project="fraud", tags=["v2"])
    three = add(world, name="plain", project="night_2")
    assert found(world, project="fraud") == [one, two]
    assert found(world, tags=("v2",)) == [one, two] and found(world, tags=("v2", "night")) == [one]
    assert found(world, owner="bob") == [two]
    assert found(world, text="NIGHT") == [one, two, three], "in tag, name and project"
    assert found(world, text="größe ALICE") == [one] and found(world, text="alice bob") == []
    assert found(world, text="100%") == [one] and found(world, text="night_") == [three], "no wildcards"
    assert found(world, project="fraud", text="v2", owner="alice") == [one]
    told = world.read(search_labels.labels)
    assert told.projects == [("fraud", 2), ("night_2", 1)] and told.tags == [("night", 1), ("v2", 2)]
    assert told.owners == [("alice", 1), ("bob", 1)]


def test_labels_change_while_it_runs_and_after_its_end(world: World) -> None:
    search = add(world, "alice", project="fraud", tags=["night"])
    edit(world, search, project="churn", tags="day, v3, day")
    kept = orjson.loads(world.search(search).spec)
    assert (kept["project"], kept["tags"]) == ("churn", ["day", "v3"])
    assert found(world, text="churn v3 alice") == [search] and found(world, text="fraud") == []
    assert found(world, tags=("night",)) == []
    version = world.search(search).version
    edit(world, search, tags="day,v3")
    assert world.search(search).version == version, "nothing has changed"
    world.write(lambda tx: steer_search.cancel(tx, search))
    edit(world, search, project=None, tags=None)
    assert world.search(search).project is None
    assert found(world, tags=("day",)) == [] and found(world, text="alice") == [search]
    world.write(lambda tx: steer_search.delete(tx, world.proposer, search))
    assert world.read(search_labels.labels) == ([], [], [])


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tags": ["a,b"]}, "tags.0"),
    ({"tags": ["x" * 61]}, "tags.0"),
    ({"tags": ["", "b"]}, "tags.0"),
    ({"tags": [f"t{number}" for number in range(21)]}, "tags"),
    ({"tags": {"a": 1}}, "tags"),
    ({"tags": ["a", "b\u200b"]}, "tags.1"),
    ({"project": "x" * 101}, "project"),
    ({"project": ["a"]}, "project"),
    ({"project": "a\u202eb"}, "project"),
]


def test_labels_that_will_not_do_are_named(world: World) -> None:
    search = add(world)
    for changes, field in WRONG:
        with pytest.raises(RefusedError) as refused:
            edit(world, search, **changes)
        assert field in [one.field for one in refused.value.problems], changes
        assert all(one.remedy for one in refused.value.problems)


def test_what_runs_is_not_archived_and_what_is_archived_loses_nothing(world: World) -> None:
    search, other = add(world, tags=["a"], budget={"trials": 1}), add(world)
    with pytest.raises(ConflictError, match="pause or cancel it first"):
        archive(world, search)
    ((name, attempt),) = handed(world.exchange(1, want=1, searches=[search]))
    world.exchange(1, reports=[result(name, attempt, None, "failed")])
    assert world.search(search).ended is not None
    archive(world, search)
    archive(world, search)  # once more is no error
    assert found(world) == [other] and found(world, archived="only") == [search]
    assert found(world, archived="all") == [search, other]
    assert world.read(search_labels.labels).tags == []
    assert len(world.trials(search)) == 1
    archive(world, search, aside=False)
    assert found(world) == [search, other]


def test_an_archived_search_that_goes_on_is_back_in_the_list(world: World) -> None:
    paused, ended, more = add(world), add(world, budget={"trials": 1}), add(world, budget={"trials": 1})
    for search in (ended, more):
        ((name, attempt),) = handed(world.exchange(1, want=1, searches=[search]))
        world.exchange(1, reports=[result(name, attempt, None, "failed")])
    world.write(lambda tx: steer_search.switch(tx, paused, "paused"))
    for search in (paused, ended, more):
        archive(world, search)
    edit(world, ended, note="a note starts nothing")
    assert found(world) == []
    world.write(lambda tx: steer_search.switch(tx, paused, "active"))
    assert found(world) == [paused]
    world.write(lambda tx: rerun(tx, world.proposer, trial_id(f"{ended}.0")))
    edit(world, more, budget={"trials": 3})
    assert found(world) == [paused, ended, more]


def test_searches_of_before_are_found_by_name_and_data(database_url: URL) -> None:
    dialect = dialect_of(database_url)
    old_spec = {"name": "Old", "dataset": {"name": "Digits"}, "space": {"a": {"low": 0, "high": 1}}}
    text = json.dumps({**old_spec, "budget": {"trials": 3}})
    write_old_rows(dialect, "0013", old_search(1, name="Old", spec=text))
    schema.migrate(dialect)
    dialect.close()
    world = open_world(database_url)
    try:
        assert found(world, text="old digits") == [1]
        row = world.search(1)
        assert (row.project, row.owner, row.archived) == (None, None, None)
    finally:
        world.proposer.close()
        world.store.close()
