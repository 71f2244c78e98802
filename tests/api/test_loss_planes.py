"""The cost around a trial's path over REST: trained again, of checkpoints, or refused with what helps."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from caviar.service.sandbox import landscape as sandbox
from caviar.trainer.landscape import loss_plane, states_kept, states_trained_again
from caviar.trainer.plugin import MLP
from tests.support.inprocess import App
from tests.support.trained_trials import API, Trial

EPOCHS = 2  # of tests.support.trained_trials
TRAINER = MLP()


def started(app: App, trial: Trial) -> tuple[dict[str, Any], Any]:
    """Its log, and a run that begins as it did."""
    log = app.request("GET", f"{API}/trials/{trial.id}/log").json()
    data = TRAINER.load(log["dataset"], log["settings"])
    return log, TRAINER.start(log["settings"], data, log["settings"]["seed"])


def told(trial: Trial, seconds: float) -> None:
    """Report its epochs, each of so many seconds."""
    rows = [[0.7, seconds], [0.5, seconds]]
    report = {"trial": trial.id, "attempt": 1, "branch": 0, "first": 1, "columns": ["dev_error", "seconds"]}
    trial.world.exchange(trial.agent, reports=[{**report, "rows": rows}], **trial.only)


def plane(app: App, trial: Trial, **query: int) -> Any:
    return app.request("GET", f"{API}/trials/{trial.id}/loss-plane", params=query)


def test_a_long_training_has_the_plane_of_its_checkpoints(app: App) -> None:
    trial = Trial(app, 1, {"name": "iris"})
    told(trial, 100.0)
    log, run = started(app, trial)
    refused = plane(app, trial)
    assert refused.status_code == 409
    assert "takes about 200 s, more than the 30 s" in refused.text and "0 are kept" in refused.text
    assert "mode panda" in refused.json()["detail"]
    kept = []
    for epoch in (1, EPOCHS):
        run.advance(1e6, until_epoch=epoch)
        kept.append(run.save())
        query = {"attempt": 1, "kind": "schedule", "epoch": epoch, "step": run.step}
        digest = f"sha256:{hashlib.sha256(kept[-1]).hexdigest()}"
        sent = app.request(
            "PUT",
            f"{API}/trials/{trial.id}/checkpoints",
            params={**query, "digest": digest},
            content=kept[-1],
        )
        assert sent.status_code == 201, sent.text
    trial.end(dev_error=0.5)
    found = plane(app, trial, resolution=5, rows=32)
    assert found.status_code == 200, found.text
    again = started(app, trial)[1]
    expected = loss_plane(again, states_kept(again, kept), 5, 32)
    assert found.json() == {"trial": trial.id, "branch": 0, "source": "checkpoints"} | {
        name: pytest.approx(value) if name in "xy" else value
        for name, value in expected.items()
        if name not in ("costs", "path", "explained")
    } | {name: found.json()[name] for name in ("costs", "path", "explained")}
    for mine, theirs in zip(expected["costs"], found.json()["costs"], strict=True):
        assert theirs == pytest.approx(mine)
    assert found.json()["path"]["epoch"] == [0, 1, 2] and log["epoch"] == EPOCHS
    for wrong in ({"resolution": 4}, {"resolution": 99}, {"rows": 1}):
        assert plane(app, trial, **wrong).status_code == 422


def test_what_there_is_no_path_of_is_told(app: App) -> None:
    assert plane(app, Trial(app, 2, {"name": "iris"})).status_code == 409  # no epoch yet
    assert app.request("GET", f"{API}/trials/99.0/loss-plane").status_code == 404


def test_the_process_trains_again_as_the_trial_did(app: App) -> None:
    trial = Trial(app, 3, {"name": "iris"})
    told(trial, 0.1)
    log, run = started(app, trial)
    asked = {"seed": log["settings"]["seed"], "epoch": EPOCHS, "resolution": 5, "rows": None, "sizes": []}
    asked |= {name: log[name] for name in ("dataset", "settings", "changes")}
    found = sandbox._found(asked, b"")
    assert found == loss_plane(run, states_trained_again(run, [], EPOCHS), 5)
    too_much = {"settings": {**log["settings"], "hidden_units": 30_000}, "resolution": 81, "rows": 90}
    refused = sandbox._found({**asked, **too_much}, b"")
    assert refused["refused"]["remedy"] == "ask for resolution=30"


def test_a_short_training_is_done_again_in_its_process(app: App) -> None:
    trial = Trial(app, 4, {"name": "iris"})
    told(trial, 0.1)
    trial.end(dev_error=0.5)
    found = plane(app, trial, resolution=5).json()
    run = started(app, trial)[1]
    expected = loss_plane(run, states_trained_again(run, [], EPOCHS), 5)
    assert found["source"] == "trained again" and found["path"]["step"] == expected["path"]["step"]
    assert found["path"]["cost"] == pytest.approx(expected["path"]["cost"])
