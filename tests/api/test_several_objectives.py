"""Searches with several objectives: submitted as a list, trained, their front, hypervolume and export."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.support.inprocess import App
from tests.support.inprocess_agents import searched

SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"epochs": 3},
    "space": {
        "hidden_units": {"type": "int", "scale": "log", "low": 2, "high": 64},
        "learning_rate": {"scale": "log", "low": 0.001, "high": 0.3},
    },
    "objective": [{"metric": "dev_error"}, {"metric": "parameters", "reference": 600}],
    "budget": {"trials": 18},
    "lag": 2,
    "seed": 5,
}


def submit(app: App, **changes: Any) -> Any:
    return app.request("POST", "/api/v1/searches", json={**SEARCH, **changes})


def test_the_front_of_error_and_parameters(app: App) -> None:
    trials = searched(app, SEARCH)
    search = trials[0]["search"]
    results = {one["number"]: (one["value"], one["metrics"]["parameters"]) for one in trials}
    found = app.request("GET", f"/api/v1/searches/{search}/front").json()
    front = {
        number
        for number, mine in results.items()
        if not any(a <= mine[0] and b <= mine[1] and (a, b) != mine for a, b in results.values())
    }
    assert {one["number"] for one in found["items"]} == front
    assert all(tuple(one["values"]) == results[one["number"]] for one in found["items"])
    assert found["objectives"][1] == {"metric": "parameters", "direction": "minimize", "reference": 600.0}
    assert found["hypervolume"] == sorted(found["hypervolume"]) and found["hypervolume"][-1] > 0
    exported = app.request("GET", f"/api/v1/searches/{search}/export", params={"format": "csv"}).text
    rows = csv.DictReader(io.StringIO(exported))
    assert {int(row["number"]) for row in rows if row["front"] in ("True", "true")} == front
    assert {one["origin"]["kind"] for one in trials} == {"coarse", "front"}


def test_two_agents_come_to_the_same_trials(app: App) -> None:
    one, two = (searched(app, SEARCH, count) for count in (1, 2))
    assert [trial["params"] for trial in one] == [trial["params"] for trial in two]


def test_what_it_does_not_take(app: App) -> None:
    wrong = submit(app, objective=[{"metric": "dev_error"}, {"metric": "params"}])
    assert wrong.status_code == 422 and "parameters" in wrong.text
    wrong = submit(app, objective=[{"metric": "dev_error"}, {"metric": "dev_f1", "direction": "minimize"}])
    assert wrong.status_code == 422 and "makes dev_f1 worse" in wrong.text
    single = submit(app, objective={"metric": "dev_error"}).json()["id"]
    found = app.request("GET", f"/api/v1/searches/{single}/front").json()
    assert found["items"] == [] and "one objective" in found["reason"]
