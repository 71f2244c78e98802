"""Further sources of training rows over REST: what does not fit is refused before anything is trained."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.inprocess import App
from tests.support.trained_trials import API

CELLS = "\n".join(f"{i % 7},{i % 5},{'yes' if i % 3 else 'no'}" for i in range(50))


@pytest.fixture(scope="module")
def sets(app: App) -> None:
    """Data sets of 50 rows: the own one, one like it, and one with another class."""
    for name, rows in (
        ("own", CELLS),
        ("web", CELLS.replace("6,", "8,")),
        ("odd", CELLS.replace("no", "perhaps")),
    ):
        sent = f"a,b,y\n{rows}".encode()
        made = app.request("POST", f"{API}/datasets", params={"name": name, "target": "y"}, content=sent)
        assert made.status_code == 201, made.text


def search(more: Any, **dataset: Any) -> dict[str, Any]:
    space = {"learning_rate": {"scale": "log", "low": 1e-3, "high": 1e-2}}
    told = {"name": "own", "more_training_data": more, **dataset}
    return {"name": "s", "dataset": told, "space": space, "budget": {"trials": 1}}


@pytest.mark.parametrize(
    ("more", "dataset", "field", "said"),
    [
        ("web", {}, "", "not a list of sources"),
        ([{"share": 0.1}], {}, ".0.name", "no data is named"),
        ([{"name": "web", "share": 1}], {}, ".0.share", "between 0 and 1"),
        ([{"name": "web", "share": 0.9}], {}, ".0.share", "give at most 0.625"),
        ([{"name": "wep"}], {}, ".0.name", "did you mean 'web'"),
        ([{"name": "odd"}], {}, ".0.name", "has the class 'perhaps'"),
        ([{"name": "iris"}], {}, ".0.name", "lacks the columns a, b"),
        ([{"name": "own"}], {}, ".0.name", "would be trained on"),
        ([{"name": "web"}], {"dev": {"name": "web"}}, ".0.name", "would be trained on"),
        ([{"path": "/etc/passwd"}], {}, ".0.path", "cannot read files"),
    ],
)
def test_what_cannot_be_added_is_refused(
    app: App, sets: None, more: Any, dataset: dict[str, Any], field: str, said: str
) -> None:
    answer = app.request("POST", f"{API}/searches/check", json=search(more, **dataset))
    found = [(one["field"], f"{one['message']} {one['remedy']}") for one in answer.json()["errors"]]
    assert any(name == f"dataset.more_training_data{field}" and said in text for name, text in found), found


def test_agents_get_each_file_and_a_set_in_use_stays(app: App, sets: None) -> None:
    made = app.request("POST", f"{API}/searches", json=search([{"name": "web", "share": 0.25}]))
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    record = app.request("GET", f"{API}/searches/{number}/record").json()
    [source] = record["dataset"]["more_training_data"]
    assert source["share"] == 0.25
    assert source["upload"]["digest"].startswith("sha256:")
    web = next(
        one["id"] for one in app.request("GET", f"{API}/datasets").json()["items"] if one["name"] == "web"
    )
    assert app.request("DELETE", f"{API}/datasets/{web}").status_code == 409
    report = app.request("GET", f"{API}/searches/{number}/report").text
    assert "more_training_data" in report
