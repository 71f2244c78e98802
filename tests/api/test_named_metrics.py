"""A search by a metric that it names: submitted, trained by an agent, and its direction followed."""

import pytest

from tests.support.inprocess import App
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


def houses(app: App) -> str:
    """Upload a table of numbers to predict, with a column of texts, one of gaps and one below 0."""
    rows = "\n".join(
        f"{row % 9},{row % 3 - 1},{'' if row % 50 == 7 else row % 5},{'ns'[row % 2]},{row * 1.5}"
        for row in range(300)
    )
    answer = app.request(
        "POST", f"{API}/datasets?name=houses&target=price", content=f"a,below,gaps,side,price\n{rows}\n"
    )
    assert answer.status_code in (200, 201), answer.text
    return "houses"


BINARY, MANY, NUMBERS = {"name": "breast_cancer"}, {"name": "iris"}, {"name": "diabetes"}
FRAUD, HOUSES = {"name": "fraud"}, {"name": "houses"}
BAD = [  # (data set, metric, settings, field, in the message or remedy)
    (NUMBERS, "dev_f1", {}, "objective.metric", "dev_f1 does not fit a regression"),
    (HOUSES, "dev_f1", {}, "objective.metric", "dev_f1 does not fit a regression"),
    (NUMBERS, "dev_roc_auc", {}, "objective.metric", "does not fit a regression"),
    (MANY, "dev_rmse", {}, "objective.metric", "dev_rmse does not fit classes"),
    (FRAUD, "train_r2", {}, "objective.metric", "train_r2 does not fit classes"),
    (MANY, "dev_f1", {}, "objective.metric", "settings.positive_class, or use dev_f1_macro"),
    (BINARY, "dev_price", {}, "objective.metric", "give settings.price"),
    (BINARY, "dev_f2", {}, "objective.metric", "did you mean"),
    (BINARY, "test_f1", {}, "objective.metric", "it reports"),
    (BINARY, "train_dev_f1", {}, "objective.metric", "give dataset.split.train_dev a share"),
    (BINARY, "dev_f1_worst_group", {}, "objective.metric", "name the column of groups as dataset.groups"),
    (BINARY, "dev_f1", {"positive_class": "evil"}, "settings.positive_class", "the classes are malignant"),
    (FRAUD, "dev_f1", {"positive_class": "maybe"}, "settings.positive_class", "the classes are no, yes"),
    (NUMBERS, "dev_mae", {"positive_class": "1"}, "settings.positive_class", "leave it out"),
    (BINARY, "dev_f1", {"class_weight": {"evil": 2}}, "settings.class_weight", "the classes are malignant"),
    (BINARY, "dev_f1", {"class_weight": {"benign": -2}}, "settings.class_weight", "balanced, or a weight"),
    (HOUSES, "dev_mae", {"class_weight": "balanced"}, "settings.class_weight", "leave it out"),
    (BINARY, "dev_price", {"price": [[0, 1, 1], [1, 0, 1], [1, 1, 0]]}, "settings.price", "2 rows of 2"),
    (BINARY, "dev_price", {"price": [[0, 1], [1]]}, "settings.price", "a row of numbers for each class"),
    (MANY, "dev_error", {"threshold": 0.4}, "settings.threshold", "leave it out"),
    (BINARY, "dev_f1", {"threshold": 1}, "settings.threshold", "a number in (0, 1), or dev"),
    (BINARY, "dev_f1", {"metrics": ["dev_f1"]}, "settings.metrics", "write `metrics` beside `settings`"),
    ({**FRAUD, "weights": "wieghts"}, "dev_f1", {}, "dataset.weights", "it has a, b"),
    ({**FRAUD, "weights": "fraud"}, "dev_f1", {}, "dataset.weights", "is the target"),
    ({**HOUSES, "weights": "side"}, "dev_mae", {}, "dataset.weights", "has texts"),
    ({**HOUSES, "weights": "below"}, "dev_mae", {}, "dataset.weights", "goes down to -1"),
    ({**HOUSES, "weights": "gaps"}, "dev_mae", {}, "dataset.weights", "missing cells"),
    ({**NUMBERS, "weights": "agee"}, "dev_mae", {}, "dataset.weights", "did you mean 'age'"),
    ({**NUMBERS, "groups": "sexe"}, "dev_mae", {}, "dataset.groups", "did you mean 'sex'"),
    ({**HOUSES, "groups": "sides"}, "dev_mae", {}, "dataset.groups", "did you mean 'side'"),
    ({**HOUSES, "groups": "price"}, "dev_mae", {}, "dataset.groups", "is the target"),
    ({**HOUSES, "groups": "a", "weights": "a"}, "dev_mae", {}, "dataset.groups", "name another column"),
    ({**HOUSES, "groups": ["side"]}, "dev_mae", {}, "dataset.groups", "the name of one column"),
    ({**HOUSES, "groups_are_features": True}, "dev_mae", {}, "dataset.groups_are_features", "leave this out"),
]  # fmt: skip


@pytest.mark.parametrize("listed", [False, True], ids=["objective", "metrics"])
@pytest.mark.parametrize("place", range(len(BAD)))
def test_bad_input_is_refused(app: App, place: int, listed: bool) -> None:
    dataset, metric, settings, field, said = BAD[place]
    fraud(app), houses(app)
    objective = {"metric": "dev_cost" if listed else metric}
    named = {"objective": objective, "metrics": [metric] if listed else []}
    field = "metrics.0" if listed and field == "objective.metric" else field
    wrong = {**SEARCH, "dataset": dataset, "settings": settings, **named}
    answer = app.request("POST", f"{API}/searches", json=wrong)
    assert answer.status_code == 422, answer.text
    found = {one["field"]: one for one in answer.json()["errors"]}
    assert list(found) == [field]
    assert said in f"{found[field]['message']} {found[field]['remedy']}"


def test_the_metric_of_a_script_says_its_direction(app: App) -> None:
    script = {**SEARCH, "trainer": "external", "settings": {}, "metrics": []}
    wrong = app.request("POST", f"{API}/searches", json={**script, "objective": {"metric": "profit"}})
    assert wrong.status_code == 422 and "direction: maximize" in wrong.text
    right = {**script, "objective": {"metric": "profit", "direction": "maximize"}}
    assert app.request("POST", f"{API}/searches", json=right).status_code == 201
    other = {**script, "objective": {"metric": "dev_f1"}}
    answer = app.request("POST", f"{API}/searches", json=other).json()
    assert answer["spec"]["objective"]["direction"] == "maximize"


def test_a_search_for_the_worst_group(app: App) -> None:
    wanted = {
        "name": "fair", "dataset": {**NUMBERS, "groups": "sex", "weights": "age"},
        "settings": {"epochs": 3}, "objective": {"metric": "dev_mae_worst_group"},
        "metrics": ["dev_mae", "dev_mae_group_mean", "train_r2_worst_group"], "budget": {"trials": 2},
    }  # fmt: skip
    search = app.request("POST", f"{API}/searches", json={**SEARCH, **wanted}).json()
    assert search["spec"]["objective"]["metric"] == "dev_mae_worst_group", search
    with agents(app):
        trials = finished(app, search["id"])
    for trial in trials:
        of = trial["metrics"]
        assert trial["state"] == "completed" and trial["value"] == of["dev_mae_worst_group"]
        assert of["dev_mae_worst_group"] >= of["dev_mae_group_mean"] > 0 and "train_r2_worst_group" in of
