"""Searches whose trials start from a model: found, checked, copied, and trained again bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caviar.agents.datasets import DataCache
from caviar.service.security.rules import needed
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model
from tests.support.inprocess import App
from tests.support.inprocess_agents import agents, transport
from tests.support.trained_trials import API, finished
from tests.support.waiting import wait

IRIS = {"name": "iris"}


@pytest.fixture(scope="module")
def trial(app: App) -> str:
    """A trial of iris with one hidden layer of 8 units, whose model is kept."""
    return finished(app, 1, IRIS).id


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("caviar.agents.datasets._folder", lambda: tmp_path / "cache")
    yield


def a_search(trial: Any, settings: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "name": "on",
        "dataset": IRIS,
        "space": {"learning_rate": {"scale": "log", "low": 1e-3, "high": 1e-2}},
        "budget": {"trials": 2},
        **changes,
        "settings": {"epochs": 2, "init_from": trial, **(settings or {})},
    }


def problems(app: App, search: dict[str, Any]) -> list[tuple[str, str, str]]:
    answer = app.request("POST", f"{API}/searches/check", json=search)
    assert answer.status_code == 200, answer.text
    return [(one["field"], one["message"], one["remedy"]) for one in answer.json()["errors"]]


def submitted(app: App, search: dict[str, Any]) -> dict[str, Any]:
    made = app.request("POST", f"{API}/searches", json=search)
    assert made.status_code == 201, made.text
    return dict(made.json())


def state(app: App, search: int) -> str:
    return str(app.request("GET", f"{API}/searches/{search}").json()["state"])


def test_a_search_goes_on_from_a_model_that_is_deleted_meanwhile(app: App) -> None:
    source = finished(app, 7, IRIS).id
    model = app.request("GET", f"{API}/trials/{source}/model").content
    space = {"frozen_layers": {"choices": [0, 1]}}
    made = submitted(app, a_search(source, space=space, strategy="grid"))
    settings = made["spec"]["settings"]
    assert settings["init_from"].startswith(f"{source}@sha256:")
    assert settings["hidden_units"] == [8]
    assert app.request("DELETE", f"{API}/searches/{source.split('.')[0]}").status_code == 204
    with agents(app, 2):
        wait(lambda: state(app, made["id"]) == "completed", 60, "its trials")
    trials = app.request("GET", f"{API}/searches/{made['id']}/trials").json()["items"]
    [frozen] = [one["id"] for one in trials if one["params"]["frozen_layers"] == 1]
    before = Model.load(model).tensors
    after = Model.load(app.request("GET", f"{API}/trials/{frozen}/model").content).tensors
    assert after["W1"].tobytes() == before["W1"].tobytes()
    assert after["W2"].tobytes() != before["W2"].tobytes()

    log = app.request("GET", f"{API}/trials/{frozen}/log").json()
    trainer = MLP()
    data = DataCache(transport(app)).get("mlp", trainer, log["dataset"], log["settings"])
    run = trainer.start(log["settings"], data, log["seed"])
    while run.status == "running":
        run.advance()
    kept = app.request("GET", f"{API}/trials/{frozen}/model").content
    assert Model.load(run.model()).tensors["W2"].tobytes() == Model.load(kept).tensors["W2"].tobytes()

    again = submitted(app, {**made["spec"], "name": "a copy"})  # by the digest: the trial is gone
    shown = app.request("GET", f"{API}/searches/{again['id']}/init-model")
    assert shown.content == model
    assert settings["init_from"].endswith(shown.headers["Caviar-Digest"])
    dev = next(one for one in trials if one["id"] == frozen)["metrics"]["dev_error"]
    judged = app.request("GET", f"{API}/trials/{frozen}/errors").json()
    assert judged["error"] == pytest.approx(dev)


def test_the_model_is_the_searchs_own_and_goes_with_it(app: App, trial: str) -> None:
    files = app.app.state.services.blobs.folder
    before = {*files.glob("*/models/*")}
    made = submitted(app, a_search(trial))
    assert len({*files.glob("*/models/*")} - before) == 1
    assert app.request("DELETE", f"{API}/searches/{made['id']}").status_code == 204
    assert {*files.glob("*/models/*")} == before
    assert app.request("GET", f"{API}/searches/{made['id']}/init-model").status_code == 404


def test_a_submission_that_is_repeated_leaves_no_second_copy(app: App, trial: str) -> None:
    files = app.app.state.services.blobs.folder
    before = {*files.glob("*/models/*")}
    answers = [
        app.request("POST", f"{API}/searches", json=a_search(trial), headers={"Idempotency-Key": "twice"})
        for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [201, 200]
    assert len({*files.glob("*/models/*")} - before) == 1
    address = f"{API}/searches/{answers[0].json()['id']}"
    assert app.request("GET", f"{address}/init-model").status_code == 200
    assert app.request("DELETE", address).status_code == 204


def test_a_search_without_a_model_has_none(app: App, trial: str) -> None:
    answer = app.request("GET", f"{API}/searches/{trial.split('.')[0]}/init-model")
    assert answer.status_code == 404
    assert "start from no model" in answer.json()["detail"]


def test_agents_may_fetch_it_and_readers_too() -> None:
    assert set(needed("GET", f"{API}/searches/3/init-model")) == {"read", "agent"}


def test_a_number_of_yaml_is_taken_where_it_is_clear(app: App, trial: str) -> None:
    assert problems(app, a_search(float(trial))) == []


def test_a_number_that_may_stand_for_two_trials_is_refused(app: App) -> None:
    search = submitted(
        app, {**a_search(None), "strategy": "random", "parallel": 20, "budget": {"trials": 20}}
    )["id"]
    services = app.app.state.services
    from tests.support.stores import ManualClock, World

    World(services.store, ManualClock(), services.proposer).exchange(3, want=20, searches=[search])
    [(field, message, remedy)] = problems(app, a_search(float(f"{search}.1")))
    assert field == "settings.init_from"
    assert f"{search}.10" in message
    assert f'"{search}.1"' in remedy


@pytest.mark.parametrize(
    ("settings", "changes", "field", "said"),
    [
        ({"init_from": "999.0"}, {}, "settings.init_from", "no trial 999.0"),
        ({"init_from": "/etc/passwd"}, {}, "settings.init_from", "does not name a trial"),
        ({"init_from": 3}, {}, "settings.init_from", "does not name a trial"),
        ({"hidden_units": 9}, {}, "settings.hidden_units", "[8]"),
        ({"hidden_layers": 2}, {}, "settings.hidden_units", "[8]"),
        ({"activation": "tanh"}, {}, "settings.activation", "relu"),
        ({"frozen_layers": 2}, {}, "settings.frozen_layers", "of 1 hidden"),
        ({"normalize": False}, {}, "settings.normalize", "prepared as for the model"),
        ({}, {"dataset": {"name": "digits"}}, "settings.init_from", "4 columns"),
        ({}, {"dataset": {**IRIS, "ignore": ["petal width (cm)"]}}, "settings.init_from", "petal width"),
        ({}, {"dataset": {**IRIS, "init_from": {"path": "/x"}}}, "dataset.init_from", "set by the server"),
        (
            {},
            {"space": {"hidden_units": {"scale": "linear", "type": "int", "low": 4, "high": 9}}},
            "space.hidden_units",
            "that of the model",
        ),
        (
            {"init_from": None},
            {"space": {"init_from": {"choices": ["1.0", "2.0"]}}},
            "space.init_from",
            "one model",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_submission(
    app: App, trial: str, settings: dict[str, Any], changes: dict[str, Any], field: str, said: str
) -> None:
    found = problems(app, a_search(trial, settings, **changes))
    assert field in [one[0] for one in found]
    assert any(said in " ".join(one) for one in found if one[0] == field), found


def test_a_trial_without_a_model_says_how_to_get_one(app: App) -> None:
    from tests.support.trained_trials import Trial

    bare = Trial(app, 5, IRIS)
    bare.end(dev_error=0.5)
    [(field, message, remedy)] = problems(app, a_search(bare.id))
    assert (field, message) == ("settings.init_from", f"trial {bare.id} has no stored model")
    assert f"caviar rerun {bare.id}" in remedy


def test_other_classes_are_fine_and_columns_must_be_there(app: App, trial: str) -> None:
    rows = "\n".join(f"{i % 7},{i % 5},{i % 3},{i % 4},{i % 6},{'ab'[i % 2]}" for i in range(60))
    sent = "petal length (cm),height (cm),sepal length (cm),sepal width (cm),petal width (cm),kind\n" + rows
    query = {"name": "flowers", "target": "kind"}
    made = app.request("POST", f"{API}/datasets", params=query, content=sent.encode())
    assert made.status_code == 201, made.text
    flowers: dict[str, Any] = {"name": "flowers"}
    assert problems(app, a_search(trial, dataset={**flowers, "ignore": ["height (cm)"]})) == []
    found = problems(app, a_search(trial, dataset={**flowers, "ignore": ["sepal width (cm)"]}))
    assert [one[0] for one in found] == ["settings.init_from"] * 2
    assert "sepal width (cm)" in found[0][1]
    assert "height (cm)" in found[1][1]
    assert "dataset.ignore" in found[1][2]


def test_rows_that_the_model_learned_from_are_warned_of(app: App, trial: str) -> None:
    same, other = (submitted(app, a_search(trial, dataset={**IRIS, "seed": seed})) for seed in (0, 1))
    assert same["warnings"] == []
    dev, test = other["warnings"]
    assert "learned from rows of iris" in dev["message"] and "this dev set" in dev["message"]
    assert "this test set" in test["message"] and trial in dev["remedy"]
