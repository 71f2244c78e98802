"""A stopping rule ends a trial at the epoch it looks at, however much training fits into a slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from caviar.agents import trial_runner
from tests.support.inprocess import running
from tests.support.inprocess_agents import agents, finished

SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"hidden_units": 8, "epochs": 60},
    "space": {"learning_rate": {"scale": "log", "low": 1e-5, "high": 1e-1}},
    "strategy": {"name": "coarse_to_fine"},
    "budget": {"trials": 16},
    "lag": 2,
    "seed": 3,
}


RULES: list[dict[str, Any]] = [
    {"name": "successive_halving"},
    {"name": "median"},
    {"name": "hyperband"},
    {"name": "patience", "epochs": 5},
    {"name": "threshold", "bound": 0.3, "warmup": 20},
]


def run(folder: Path, slice_seconds: float, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Run a search with each rule; give what came of its trials."""
    monkeypatch.setattr(trial_runner, "SLICE_SECONDS", slice_seconds)
    seen = ("number", "state", "params", "epoch", "value", "reason")
    found = {}
    with running(folder) as app, agents(app, 1):
        for rule in RULES:
            response = app.request("POST", "/api/v1/searches", json={**SEARCH, "stopping": rule})
            assert response.status_code == 201, response.text
            trials = finished(app, response.json()["id"])
            found[rule["name"]] = [[trial[name] for name in seen] for trial in trials]
    return found


def test_the_length_of_a_slice_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = run(tmp_path / "short", 1e-4, monkeypatch)
    for trials in short.values():
        stopped = [trial for trial in trials if trial[1] == "stopped"]
        assert stopped and all(trial[3] < 60 for trial in stopped)
    assert run(tmp_path / "long", 10.0, monkeypatch) == short
