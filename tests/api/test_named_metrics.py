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


def fraud(app: App) -> str:
    """Upload a table of which one row in twenty is of the rare class; give its name."""
    rows = "\n".join(f"{row % 7},{row * row % 11},{'no' if row % 20 else 'yes'}" for row in range(400))
    answer = app.request("POST", f"{API}/datasets?name=fraud", content=f"a,b,fraud\n{rows}\n")
    assert answer.status_code in (200, 201), answer.text
    return "fraud"


@pytest.mark.parametrize(
    ("metric", "trainer", "hinted"),
    [
        ("dev_error", "mlp", True),
        ("dev_accuracy", "mlp", True),
        ("dev_f1", "mlp", False),
        ("dev_error", "external", False),
    ],
)
def test_a_rare_class_asks_for_another_metric(app: App, metric: str, trainer: str, hinted: bool) -> None:
    wanted = {"name": "rare", "dataset": {"name": fraud(app)}, "objective": {"metric": metric}}
    answer = app.request(
        "POST",
        f"{API}/searches",
        json={**SEARCH, **wanted, "settings": {}, "metrics": [], "trainer": trainer},
    )
    assert answer.status_code == 201, answer.text
    found = answer.json()["warnings"]
    assert [one["field"] for one in found] == ["objective.metric"] * hinted
    if hinted:
        assert "95.00% of the rows are of the class 'no'" in found[0]["message"]
        assert "dev_average_precision" in found[0]["remedy"]
    app.request("POST", f"{API}/searches/{answer.json()['id']}/cancel")
