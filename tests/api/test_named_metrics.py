"""A search by a metric that it names: submitted, trained by an agent, and its direction followed."""

from collections.abc import Iterator

import pytest

from tests.support.inprocess import App, running
from tests.support.inprocess_agents import agents, finished

API = "/api/v1"
SEARCH = {
    "name": "named",
    "dataset": {"name": "breast_cancer"},
    "settings": {"epochs": 3, "positive_class": "malignant", "threshold": "dev", "class_weight": "balanced"},
    "space": {"learning_rate": {"scale": "log", "low": 0.0001, "high": 0.1}},
    "strategy": "random",
    "objective": {"metric": "dev_f1"},
    "metrics": ["dev_roc_auc", "train_recall", "parameters", "predict_ms"],
    "budget": {"trials": 3},
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("data")) as app:
        yield app


def test_a_search_by_f1(app: App) -> None:
    search = app.request("POST", f"{API}/searches", json=SEARCH).json()
    assert search["spec"]["objective"] == {"metric": "dev_f1", "direction": "maximize"}
    with agents(app):
        trials = finished(app, search["id"])
    for trial in trials:
        assert {"dev_f1", *SEARCH["metrics"]} <= set(trial["metrics"])
        assert trial["value"] == trial["metrics"]["dev_f1"] > 0.5
        assert trial["metrics"]["parameters"] == 30 * 100 + 100 + 100 + 1
    best = app.request("GET", f"{API}/searches/{search['id']}").json()["best"]
    assert best["value"] == max(trial["value"] for trial in trials)


def test_the_other_direction_is_refused(app: App) -> None:
    wrong = {**SEARCH, "objective": {"metric": "dev_f1", "direction": "minimize"}}
    answer = app.request("POST", f"{API}/searches", json=wrong)
    assert answer.status_code == 422 and "objective.direction" in answer.text
