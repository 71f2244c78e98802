"""What is wrong with a search is said when it is submitted: all at once, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.inprocess import App, running

API = "/api/v1"
FLOWER = "sepal,petal,nothing,kind\n" + "".join(f"{i},{i % 7},,{'abc'[i % 3]}\n" for i in range(60))
GAPS = "sepal,petal,kind\n" + "".join(f"{i},{i % 7},{'abc'[i % 3] if i % 9 else ''}\n" for i in range(60))
MINE = {"name": "flower", "ignore": ["nothing"]}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("data")) as app:
        for name, content in (("flower", FLOWER), ("gaps", GAPS), ("more", f"{FLOWER}1,2,,d\n")):
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
    assert (
        problems(
            app, spec(trainer="external", dataset={}, objective={"metric": "f1", "direction": "maximize"})
        )
        == {}
    )
    assert "objective.direction" in problems(
        app, spec(trainer="external", dataset={}, objective={"metric": "f1"})
    )


@pytest.mark.parametrize(
    ("dataset", "field", "text"),
    [
        (
            {"target": "kindd"},
            "dataset.target",
            "flower has no column 'kindd' (did you mean 'kind'? it has sepal",
        ),
        ({"dev": {"name": "more"}}, "dataset.dev.name", "more has the class 'd', which flower does not have"),
        ({"split": {"train": 1.0}}, "dataset.split", "there is no dev set"),
        ({"target": 2}, "dataset.target", "flower has no column 2 (it has sepal"),
        ({"ignore": ["nothing", "foo"]}, "dataset.ignore", "flower has no column 'foo'"),
        ({"categorical": ["petals"]}, "dataset.categorical", "did you mean 'petal'?"),
        ({"task": "regression"}, "dataset.task", "the target 'kind' has texts"),
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


@pytest.mark.parametrize("odd", [{"a": 1}, [["a"]], [{}], 1.5, True, None])
@pytest.mark.parametrize("key", ["target", "ignore", "categorical", "task", "dev", "split", "name"])
def test_odd_values_break_nothing(app: App, key: str, odd: Any) -> None:
    problems(app, spec(dataset={**MINE, key: odd}))


def test_everything_is_said_at_once(app: App) -> None:
    found = problems(
        app,
        {
            "dataset": {"name": "flowr", "split": {"train": 0.9, "dev": 0.9}, "dev": {"name": "digit"}},
            "settings": {"epoch": 30, "optimizer": "adm", "batch_size": 0},
            "space": {
                "learnin_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
                "l2": {"low": 2, "high": 1},
                "keep_prob": {"low": 0.5, "high": 2.0},
            },
            "enqueued": [{"l2": 3}],
            "objective": {"metric": "dev_eror"},
            "schedule": [{"epoch": 5000, "set": {"l2": 1}}],
            "warm_start": {"search": 99},
            "mode": "pandas",
            "datset": {},
        },
    )
    assert set(found) == {
        "dataset.name",
        "dataset.dev.name",
        "dataset.split",
        "settings.epoch",
        "settings.optimizer",
        "settings.batch_size",
        "space.learnin_rate",
        "space.l2.low",
        "space.keep_prob",
        "objective.metric",
        "schedule.0.epoch",
        "warm_start.search",
        "budget",
        "mode",
        "datset",
    }
    meant = {
        "dataset.name": "flower",
        "dataset.dev.name": "digits",
        "settings.epoch": "epochs",
        "datset": "dataset",
    }
    for field, name in {
        **meant,
        "space.learnin_rate": "learning_rate",
        "objective.metric": "dev_error",
    }.items():
        assert f"did you mean '{name}'?" in found[field]
    assert "epochs below" not in found["schedule.0.epoch"] and "30" in found["schedule.0.epoch"]


@pytest.mark.parametrize("body", [[], 5, "text"])
def test_a_body_that_is_no_object(app: App, body: Any) -> None:
    found = problems(app, body)
    assert list(found) == ["body"] and "is not an object (send an object with a space" in found["body"]


def test_an_unknown_trainer(app: App) -> None:
    found = problems(app, spec(trainer="externl"))["trainer"]
    assert "did you mean 'external'? known: mlp, external (a script of your own)" in found


@pytest.mark.parametrize(("epoch", "epochs", "said"), [(40, 40, True), (39, 40, False), (30, None, True)])
def test_a_change_after_the_last_epoch(app: App, epoch: int, epochs: int | None, said: bool) -> None:
    settings = {} if epochs is None else {"epochs": epochs}
    schedule = [{"epoch": epoch, "set": {"l2": 1}}]
    found = problems(app, spec(settings=settings, schedule=schedule))
    assert list(found) == (["schedule.0.epoch"] if said else [])


def test_a_schedule_may_give_more_epochs(app: App) -> None:
    schedule = [{"epoch": 20, "set": {"epochs": 60}}, {"epoch": 50, "set": {"l2": 1}}]
    assert problems(app, spec(schedule=schedule)) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"space": {"epochs": {"type": "int", "low": 10, "high": 50}}},
        {"space": {"epochs": {"choices": [20, 50, 10]}}},
        {"space": {"epochs": {"value": 50}}},
        {"strategy": {"name": "coarse_to_fine", "epochs_per_round": [5, 20, 50]}},
    ],
)
def test_the_longest_trial_counts(app: App, changes: dict[str, Any]) -> None:
    assert problems(app, spec(**changes, schedule=[{"epoch": 49, "set": {"l2": 1}}])) == {}
    late = problems(app, spec(**changes, schedule=[{"epoch": 50, "set": {"l2": 1}}]))
    assert "they have 50 at most" in late["schedule.0.epoch"]


@pytest.mark.parametrize(("name", "text"), [("digits", "built-in data set"), ("a/b", "is not a name")])
def test_names_of_uploads(app: App, name: str, text: str) -> None:
    refused = app.request("POST", f"{API}/datasets", params={"name": name}, content=FLOWER.encode())
    assert refused.status_code == 422 and text in refused.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("path", "params", "field", "text"),
    [
        ("/searches", {"limit": "many"}, "limit", "'many' is not an integer (give an integer)"),
        ("/searches", {"limit": 0}, "limit", "'0' is below 1 (give at least 1)"),
        ("/searches/first", {}, "search", "'first' is not an integer (give an integer)"),
    ],
)
def test_other_requests_are_answered_in_the_same_words(
    app: App, path: str, params: dict[str, Any], field: str, text: str
) -> None:
    (one,) = app.request("GET", f"{API}{path}", params=params).json()["errors"]
    assert (one["field"], f"{one['message']} ({one['remedy']})") == (field, text)


def test_a_body_of_another_request(app: App) -> None:
    search = app.request("POST", f"{API}/searches", json=spec()).json()["id"]
    for body, text in (([], "is not an object"), ({}, "is missing"), ({"points": 5}, "5 is not a list")):
        errors = app.request("POST", f"{API}/searches/{search}/points", json=body).json()["errors"]
        assert text in errors[0]["message"], errors
