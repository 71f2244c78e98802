"""A stopping rule ends a trial at the epoch it looks at, however much training fits into a slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from inprocess import running
from inside import agents, finished

from service.agents import hand

SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"hidden_units": 8, "epochs": 60},
    "space": {"learning_rate": {"scale": "log", "low": 1e-5, "high": 1e-1}},
    "strategy": {"name": "coarse_to_fine"},
    "budget": {"trials": 16},
    "lag": 2,
    "seed": 3,
}


def run(folder: Path, rule: dict[str, Any], slice_seconds: float, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(hand, "SLICE_SECONDS", slice_seconds)
    with running(folder) as app, agents(app, 1):
        response = app.request("POST", "/api/v1/searches", json={**SEARCH, "stopping": rule})
        assert response.status_code == 201, response.text
        seen = ("number", "state", "params", "epoch", "value", "reason")
        return [[trial[name] for name in seen] for trial in finished(app, response.json()["id"])]


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "successive_halving"},
        {"name": "median"},
        {"name": "hyperband"},
        {"name": "patience", "epochs": 5},
        {"name": "threshold", "bound": 0.3, "warmup": 20},
    ],
    ids=lambda rule: str(rule["name"]),
)
def test_the_length_of_a_slice_changes_nothing(
    tmp_path: Path, rule: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = run(tmp_path / "short", rule, 1e-4, monkeypatch)
    stopped = [trial for trial in short if trial[1] == "stopped"]
    assert stopped and all(trial[3] < 60 for trial in stopped)
    assert run(tmp_path / "long", rule, 10.0, monkeypatch) == short
