"""The diagnosis of a trial, and that the search it offers can be submitted as it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.inprocess import App
from tests.support.stores import ManualClock, World

API = "/api/v1"
SEARCH: dict[str, Any] = {
    "name": "digits",
    "dataset": {"name": "digits"},
    "settings": {"epochs": 20, "hidden_layers": 2},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-3, "high": 0.1},
        "hidden_units": {"scale": "linear", "type": "int", "low": 16, "high": 64},
    },
    "strategy": {"name": "coarse_to_fine", "rounds": 2, "epochs_per_round": [5, 20]},
    "budget": {"trials": 4},
    "base_error": 0.01,
}


def ended(app: App, agent: int, search: dict[str, Any] = SEARCH, **metrics: float) -> str:
    """A trial of `mlp` that ended with these errors, and what it was given."""
    response = app.request("POST", f"{API}/searches", json=search)
    assert response.status_code == 201, response.text
    services = app.app.state.services
    world = World(services.store, ManualClock(), services.proposer)
    trainer = {"trainers": ["mlp"], "searches": [response.json()["id"]]}
    [given] = world.exchange(agent, want=1, **trainer)["trials"]
    result = {"state": "completed", "metrics": metrics, "epoch": 5, "reason": None}
    report = {"trial": given["trial"], "attempt": given["attempt"], "branch": 0, "result": result}
    world.exchange(agent, reports=[report], **trainer)
    return str(given["trial"])


@pytest.mark.parametrize(
    ("train", "dev", "problems", "treated"),
    [
        (0.16, 0.17, ["bias"], "bigger_network"),
        (0.011, 0.11, ["variance"], "regularise"),
        (0.16, 0.31, ["bias", "variance"], "bigger_network"),
        (0.012, 0.018, [], "zoom"),
    ],
)
def test_the_search_that_follows_is_accepted(
    app: App, train: float, dev: float, problems: list[str], treated: str
) -> None:
    trial = ended(app, 1 + int(1e6 * dev), train_error=train, dev_error=dev)
    found = app.request("GET", f"{API}/trials/{trial}/diagnosis").json()
    assert found["problems"] == problems
    assert found["avoidable_bias"] == pytest.approx(train - 0.01)
    assert found["variance"] == pytest.approx(dev - train) and found["mismatch"] is None
    assert found["uncertainty"] == pytest.approx(2 * (dev * (1 - dev) / 359) ** 0.5, rel=0.01)
    assert treated in {step["name"] for step in found["steps"] if step["in_search"]}
    following = found["next_search"]
    assert app.request("POST", f"{API}/searches/check", json=following).json() == {"errors": []}
    fixed = following["settings"]
    assert fixed["epochs"] == (40 if "bias" in problems else 20), "not the 5 of the first round"
    assert "seed" not in fixed and following["seed"] != SEARCH.get("seed", 0)


def test_a_trial_without_errors_is_refused_with_a_remedy(app: App) -> None:
    trial = ended(app, 5_000_000, train_cost=1.0)
    response = app.request("GET", f"{API}/trials/{trial}/diagnosis")
    assert response.status_code == 404
    [problem] = response.json()["errors"]
    assert "train_error" in problem["message"] and "completed" in problem["remedy"]
    assert app.request("GET", f"{API}/trials/999.0/diagnosis").status_code == 404


def test_the_base_error_can_be_edited_with_its_source(app: App) -> None:
    trial = ended(app, 6_000_000, train_error=0.16, dev_error=0.17)
    path, known = (
        f"{API}/searches/{trial.split('.')[0]}",
        {"base_error": 0.15, "base_error_source": "two doctors"},
    )
    response = app.request("PATCH", path, json=known)
    assert known.items() <= response.json()["spec"].items()
    found = app.request("GET", f"{API}/trials/{trial}/diagnosis").json()
    assert (found["base_error"], found["problems"]) == (0.15, [])
    assert known.items() <= found["next_search"].items()
    [problem] = app.request("PATCH", path, json={"base_error": -1}).json()["errors"]
    assert problem["field"] == "base_error"


def test_a_regression_shows_no_share_without_a_base_error(app: App) -> None:
    search = {name: value for name, value in SEARCH.items() if name != "base_error"}
    search["dataset"] = {"name": "diabetes"}
    trial = ended(app, 7_000_000, search, train_error=0.6, dev_error=0.7)
    found = app.request("GET", f"{API}/trials/{trial}/diagnosis").json()
    assert (found["base_error"], found["avoidable_bias"]) == (None, None)
    assert found["problems"] == ["variance"] and "%" not in found["summary"]
    app.request("PATCH", f"{API}/searches/{trial.split('.')[0]}", json={"base_error": 0.5})
    found = app.request("GET", f"{API}/trials/{trial}/diagnosis").json()
    assert found["avoidable_bias"] == pytest.approx(0.1) and found["problems"] == ["bias", "variance"]
