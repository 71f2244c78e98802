"""What an earlier search found begins a new one; where there is nothing, the submission says so."""

from collections.abc import Iterator

import orjson
import pytest
from sqlalchemy.engine import URL

from caviar.service.errors import RefusedError
from caviar.service.store import searches
from tests.support.simulated_agents import Players, opened
from tests.support.stores import World


@pytest.fixture
def world(sqlite_url: URL) -> Iterator[World]:
    with opened(sqlite_url) as world:
        yield world


def earlier(world: World) -> int:
    search = world.submit(budget={"trials": 12})
    Players(world, 2).play(search)
    return search


def test_the_best_points_of_the_earlier_search_come_first(world: World) -> None:
    first = earlier(world)
    best = sorted(world.trials(first), key=lambda row: row.value)[:3]
    space = {
        "a": {"scale": "log", "low": 1e-3, "high": 1.0},  # narrower
        "b": {"scale": "linear", "low": 0.0, "high": 1.0},
        "c": {"choices": ["x", "y", "z"]},  # new
    }
    second = world.submit(space=space, warm_start={"search": first, "points": 3})
    Players(world, 1).play(second, most=4)
    rows = world.trials(second)
    assert [row.origin for row in rows] == ["enqueued"] * 3 + ["random"]
    for row, old in zip(rows, best, strict=False):
        point, before = _params(row), _params(old)
        assert point["b"] == pytest.approx(before["b"], rel=1e-9)
        assert point["a"] == pytest.approx(max(before["a"], 1e-3), rel=1e-9)
        assert point["c"] == "y"  # the middle of what was not there


def test_points_given_by_hand_come_before_and_are_not_repeated(world: World) -> None:
    first = earlier(world)
    best = min(world.trials(first), key=lambda row: row.value)
    mine = _params(best)
    second = world.submit(enqueued=[mine], warm_start={"search": first, "points": 2}, budget={"trials": 2})
    Players(world, 1).play(second)
    rows = world.trials(second)
    assert len(rows) == 2 and _params(rows[0]) == mine and _params(rows[1]) != mine


def test_submitting_again_with_the_same_key_is_the_same_search(world: World) -> None:
    first = world.submit(budget={"trials": 12})
    players = Players(world, 1)
    players.play(first, most=3)
    wish = {"search": first, "points": 3}
    second = world.submit(key="k", warm_start=wish)
    players.play(first)  # which changes what is best
    assert world.submit(key="k", warm_start=wish) == second


def test_results_of_earlier_searches_are_kept_in_the_new_one(world: World) -> None:
    first, second = earlier(world), earlier(world)
    wish = {"searches": [first, second]}
    third = world.submit(strategy="coarse_to_fine", warm_start=wish)
    kept = _spec(world, third)
    evidence = kept["warm_start"]["evidence"]
    assert [one["search"] for one in evidence] == [first, second] and not kept.get("enqueued")
    rows = world.trials(first)
    assert evidence[0]["values"] == [row.value for row in rows]
    assert evidence[0]["params"]["a"] == [_params(row)["a"] for row in rows]
    Players(world, 1).play(third, most=1)
    assert world.trials(third)[0].why == "the most promising point of the earlier searches"
    again = world.submit(strategy="coarse_to_fine", warm_start=kept["warm_start"])
    assert _spec(world, again)["warm_start"] == kept["warm_start"]


def test_other_strategies_begin_with_the_best_points_of_each(world: World) -> None:
    first, second = earlier(world), earlier(world)
    third = world.submit(strategy="random", warm_start={"searches": [first, second], "points": 1})
    kept = _spec(world, third)
    best = [_params(min(world.trials(one), key=lambda row: row.value))["a"] for one in (first, second)]
    assert [point["a"] for point in kept["enqueued"]] == pytest.approx(list(dict.fromkeys(best)))
    assert "evidence" not in kept["warm_start"]


def test_each_earlier_search_that_says_nothing_is_named(world: World) -> None:
    with pytest.raises(RefusedError, match="no search 77") as caught:
        world.submit(strategy="coarse_to_fine", warm_start={"searches": [earlier(world), 77]})
    assert caught.value.problems[0].field == "warm_start.searches.1"


@pytest.mark.parametrize(
    ("space", "trials", "message"),
    [
        (None, 0, "no result yet"),
        ({"other": {"low": 0, "high": 1}}, 1, "no parameter in common"),
        ({"other": {"low": 0, "high": 1}}, None, "there is no search 77"),
    ],
)
def test_nothing_to_begin_with_is_refused(
    world: World, space: dict[str, object] | None, trials: int | None, message: str
) -> None:
    first = world.submit()
    if trials:
        Players(world, 1).play(first, most=trials)
    with pytest.raises(RefusedError, match=message) as caught:
        changes = {} if space is None else {"space": space}
        world.submit(warm_start={"search": 77 if trials is None else first}, **changes)
    [problem] = caught.value.problems
    assert problem.field == "warm_start.search" and problem.remedy


def _params(row: object) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(row.params)  # type: ignore[attr-defined]
    return found


def _spec(world: World, search: int) -> dict[str, object]:
    found: dict[str, object] = world.read(lambda snapshot: orjson.loads(searches.get(snapshot, search).spec))
    return found
