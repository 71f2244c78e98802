"""Pages of trials equal what sorting in Python gives, whatever the order, filter and page length."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy.engine import make_url

from caviar.service.errors import RefusedError
from caviar.service.store import pages, search_pages
from tests.support.stores import World, empty_database, handed, open_world

TRIALS = 40


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One store of each kind for all these tests: they only read."""
    if request.param == "sqlite":
        url = make_url(f"sqlite:///{tmp_path_factory.mktemp('pages') / 'caviar.db'}")
    else:
        url = empty_database(request.getfixturevalue("postgres_server"))
    world = open_world(url)
    yield world
    world.proposer.close()
    world.store.close()


@pytest.fixture(scope="module")
def search(world: World) -> int:
    """A search whose values have ties, and trials without a value."""
    number = world.submit(budget={"trials": TRIALS}, parallel=2)
    draw = random.Random(3)
    given = handed(world.exchange(1, want=TRIALS))
    reports: list[Any] = []
    for name, attempt in given[:-4]:
        state = draw.choice(["completed", "completed", "completed", "stopped", "diverged", "failed"])
        metrics = {"dev_error": draw.choice([0.1, 0.2, 0.3, 0.4]), "size": draw.random()}
        done = {"state": state, "metrics": metrics, "epoch": draw.randrange(4)}
        reports.append({"trial": name, "attempt": attempt, "result": done})
    while reports:
        world.clock.time += 1
        world.exchange(1, reports=reports[:5], holding=given)
        del reports[:5]
    return number


@pytest.fixture(scope="module")
def mixed(world: World) -> int:
    """A search whose choices are of several kinds."""
    choices = ["a", 2.5, [1, 2], True, None, "7"]
    points = [{"kind": choice} for choice in choices]
    number = world.submit(
        space={"kind": {"choices": choices}}, enqueued=points, budget={"trials": 6}, strategy="random"
    )
    world.exchange(1, want=6)
    return number


def request(**changes: Any) -> pages.PageRequest:
    return pages.PageRequest(
        **{"sort": "number", "state": None, "filters": (), "limit": 7, "cursor": None, **changes}
    )


def walk(world: World, search: int, **changes: Any) -> list[Any]:
    """Follow the cursors to the end."""
    rows: list[Any] = []
    cursor = None
    while True:
        page = request(**changes, cursor=cursor)
        found = world.read(
            lambda connection, page=page: pages.trials_page(connection, search, page, world.columns)
        )
        rows += found.items
        cursor = found.next
        if cursor is None:
            assert len(rows) == found.total
            return rows


def value_of(row: Any, field: str) -> Any:
    if field.startswith(("params.", "metrics.")):
        column, key = field.split(".")
        return orjson.loads(getattr(row, column) or "{}").get(key)
    return getattr(row, field)


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize(
    "field", ["number", "value", "ended", "started", "state", "epoch", "params.a", "metrics.size", "round"]
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_walking_the_pages_is_sorting(world: World, search: int, field: str, sign: str, limit: int) -> None:
    rows = world.trials(search)
    valued = [row for row in rows if value_of(row, field) is not None]
    order = sorted(valued, key=lambda row: (value_of(row, field), row.number), reverse=bool(sign))
    rest = [row for row in rows if value_of(row, field) is None]
    got = walk(world, search, sort=sign + field, limit=limit)
    assert [one.number for one in got] == [row.number for row in order + rest]


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("value<0.3", lambda row: row.value is not None and row.value < 0.3),
        (
            "value>=0.3 and epoch!=0",
            lambda row: row.value is not None and row.value >= 0.3 and row.epoch != 0,
        ),
        ("state=diverged", lambda row: row.state == "diverged"),
        ("params.a<0.01", lambda row: value_of(row, "params.a") < 0.01),
        ("metrics.size>0.5", lambda row: (value_of(row, "metrics.size") or 0) > 0.5),
        ("number<=5", lambda row: row.number <= 5),
        ("value=null", lambda row: row.value is None),
        ("value!=null", lambda row: row.value is not None),
    ],
)
def test_filters_keep_what_they_say(world: World, search: int, text: str, test: Any) -> None:
    got = walk(world, search, filters=(text,), sort="-value")
    assert sorted(one.number for one in got) == [row.number for row in world.trials(search) if test(row)]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("=a", [0]),
        ('="a"', [0]),
        ("!=a", [1, 2, 3, 5]),
        ("=2.5", [1]),
        ("!=2.5", [0, 2, 3, 5]),
        ("=[1, 2]", [2]),
        ("!=[1,2]", [0, 1, 3, 5]),
        ("=true", [3]),
        ("=null", [4]),
        ("!=null", [0, 1, 2, 3, 5]),
        ("='7'", [5]),
        (">2", [1]),
    ],
)
def test_choices_of_every_kind_are_filtered(world: World, mixed: int, text: str, places: list[int]) -> None:
    got = walk(world, mixed, filters=("params.kind" + text,))
    assert [one.number for one in got] == places


def test_states_are_filtered_and_counted(world: World, search: int) -> None:
    got = walk(world, search, state="failed,diverged")
    expected = [row.number for row in world.trials(search) if row.state in ("failed", "diverged")]
    assert [one.number for one in got] == expected


@pytest.mark.parametrize(
    "bad",
    [
        {"sort": "params.nothing"},
        {"sort": "params.a; DROP TABLE trials"},
        {"filters": ("params.a<'1' OR 1=1",)},
        {"filters": ("number ~ 3",)},
        {"filters": ("metrics.x') = 1 --<1",)},
        {"filters": ("value<null",)},
        {"state": "asleep"},
        {"cursor": "abc"},
        {"cursor": pages.write_cursor("value", 0.1, 3)},
    ],
)
def test_what_cannot_be_read_is_refused(world: World, search: int, bad: dict[str, Any]) -> None:
    page = request(**bad)
    with pytest.raises(RefusedError):
        world.read(lambda connection: pages.trials_page(connection, search, page, world.columns))


@pytest.mark.parametrize("value", ["x", True, [1], {"a": 1}, None])
@pytest.mark.parametrize("number", [3, True, 1.5])
def test_cursors_of_another_kind_are_refused(world: World, search: int, value: Any, number: Any) -> None:
    for sort in ("value", "params.a", "state"):
        if value is None and number == 3:
            continue  # where trials without a value begin
        page = request(sort=sort, cursor=pages.write_cursor(sort, value, number))
        with pytest.raises(RefusedError, match="cursor"):
            world.read(
                lambda connection, page=page: pages.trials_page(connection, search, page, world.columns)
            )
    for sort in ("created", "id", "name"):
        if sort == "name" and (value, number) == ("x", 3):
            continue  # as this server makes them
        listed = search_pages.SearchPageRequest(sort=sort, cursor=pages.write_cursor(sort, value, number))
        with pytest.raises(RefusedError, match="cursor"):
            world.read(lambda connection, listed=listed: search_pages.page(connection, listed, 0.0))
