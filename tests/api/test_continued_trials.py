"""A trial that continues another comes to the same bits from the other's last state as trained anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar import trainers
from caviar.agents import trial_runner
from caviar.search import strategies
from caviar.search.proposal import Proposal
from caviar.search.random import propose as at_random
from caviar.trial_settings import trial_settings
from tests.support.inprocess import running
from tests.support.inprocess_agents import agents, finished

ROUNDS = [2, 4, 7]
SEARCH: dict[str, Any] = {
    "dataset": {"name": "digits"},
    "settings": {"hidden_units": 8, "decay": "exponential", "keep_prob": 0.9, "patience": 2},
    "space": {"learning_rate": {"scale": "log", "low": 1e-3, "high": 3e-2}},
    "strategy": {"name": "coarse_to_fine", "epochs_per_round": ROUNDS},
    "stopping": {"name": "patience", "epochs": 3},
    "budget": {"trials": 6},
    "lag": 1,
    "seed": 3,
}


def by_hand(spec: Any, number: int, history: Any) -> Proposal:
    """Three short trials, the best two of them for longer, then the better of these."""
    if number < 3:
        fresh = at_random(spec, number, history)
        return Proposal(fresh.point, fresh.unit, "coarse", "", round=0, epochs=ROUNDS[0])
    among = [0, 1] if number < 5 else [3]
    parent = among[(number - 3) % len(among)]
    unit = history.units[parent]
    epochs = ROUNDS[1] if number < 5 else ROUNDS[2]
    point = spec.space.from_unit(unit)
    return Proposal(point, unit, "zoom", "", round=1, continue_from=parent, epochs=epochs)


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(strategies, "function_at", lambda path: by_hand)
    return monkeypatch


def run(folder: Path, kept_after: float, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], ...]:
    monkeypatch.setattr(trial_runner, "KEPT_AFTER_SECONDS", kept_after)
    with running(folder) as app, agents(app, 1):
        response = app.request("POST", "/api/v1/searches", json=SEARCH)
        assert response.status_code == 201, response.text
        trials = finished(app, response.json()["id"])
        curves = [app.request("GET", f"/api/v1/trials/{one['id']}/curve").json() for one in trials]
        kept = [app.request("GET", f"/api/v1/trials/{one['id']}/checkpoints").json() for one in trials]
    return trials, curves, kept


def test_resumed_and_trained_anew_give_the_same_bits(tmp_path: Path, rounds: pytest.MonkeyPatch) -> None:
    trials, curves, kept = run(tmp_path / "kept", 0.0, rounds)
    anew, anew_curves, nothing = run(tmp_path / "anew", np.inf, rounds)
    kinds = [{one["kind"] for one in items["items"]} for items in kept]
    assert all("end" in kinds[number] for number in range(5)) and "end" not in kinds[5]
    assert not any("end" in {one["kind"] for one in items["items"]} for items in nothing)
    for one, other in zip(trials, anew, strict=True):
        assert one["state"] == other["state"] == "completed", one["reason"]
        assert (one["seed"], one["epoch"]) == (other["seed"], other["epoch"])
        assert one["metrics"] == other["metrics"]
    for one, other in zip(curves, anew_curves, strict=True):
        assert without_seconds(one) == without_seconds(other)
    roots = [0, 1, 2, 0, 1, 0]
    assert [one["seed"] for one in trials] == [trials[root]["seed"] for root in roots]
    ends = [one["epoch"] for one in trials]
    assert curves[3]["branches"][0]["epoch"] == list(range(ends[0] + 1, ends[3] + 1))
    assert curves[5]["branches"][0]["epoch"] == list(range(ends[3] + 1, ends[5] + 1))
    assert ends[5] > ends[3] > ends[0]


def test_a_continued_trial_is_the_training_that_was_never_interrupted(
    tmp_path: Path, rounds: pytest.MonkeyPatch
) -> None:
    trials, _, _ = run(tmp_path, 0.0, rounds)
    last, root = trials[5], trials[0]
    plugin: Any = trainers.get("mlp")
    settings = trial_settings(SEARCH["settings"], root["params"], root["epochs"], root["seed"])
    training = plugin.start(settings, plugin.load(SEARCH["dataset"], settings), root["seed"])
    for epochs in ROUNDS:
        training.change({"epochs": epochs})
        while training.status == "running":
            training.advance(1.0)
    assert training.result() == last["metrics"]


def without_seconds(curve: dict[str, Any]) -> Any:
    return [{name: one[name] for name in one if name != "seconds"} for one in curve["branches"]]
