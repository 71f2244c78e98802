"""Replaying trials of which the server kept no weights."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from caviar.cli import app
from caviar.errors import CaviarError, RefusedError
from caviar.replay import replay_trial
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model

DATASET = {"name": "iris"}
SETTINGS = {"epochs": 3, "learning_rate": 0.05, "hidden_units": [4]}


class Server:
    """What replaying asks a server: one trial, and no file of it."""

    transport: Any = None

    def __init__(self, metrics: dict[str, Any], **log: Any) -> None:
        self.metrics = metrics
        self.told = {
            "trial": "3.17",
            "branch": 0,
            "current": True,
            "state": "completed",
            "trainer": "mlp",
            "dataset": DATASET,
            "settings": SETTINGS,
            "seed": 5,
            "changes": [],
            "epoch": 3,
            "end": metrics.get("step"),
            "stopped": False,
            "checkpoints": [],
            **log,
        }

    def log(self, _trial: str, _branch: int | None) -> dict[str, Any]:
        return self.told

    def model(self, _trial: str) -> bytes:
        raise RefusedError(404, "no stored model")

    def trial(self, _trial: str) -> Any:
        return SimpleNamespace(metrics=self.metrics)


@pytest.fixture(scope="module")
def results() -> dict[str, float]:
    """What the trial came to."""
    trainer = MLP()
    run = trainer.start(SETTINGS, trainer.load(DATASET, SETTINGS), 5)
    while run.status == "running":
        run.advance()
    return run.result()


def replay(server: Any, **arguments: Any) -> Any:
    return replay_trial(server, "3.17", **arguments)


def test_results_stand_for_weights_that_nobody_kept(results: dict[str, float], tmp_path: Path) -> None:
    outcome = replay(Server(results), output=tmp_path / "model.safetensors")
    assert outcome.equal and "in all its results" in outcome.text
    assert Model.load(tmp_path / "model.safetensors")
    assert replay(Server(results, end=None)).equal  # a trainer that tells no step: by its epoch
    other = replay(Server(results | {"dev_cost": results["dev_cost"] + 1e-12}))
    assert not other.equal and "dev_cost: " in other.text


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ({"state": "running"}, "has no checkpoint to compare with: caviar steer 3.17 checkpoint"),
        ({"state": "failed"}, "(failed) has neither checkpoint nor results"),
        ({"current": False, "branch": 2}, "branch 2 of trial 3.17 (completed) has no checkpoint"),
        ({"trainer": "external"}, "only that can train it again"),
    ],
)
def test_why_there_is_nothing_to_compare_with(log: dict[str, Any], said: str) -> None:
    with pytest.raises(CaviarError) as refused:
        replay(Server({}, **log))
    assert said in str(refused.value)


def test_predict_says_how_to_get_a_model_that_was_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(*_: Any) -> bytes:
        raise RefusedError(404, "trial 3.17 has no stored model")

    monkeypatch.setattr("caviar.client.Client.model", missing)
    monkeypatch.setattr("caviar.client.Client.trial", lambda *_: SimpleNamespace(done=True))
    done = CliRunner().invoke(app, ["predict", "3.17", str(tmp_path / "a.csv")])
    assert "caviar replay 3.17 --model FILE" in str(done.exception)
