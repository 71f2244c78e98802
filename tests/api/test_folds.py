"""Searches with folds: submitted, refused, trained by any number of agents, resumed, replayed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caviar.client import Client
from caviar.replay import replay_trial
from tests.support.inprocess import App
from tests.support.inprocess_agents import searched, transport

API = "/api/v1"
SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris", "folds": 3, "repeats": 2},
    "settings": {"hidden_units": 8, "epochs": 4, "batch_size": 16},
    "space": {"learning_rate": {"scale": "log", "low": 0.0001, "high": 1}},
    "strategy": "coarse_to_fine",
    "budget": {"trials": 10},
    "lag": 2,
    "seed": 3,
}


def test_a_search_with_folds_is_the_same_for_any_number_of_agents(app: App) -> None:
    trials = searched(app, SEARCH)
    assert {trial["state"] for trial in trials} == {"completed", "stopped"}
    for trial in trials:
        folds, rest = divmod(trial["epoch"], 4)
        assert rest == 0
        assert (folds == 6) == (trial["state"] == "completed")
        metrics = trial["metrics"]
        values = [metrics[f"dev_error_fold_{fold}"] for fold in range(1, folds + 1)]
        assert metrics["folds"] == folds
        assert trial["value"] == pytest.approx(np.mean(values), rel=1e-6)
        if folds > 1:
            assert metrics["dev_error_deviation"] == pytest.approx(np.std(values, ddof=1))
    stopped = next(trial for trial in trials if trial["state"] == "stopped")
    assert "cannot be the best" in stopped["reason"]
    again = searched(app, SEARCH, 2)
    kept = ("params", "state", "epoch", "value")
    assert [[one[name] for name in kept] for one in again] == [[one[name] for name in kept] for one in trials]


def test_a_trial_with_folds_is_replayed_bit_for_bit(app: App) -> None:
    best = min(searched(app, {**SEARCH, "budget": {"trials": 2}}), key=lambda trial: trial["value"])
    client = Client("http://caviar.test")
    client.transport = transport(app)
    outcome = replay_trial(client, best["id"])
    assert outcome.equal, outcome
    fork = {"commands": [{"kind": "fork", "arguments": {"epoch": 3}}]}
    answer = app.request("POST", f"{API}/trials/{best['id']}/commands", json=fork)
    assert answer.status_code in (409, 422)
    assert "with folds" in answer.text


def uploaded(app: App, name: str) -> None:
    people = ["most" if row < 90 else f"p{row % 5}" for row in range(100)]
    kinds = ["no" if row % 25 else "yes" for row in range(100)]
    rows = [f"{people[row]},{row % 7},{row * row % 11},{kinds[row]}" for row in range(100)]
    content = "who,x,y1,kind\n" + "\n".join(rows) + "\n"
    answer = app.request("POST", f"{API}/datasets?name={name}&target=kind", content=content.encode())
    assert answer.status_code == 201, answer.text


def test_folds_that_cannot_be_are_refused_at_submission(app: App) -> None:
    uploaded(app, "few")
    for dataset, field in (
        ({"name": "iris", "folds": 60}, "dataset.folds"),
        ({"name": "few", "folds": 5}, "dataset.folds"),
        ({"name": "few", "folds": 3, "split_groups": "who"}, "dataset.split_groups"),
        ({"name": "few", "folds": 3, "split_groups": "whom"}, "dataset.split_groups"),
        ({"name": "few", "folds": 3, "split_groups": "kind"}, "dataset.split_groups"),
        ({"name": "iris", "folds": 3, "dev": {"name": "few"}}, "dataset.dev"),
        ({"name": "iris", "repeats": 3}, "dataset.repeats"),
        ({"name": "iris", "folds": 200}, "dataset.folds"),
        ({"name": "few", "folds": "five"}, "dataset.folds"),
        ({"name": "few", "folds": 3, "repeats": [1]}, "dataset.repeats"),
        ({"name": "iris", "folds": 3, "repeats": "x"}, "dataset.repeats"),
        ({"name": "few", "folds": 3, "split": {"test": "x"}}, "dataset.split.test"),
    ):
        answer = app.request("POST", f"{API}/searches", json={**SEARCH, "dataset": dataset})
        assert answer.status_code == 422, (dataset, answer.text)
        errors = answer.json()["errors"]
        assert field in [one["field"] for one in errors], errors
        assert all(one["remedy"] for one in errors)
