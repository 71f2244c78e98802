"""What is wrong with a search is said when it is submitted: all at once, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from inprocess import App, running

API = "/api/v1"
FLOWER = "sepal,petal,nothing,kind\n" + "".join(f"{i},{i % 7},,{'abc'[i % 3]}\n" for i in range(60))
GAPS = "sepal,petal,kind\n" + "".join(f"{i},{i % 7},{'abc'[i % 3] if i % 9 else ''}\n" for i in range(60))
MINE = {"name": "flower", "ignore": ["nothing"]}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("data")) as app:
        for name, content in (("flower", FLOWER), ("gaps", GAPS)):
            sent = app.request("POST", f"{API}/datasets", params={"name": name}, content=content.encode())
            assert sent.status_code == 201, sent.text
        yield app


def spec(**changes: Any) -> dict[str, Any]:
    space = {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0}}
    base = {"dataset": {"name": "digits"}, "strategy": "random", "space": space, "budget": {"trials": 3}}
    return {**base, **changes}


def problems(app: App, body: Any) -> dict[str, str]:
    """Message and remedy of each field, the same from a check and from a submission."""
    checked = app.request("POST", f"{API}/searches/check", json=body)
    assert checked.status_code == 200, checked.text
    found = checked.json()["errors"]
    submitted = app.request("POST", f"{API}/searches", json=body)
    assert submitted.status_code == (422 if found else 201), submitted.text
    assert submitted.json().get("errors", []) == found
    for one in found:
        assert one["field"] and one["message"] and one["remedy"], one
    return {one["field"]: f"{one['message']} ({one['remedy']})" for one in found}


def test_sound_searches_are_taken(app: App) -> None:
    assert problems(app, spec()) == {}
    assert problems(app, spec(dataset=MINE)) == {}
    assert problems(app, spec(dataset={**MINE, "target": "petal", "task": "regression"})) == {}
    assert problems(app, spec(dataset={**MINE, "dev": {"name": "flower"}})) == {}
    train_dev = {"name": "digits", "split": {"train": 0.7, "dev": 0.3, "train_dev": 0.1}}
    assert problems(app, spec(dataset=train_dev, objective={"metric": "train_dev_error"})) == {}


@pytest.mark.parametrize("metric", ["dev_acc", "f1", "train_dev_error"])
def test_a_metric_that_the_trainer_does_not_report(app: App, metric: str) -> None:
    found = problems(app, spec(objective={"metric": metric}))
    assert list(found) == ["objective.metric"]
    assert found["objective.metric"].startswith(f"mlp reports no metric '{metric}'")


def test_a_misspelt_metric(app: App) -> None:
    assert (
        "did you mean 'dev_error'?"
        in problems(app, spec(objective={"metric": "dev_eror"}))["objective.metric"]
    )


def test_any_metric_of_a_script(app: App) -> None:
    assert problems(app, spec(trainer="external", dataset={}, objective={"metric": "f1"})) == {}


@pytest.mark.parametrize(
    ("dataset", "field", "text"),
    [
        (
            {"target": "kindd"},
            "dataset.target",
            "flower has no column 'kindd' (did you mean 'kind'? it has sepal",
        ),
        ({"target": 2}, "dataset.target", "flower has no column 2 (it has sepal"),
        ({"ignore": ["nothing", "foo"]}, "dataset.ignore", "flower has no column 'foo'"),
        ({"categorical": ["petals"]}, "dataset.categorical", "did you mean 'petal'?"),
        ({"task": "regression"}, "dataset.task", "the target 'kind' has texts"),
        ({"ignore": []}, "dataset.ignore", "column 'nothing' of flower has no value in any row"),
        ({"target": "nothing", "ignore": []}, "dataset.target", "the target 'nothing' has 60 missing cells"),
        (
            {"name": "gaps", "ignore": []},
            "dataset.target",
            "the file, row 1: the target is missing (7 such rows)",
        ),
        (
            {"dev": {"name": "gaps"}, "ignore": [], "target": "petal"},
            "dataset.dev.name",
            "gaps lacks the columns nothing of flower",
        ),
    ],
)
def test_data_that_cannot_be_trained_on(app: App, dataset: Any, field: str, text: str) -> None:
    assert text in problems(app, spec(dataset={**MINE, **dataset}))[field]
