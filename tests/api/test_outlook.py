"""Rounds, standings and what is left, as a running search shows them."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from tests.support.inprocess import App
from tests.support.simulated_agents import EPOCHS, Players
from tests.support.stores import ManualClock, World

API = "/api/v1"
SPACE = {
    "a": {"scale": "log", "low": 1e-4, "high": 1.0},
    "b": {"scale": "linear", "low": 0.35, "high": 1.0},  # the best lies at its lower end
    "kind": {"choices": ["x", "y", "z"]},
}


def played(app: App, most: int | None = None, **fields: Any) -> int:
    spec = {
        "trainer": "external",
        "settings": {"epochs": EPOCHS},
        "space": SPACE,
        "budget": {"trials": 40},
        "parallel": 2,
        "seed": 4,
        **fields,
    }
    response = app.request("POST", f"{API}/searches", json=spec)
    assert response.status_code == 201, response.text
    search = int(response.json()["id"])
    players(app).play(search, most)
    return search


def players(app: App, count: int = 2) -> Players:
    services = app.app.state.services
    return Players(World(services.store, ManualClock(), services.proposer), count)


def get(app: App, path: str) -> Any:
    response = app.request("GET", f"{API}{path}")
    assert response.status_code == 200, response.text
    return response.json()


def test_rounds_say_where_and_why(app: App) -> None:
    search = played(app)
    found = get(app, f"/searches/{search}/rounds")["items"]
    trials = get(app, f"/searches/{search}/trials?limit=100")["items"]
    assert len(found) > 3 and [one["index"] for one in found] == list(range(len(found)))
    for one in found:
        first, last = one["first"], min(one["first"] + one["size"], 40)
        assert {trial["origin"]["round"] for trial in trials[first:last]} == {one["index"]}
    whole, last = found[0], found[-1]
    assert [side["parameter"] for side in whole["box"]] == ["a", "b", "kind"]
    assert (whole["box"][1]["low"], whole["box"][1]["high"]) == (0.35, 1.0)
    assert sorted(whole["box"][2]["choices"]) == ["x", "y", "z"] and whole["trials"] == []
    assert last["box"][0]["high"] / last["box"][0]["low"] < 1e3, "closer than the 1e4 of the range"
    assert last["trials"][0].startswith(f"{search}.") and last["why"]
    assert any("b: the best sits at the low end" in warning for warning in last["warnings"])


def test_rounds_show_choices_of_every_kind(app: App) -> None:
    two: list[Any] = [[64], [64, 32]]
    mixed: list[Any] = [None, True, 1, "a", [1, 2]]
    space = SPACE | {
        "two": {"choices": two},
        "mixed": {"choices": mixed},
        "steps": {"choices": [[1], [2], [3]], "ordered": True},
    }
    search = played(app, most=20, space=space)
    found = get(app, f"/searches/{search}/rounds")["items"]
    sides = {side["parameter"]: side for side in found[0]["box"]}
    assert sides["two"]["choices"] == two
    assert list(map(repr, sides["mixed"]["choices"])) == list(map(repr, mixed))  # 1 is not true
    assert (sides["steps"]["low"], sides["steps"]["high"]) == ([1], [3])
    assert len(found) > 1


def test_other_strategies_have_no_rounds(app: App) -> None:
    search = played(app, most=1, strategy="random")
    assert get(app, f"/searches/{search}/rounds") == {
        "items": [],
        "reason": "random has no rounds; coarse_to_fine has",
    }
    assert app.request("GET", f"{API}/searches/999/rounds").status_code == 404


def test_the_winner_is_named_from_fresh_trainings_alone(app: App) -> None:
    wish = {"leaders": 3, "seeds": 2}
    search = played(app, most=0, strategy="random", reevaluate=wish)
    at_work = players(app)
    at_work.play(search, most=41)
    early = get(app, f"/searches/{search}/standings")
    assert early["winner"] is None and "still to come" in early["reason"]
    at_work.play(search)
    found = get(app, f"/searches/{search}/standings")
    trials = get(app, f"/searches/{search}/trials?limit=100")["items"]
    leaders = sorted(trials[:40], key=lambda trial: trial["value"])[:3]
    assert {one["trial"] for one in found["items"]} == {leader["id"] for leader in leaders}
    for one in found["items"]:
        fresh = [trial["value"] for trial in trials[40:] if trial["origin"]["parent"] == one["trial"]]
        assert len(fresh) == 2 and one["mean"] == pytest.approx(statistics.mean(fresh))
        assert one["spread"] == pytest.approx(statistics.stdev(fresh))
    assert found["winner"] == min(found["items"], key=lambda one: one["mean"])
    assert found["reason"] is None
    assert found["winner"]["chance"] is None
    real = [one["trial"] for one in found["items"][1:] if (one["chance"] or 1) < 0.05]
    assert ("Significantly better" in found["text"]) == bool(real)
    assert all(name in found["text"] for name in real)


def test_a_search_that_has_ended_gets_its_finalists_by_an_edit(app: App) -> None:
    search = played(app, strategy="random")
    assert get(app, f"/searches/{search}")["state"] == "completed"
    wish = {"leaders": 2, "seeds": 3}
    edited = app.request("PATCH", f"{API}/searches/{search}", json={"reevaluate": wish})
    assert edited.status_code == 200 and edited.json()["state"] == "running", edited.text
    players(app).play(search)
    found = get(app, f"/searches/{search}/standings")
    assert [len(one["trainings"]) for one in found["items"]] == [3, 3] and found["winner"] is not None
    refused = app.request(
        "PATCH", f"{API}/searches/{search}", json={"reevaluate": {"leaders": 5, "seeds": 3}}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "reevaluate.leaders"


def test_without_fresh_trainings_there_is_no_winner(app: App) -> None:
    search = played(app, most=2, strategy="random")
    found = get(app, f"/searches/{search}/standings")
    assert found["winner"] is None and "reevaluate" in found["reason"]


def test_what_is_left_is_said_in_a_sentence(app: App) -> None:
    search = played(app, strategy="random", most=60, budget={"trials": 90})
    found = get(app, f"/searches/{search}/remaining")
    assert "60 random trials are in the top 4.9 % with 95 % confidence" in found["text"]
    assert (found["trials"], found["left"]) == (60, 30)
    assert found["probability"] == pytest.approx(30 / 90)
    assert 0 < found["improvement"] < 1
    fresh = played(app, most=0, strategy="random")
    assert get(app, f"/searches/{fresh}/remaining")["trials"] == 0
