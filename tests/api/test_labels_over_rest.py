"""Projects, tags, owners and the archive over REST, the client and the command line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.inprocess import App

SEARCH: dict[str, Any] = {
    "name": "found",
    "trainer": "external",
    "space": {"a": {"low": 0.0, "high": 1.0}},
    "strategy": "random",
    "budget": {"trials": 2},
}


def call(app: App, method: str, path: str, status: int = 200, **arguments: Any) -> Any:
    answer = app.request(method, f"/api/v1{path}", **arguments)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_search_is_labelled_listed_archived_and_found_again(app: App) -> None:
    labels = {"project": "fraud", "tags": ["night", "v2"]}
    made = call(app, "POST", "/searches", 201, json={**SEARCH, **labels})
    number = made["id"]
    assert {name: made[name] for name in labels} == labels and made["archived"] is None
    assert made["owner"] == "this machine"
    other = call(app, "POST", "/searches", 201, json=SEARCH)
    assert (other["project"], other["tags"]) == (None, [])

    def ids(query: str) -> list[int]:
        return [one["id"] for one in call(app, "GET", f"/searches?sort=id&{query}")["items"]]

    assert ids("project=fraud&tag=night&tag=v2&text=FOUND") == [number]
    assert ids("tag=night&tag=day") == []
    assert call(app, "PATCH", f"/searches/{number}", json={"tags": "day"})["tags"] == ["day"]
    said = call(app, "POST", f"/searches/{number}/archive", 409)["detail"]
    assert "pause or cancel it first" in said
    call(app, "POST", f"/searches/{number}/pause")
    assert call(app, "POST", f"/searches/{number}/archive")["archived"]
    assert ids("") == [other["id"]] and ids("archived=only") == [number]
    assert call(app, "POST", f"/searches/{number}/resume")["archived"] is None
    told = call(app, "GET", "/labels")
    assert told["tags"] == [{"name": "day", "searches": 1}]


@pytest.mark.parametrize("query", ["archived=maybe", "tags=a", "text=" + "x" * 201])
def test_a_filter_that_is_not_known_is_refused(app: App, query: str) -> None:
    assert call(app, "GET", f"/searches?{query}", 422)["errors"][0]["remedy"]
