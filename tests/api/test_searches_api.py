"""Searches, trials and the worker exchange over REST, as docs/interfaces.md has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from caviar.exchange.wire import ExchangeResponse
from caviar.service.api import records
from tests.support.inprocess import App, running

AGENT = {"id": "a-0123456789abcdef", "host": "h", "pid": 1, "engine": "script", "trainers": ["external"]}
API = "/api/v1"


def spec(**changes: Any) -> dict[str, Any]:
    space = {"a": {"scale": "log", "low": 1e-4, "high": 1.0}}
    base = {
        "name": "api",
        "trainer": "external",
        "strategy": "random",
        "space": space,
        "budget": {"trials": 3},
    }
    return {**base, **changes}


def submitted(app: App, **changes: Any) -> dict[str, Any]:
    response = app.request("POST", f"{API}/searches", json=spec(**changes))
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def exchange(app: App, search: int, **more: Any) -> dict[str, Any]:
    body = {"agent": {**AGENT, "searches": [search]}, **more}
    response = app.request("POST", f"{API}/exchange", json=body)
    assert response.status_code == 200, response.text
    TypeAdapter(ExchangeResponse).validate_json(response.content)
    found: dict[str, Any] = response.json()
    return found


def problem(response: Any, status: int, field: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["status"], set(body) >= {"type", "title", "detail", "errors"}) == (status, True)
    if field is not None:
        assert field in [one["field"] for one in body["errors"]], body
    return body


def test_a_search_runs_to_its_end(app: App) -> None:
    search = submitted(app)
    number = search["id"]
    TypeAdapter(records.Search).validate_python(search)
    given = exchange(app, number, want=5)
    assert list(given["searches"]) == [str(number)]
    reports = [
        {
            "trial": trial["trial"],
            "attempt": 1,
            "first": 1,
            "columns": ["train_cost", "dev_error"],
            "rows": [[1.0, 0.5], [0.5, 0.25]],
            "result": {"state": "completed", "metrics": {"dev_error": 0.1 * trial["number"]}, "epoch": 2},
        }
        for trial in given["trials"]
    ]
    assert exchange(app, number, reports=reports, known=[number])["searches"] == {}
    found = app.request("GET", f"{API}/searches/{number}").json()
    assert (found["state"], found["finished"], found["counts"]["completed"]) == ("completed", 3, 3)
    assert found["best"]["trial"] == f"{number}.0"
    page = app.request("GET", f"{API}/searches/{number}/trials?sort=-value&limit=2").json()
    TypeAdapter(records.TrialPage).validate_python(page)
    assert [trial["number"] for trial in page["items"]] == [2, 1]
    rest = app.request(
        "GET", f"{API}/searches/{number}/trials?sort=-value&limit=2&cursor={page['next']}"
    ).json()
    assert ([trial["number"] for trial in rest["items"]], rest["next"]) == ([0], None)
    best = app.request("GET", f"{API}/searches/{number}/best?k=1").json()["items"]
    assert [trial["number"] for trial in best] == [0]
    curve = app.request("GET", f"{API}/trials/{number}.0/curve").json()
    assert curve["branches"][0]["dev_error"] == [0.5, 0.25]
    assert app.request("GET", f"{API}/trials/{number}.0/curve?points=10").json() == curve
    problem(app.request("GET", f"{API}/trials/{number}.0/curve?points=9"), 422, "points")


@pytest.mark.one_server("the clock of its own connection is moved")
def test_the_rate_goes_by_the_clock_of_the_database(tmp_path: Path) -> None:
    """That of the server may be wrong by any time."""
    with running(tmp_path) as app:
        store = app.app.state.services.store
        ahead = store.dialect.now
        shift = [3600.0]
        store.dialect.now = lambda connection: ahead(connection) + shift[0]
        number = submitted(app)["id"]
        [given] = exchange(app, number, want=1)["trials"]
        shift[0] += 0.1
        done = {"state": "completed", "metrics": {"dev_error": 0.1}, "epoch": 2}
        exchange(app, number, reports=[{"trial": given["trial"], "attempt": 1, "result": done}])
        listed = app.request("GET", f"{API}/searches").json()["items"][0]
        found = app.request("GET", f"{API}/searches/{number}").json()
    assert 0 < found["rate"] <= 10
    assert 0 < listed["rate"] <= 10


def test_checkpoints_come_back_as_they_were_sent(app: App) -> None:
    import hashlib

    number = submitted(app)["id"]
    [trial] = exchange(app, number, want=1)["trials"]
    digest = "sha256:" + hashlib.sha256(b"weights").hexdigest()
    path = f"{API}/trials/{trial['trial']}/checkpoints"
    query = {"attempt": 1, "epoch": 1, "step": 10, "digest": digest}
    stored = app.request("PUT", path, params=query, content=b"weights")
    assert stored.status_code == 201, stored.text
    back = app.request("GET", f"{API}/checkpoints/{stored.json()['id']}")
    assert (back.content, back.headers["caviar-digest"]) == (b"weights", digest)
    problem(app.request("PUT", path, params=query, content=b"other"), 422, "digest")
    problem(app.request("PUT", path, params={**query, "attempt": 2}, content=b"weights"), 409)
    assert app.request("DELETE", f"{API}/searches/{number}").status_code == 204
    problem(app.request("GET", f"{API}/checkpoints/{stored.json()['id']}"), 404)


def test_an_edit_needs_the_version_it_was_made_from(app: App) -> None:
    response = app.request("POST", f"{API}/searches", json=spec())
    number, tag = response.json()["id"], response.headers["etag"]
    path = f"{API}/searches/{number}"
    first = app.request("PATCH", path, json={"parallel": 3}, headers={"If-Match": tag})
    assert (first.status_code, first.json()["parallel"]) == (200, 3)
    problem(app.request("PATCH", path, json={"parallel": 4}, headers={"If-Match": tag}), 412)
    problem(app.request("PATCH", path, json={"seed": 4}), 422, "seed")
    problem(app.request("PATCH", path, json={"space": {"a": {"scale": "log", "low": 0, "high": 1}}}), 422)
    assert app.request("GET", path).json()["parallel"] == 3


def test_pause_resume_cancel(app: App) -> None:
    number = submitted(app)["id"]
    for verb, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        assert app.request("POST", f"{API}/searches/{number}/{verb}").json()["state"] == state
    problem(app.request("POST", f"{API}/searches/{number}/resume"), 409)


def test_the_same_key_submits_once(app: App) -> None:
    headers = {"Idempotency-Key": "abc"}
    first = app.request("POST", f"{API}/searches", json=spec(), headers=headers)
    again = app.request("POST", f"{API}/searches", json=spec(), headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    problem(app.request("POST", f"{API}/searches", json=spec(name="other"), headers=headers), 409)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"space": {"a": {"scale": "log", "low": 0, "high": 1}}}, "space.a.low"),
        ({"space": {"a": {"scale": "linear", "low": 2, "high": 1}}}, "space.a.low"),
        ({"space": {"a": {"scale": "one_minus_log", "low": 0.5, "high": 1.0}}}, "space.a.high"),
        ({"space": {"a": {"choices": []}}}, "space.a.choices"),
        ({"trainer": "unheard"}, "trainer"),
        ({"trainer": "mlp", "space": {"lerning_rate": {"scale": "log", "low": 1e-3, "high": 1}}}, None),
        ({"trainer": "mlp", "dataset": {"name": "nothing"}}, None),
        ({"budget": {"trials": 0}}, "budget.trials"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_stored(
    app: App, changes: dict[str, Any], field: str | None
) -> None:
    before = app.request("GET", f"{API}/searches").json()["total"]
    body = problem(app.request("POST", f"{API}/searches", json=spec(**changes)), 422, field)
    assert all(one["message"] and one["remedy"] for one in body["errors"]), body
    assert app.request("GET", f"{API}/searches").json()["total"] == before
    checked = app.request("POST", f"{API}/searches/check", json=spec(**changes)).json()
    assert checked["errors"] == body["errors"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/searches/999999", 404),
        ("GET", "/searches/x", 422),
        ("GET", "/searches/99999999999999999999", 422),
        ("GET", "/trials/1", 404),
        ("GET", "/trials/1.99999", 404),
        ("GET", "/trials/abc/curve", 404),
        ("GET", "/nothing", 404),
        ("PUT", "/searches", 405),
        ("GET", "/searches?limit=1001", 422),
        ("GET", "/searches?color=red", 422),
        ("GET", "/searches?sort=seed", 422),
        ("GET", "/searches?cursor=%00", 422),
        ("GET", "/searches?state=asleep", 422),
    ],
)
def test_every_error_has_one_shape(app: App, method: str, path: str, status: int) -> None:
    problem(app.request(method, API + path), status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"agent": {"id": "x"}}',
        b'{"agent": {"id": "a-0123456789abcdef"}, "want": -1}',
        b'{"agent": {"id": "a-0123456789abcdef"}, "holding": [["1", 1]]}',
        b'{"agent": {"id": "a-0123456789abcdef"}, "reports": [{"trial": "1.1", "attempt": 1, '
        b'"columns": ["a"], "rows": [[1, 2]]}]}',
    ],
)
def test_exchanges_that_make_no_sense_are_refused(app: App, body: bytes) -> None:
    problem(
        app.request("POST", f"{API}/exchange", content=body, headers={"content-type": "application/json"}),
        422,
    )


def test_openapi_is_complete(app: App) -> None:
    document = app.request("GET", f"{API}/openapi.json").json()
    known = document["components"]["schemas"]

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref", "")
            if reference.startswith("#/components/schemas/"):
                assert reference.rsplit("/", 1)[1] in known, reference
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    assert {"SearchSpec", "ExchangeRequest", "Problem"} <= set(known)


def test_yaml_is_read_as_json_or_refused(app: App) -> None:
    read = app.request("POST", f"{API}/searches/parse", content=b"name: a\nspace: {b: {low: 1}}")
    assert read.json() == {"spec": {"name": "a", "space": {"b": {"low": 1}}}}
    problem(app.request("POST", f"{API}/searches/parse", content=b"a: &a [*a]"), 422, "body")


def test_pictures_follow_a_trial_while_it_trains(app: App) -> None:
    number = submitted(app)["id"]
    [trial] = exchange(app, number, want=1)["trials"]
    path = f"{API}/searches/{number}"
    for epoch in (1, 2):
        report = {
            "trial": trial["trial"],
            "attempt": 1,
            "first": epoch,
            "columns": ["dev_error"],
            "rows": [[0.5]],
        }
        exchange(app, number, reports=[report], holding=[[trial["trial"], 1]], known=[number])
        [curve] = app.request("GET", f"{path}/curves").json()["items"]
        columns = app.request("GET", f"{path}/columns?fields=number,epoch").json()["columns"]
        assert (curve["epoch"][-1], columns["epoch"]) == (epoch, [epoch])


def test_curves_are_those_of_the_objective(app: App) -> None:
    number = submitted(app, objective={"metric": "score", "direction": "maximize"})["id"]
    path = f"{API}/searches/{number}/curves"
    assert app.request("GET", path).json()["metric"] == "score"
    assert app.request("GET", f"{path}?metric=loss").json()["metric"] == "loss"


def test_of_very_many_problems_the_first_are_told(app: App) -> None:
    number = submitted(app, budget={"trials": 300})["id"]
    path = f"{API}/searches/{number}/points"
    told = problem(app.request("POST", path, json={"points": [{}] * 250}), 422, "points.99.a")["errors"]
    assert (len(told), told[-1]["message"]) == (101, "has 150 more problems")
    left = problem(app.request("POST", path, json={"points": [{}] * 301}), 422, "points")
    assert "leaves 300" in left["detail"] and len(left["errors"]) == 1
    problem(app.request("POST", path, json={"points": [{}] * 10_001}), 422, "points")
    wrong = spec(enqueued=[{}] * 250)
    body = problem(app.request("POST", f"{API}/searches", json=wrong), 422, "enqueued.99.a")
    assert len(body["errors"]) == 101 and len(body["detail"]) < 1000
    assert app.request("POST", f"{API}/searches/check", json=wrong).json()["errors"] == body["errors"]
