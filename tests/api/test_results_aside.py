"""Results that do not count: trials that break a constraint, and those a person takes out and puts back."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.support.inprocess import App
from tests.support.inprocess_agents import agents, finished, searched

SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"epochs": 4},
    "space": {
        "hidden_units": {"type": "int", "low": 2, "high": 60},
        "learning_rate": {"scale": "log", "low": 0.001, "high": 0.1},
    },
    "strategy": "random",
    "subject_to": {"parameters": {"max": 200}},
    "budget": {"trials": 10},
    "seed": 5,
}


def submit(app: App, **changes: Any) -> dict[str, Any]:
    answer = app.request("POST", "/api/v1/searches", json={**SEARCH, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def get(app: App, path: str, **params: Any) -> Any:
    answer = app.request("GET", f"/api/v1{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_trials_that_break_a_constraint_come_last_and_say_so(app: App) -> None:
    trials = searched(app, SEARCH)
    search = trials[0]["search"]
    big = [one for one in trials if one["metrics"]["parameters"] > 200]
    assert 0 < len(big) < len(trials)
    for one in trials:
        if one in big:
            assert one["value"] is None and one["withheld"] == one["metrics"]["dev_error"]
            assert one["broken"] == f"parameters {one['metrics']['parameters']:g} is above 200"
            assert one["state"] == "completed"
        else:
            assert one["value"] is not None and one["withheld"] is one["broken"] is None
    kept = sorted((one["value"], one["number"]) for one in trials if one not in big)
    best = get(app, f"/searches/{search}/best", k=10)["items"]
    assert [(one["value"], one["number"]) for one in best] == kept
    assert get(app, f"/searches/{search}")["best"]["number"] == kept[0][1]
    for sort in ("value", "-value"):
        listed = get(app, f"/searches/{search}/trials", sort=sort)["items"]
        assert {one["id"] for one in listed[-len(big) :]} == {one["id"] for one in big}
    aside = get(app, f"/searches/{search}/history")["aside"]
    assert {one["number"]: one["why"] for one in aside} == {one["number"]: one["broken"] for one in big}
    exported = app.request("GET", f"/api/v1/searches/{search}/export", params={"format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert [row["broken"] for row in rows] == [one["broken"] or "" for one in trials]


def test_unknown_metrics_are_refused_and_times_are_warned_of(app: App) -> None:
    for unknown, remedy in (("predict_seconds", "it reports"), ("dev_eror", "did you mean 'dev_error'")):
        answer = app.request("POST", "/api/v1/searches", json={**SEARCH, "subject_to": {unknown: {"max": 2}}})
        assert answer.status_code == 422
        (problem,) = answer.json()["errors"]
        assert problem["field"] == f"subject_to.{unknown}" and remedy in problem["remedy"]
    warned = submit(app, subject_to={"predict_ms": {"max": 100}}, budget={"trials": 1})["warnings"]
    assert [one["field"] for one in warned] == ["subject_to.predict_ms"]
    assert "clock" in warned[0]["message"]
    assert submit(app)["warnings"] == []


def excluded(app: App, trial: str, reason: str = "the wrong data") -> Any:
    return app.request("POST", f"/api/v1/trials/{trial}/exclude", json={"reason": reason})


def test_a_wrong_result_is_taken_out_and_put_back(app: App) -> None:
    trials = searched(app, {**SEARCH, "subject_to": {}})
    search = trials[0]["search"]
    before, history = get(app, f"/searches/{search}"), get(app, f"/searches/{search}/history")
    best = before["best"]["trial"]
    assert excluded(app, best, "  ").status_code == 422
    out = excluded(app, best).json()
    assert (out["state"], out["value"], out["excluded"]) == ("completed", None, "the wrong data")
    assert out["withheld"] == before["best"]["value"] and out["excluded_by"] and out["excluded_at"]
    assert excluded(app, best).status_code == 409
    after = get(app, f"/searches/{search}")
    values = sorted((one["value"], one["number"]) for one in trials if one["id"] != best)
    assert (after["best"]["value"], after["best"]["number"]) == values[0]
    assert after["version"] == before["version"] + 1
    assert [one["id"] for one in get(app, f"/searches/{search}/best", k=20)["items"]].count(best) == 0
    course = get(app, f"/searches/{search}/history")
    assert course["aside"][0]["why"] == "excluded: the wrong data"
    assert course["best"] != history["best"] or course["value"] != history["value"]
    edits = get(app, f"/searches/{search}/edits")["items"]
    number = best.split(".")[1]
    assert edits[-1]["after"][f"trial {number}"]["why"] == "the wrong data"

    back = app.request("POST", f"/api/v1/trials/{best}/include").json()
    assert (back["value"], back["excluded"], back["withheld"]) == (before["best"]["value"], None, None)
    assert get(app, f"/searches/{search}")["best"] == before["best"]
    assert get(app, f"/searches/{search}/history") == history
    assert app.request("POST", f"/api/v1/trials/{best}/include").status_code == 409


def test_proposals_obey_an_exclusion_and_repeat_after_it(app: App) -> None:
    """What is proposed after an exclusion follows from the log: the same at the same place, twice."""

    def tried(exclude: bool) -> list[Any]:
        fields: dict[str, Any] = {"strategy": "coarse_to_fine", "subject_to": {}, "lag": 1}
        search = searched(app, {**SEARCH, **fields})[0]["search"]
        if exclude:
            best = get(app, f"/searches/{search}")["best"]["trial"]
            assert excluded(app, best).status_code == 200
        app.request("PATCH", f"/api/v1/searches/{search}", json={"budget": {"trials": 14}})
        with agents(app):
            return [one["params"] for one in finished(app, search)]

    first, second, without = tried(True), tried(True), tried(False)
    assert first == second
    assert first[:10] == without[:10] and first[10:] != without[10:]


def test_there_must_be_a_result(app: App) -> None:
    search = submit(app)["id"]
    app.request(
        "POST",
        f"/api/v1/searches/{search}/points",
        json={"points": [{"hidden_units": 3, "learning_rate": 0.1}]},
    )
    answer = excluded(app, f"{search}.0")
    assert answer.status_code == 409 and "no result yet" in answer.text
    app.request("POST", f"/api/v1/searches/{search}/cancel")
    assert "was cancelled" in excluded(app, f"{search}.0").text
    assert excluded(app, f"{search}.99").status_code == 404
