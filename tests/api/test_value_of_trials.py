"""Searches by their trials' best epochs and by means: values, models, replays, resumptions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caviar.client import Client
from caviar.replay import replay_trial
from tests.support.inprocess import App
from tests.support.inprocess_agents import agents, finished, searched, transport
from tests.support.waiting import wait

SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"hidden_units": 8, "epochs": 20, "batch_size": 16, "optimizer": "adam"},
    "space": {"learning_rate": {"scale": "log", "low": 0.01, "high": 0.5}},
    "strategy": "coarse_to_fine",
    "objective": {"metric": "dev_error", "value": "best"},
    "budget": {"trials": 6},
    "lag": 2,
    "seed": 3,
}


def curve_of(app: App, trial: str) -> list[float]:
    found = app.request("GET", f"/api/v1/trials/{trial}/curve").json()
    return [float(one) for one in found["branches"][-1]["dev_error"]]


def client(app: App) -> Client:
    made = Client("http://caviar.test")
    made.transport = transport(app)
    return made


def test_the_best_epoch_is_the_value_and_its_model_is_kept(app: App) -> None:
    trials = searched(app, SEARCH)
    worse = 0
    for trial in trials:
        curve = curve_of(app, trial["id"])
        assert trial["value"] == min(curve)
        assert trial["metrics"]["best_epoch"] == curve.index(min(curve)) + 1
        assert trial["metrics"]["epoch"] == trial["epoch"] == 20
        assert trial["metrics"]["dev_error"] == pytest.approx(trial["value"], rel=1e-6)
        worse += curve[-1] > min(curve)
        assert replay_trial(client(app), trial["id"]).equal
    assert worse  # else the end would have served


def test_it_repeats_whoever_trains(app: App) -> None:
    first, second = (
        [(one["params"], one["value"], one["metrics"]["best_epoch"]) for one in searched(app, SEARCH, count)]
        for count in (1, 2)
    )
    assert first == second


def test_a_mean_of_the_last_epochs(app: App) -> None:
    for trial in searched(app, {**SEARCH, "objective": {"value": {"mean_of_last": 5}}}):
        assert trial["value"] == pytest.approx(np.mean(curve_of(app, trial["id"])[-5:]), rel=1e-6)


def test_the_best_epoch_survives_its_agent(app: App) -> None:
    one = {
        "settings": {**SEARCH["settings"], "epochs": 6000},
        "space": {"learning_rate": {"value": 0.3}},
        "budget": {"trials": 1},
    }
    whole = searched(app, {**SEARCH, **one})[0]
    search = app.request("POST", "/api/v1/searches", json={**SEARCH, **one}).json()["id"]
    trial = f"/api/v1/trials/{search}.0"

    def shown() -> dict[str, Any]:
        return dict(app.request("GET", trial).json())

    with agents(app):  # which hands it back as it leaves
        wait(lambda: shown().get("state") == "running", 30.0, lambda: str(shown()))
    assert shown()["epoch"] < 6000
    with agents(app):  # another one: it knows the best epoch from the checkpoint alone
        again = finished(app, search)[0]
    assert (again["value"], again["metrics"]) == (whole["value"], whole["metrics"])
    assert replay_trial(client(app), again["id"]).equal
