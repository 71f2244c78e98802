"""Trials in MLflow and TensorBoard, read back by their own libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar import Client
from caviar.records import Trial
from caviar.trackers import MlflowTracker, TensorBoardTracker, Tracker, curve_of, track
from tests.support.commandline import caviar

SEARCH = {
    "name": "tracked",
    "trainer": "external",
    "space": {"x": {"low": 0.0, "high": 1.0}, "kind": {"choices": ["a", [1, 2], None]}},
    "objective": {"metric": "loss", "direction": "minimize"},
    "strategy": {"name": "random"},
    "budget": {"trials": 4},
}


@pytest.fixture(scope="module")
def search(server: str) -> int:
    """A search whose trials report three epochs; the last fails."""
    with Client(server) as client:
        made = client.submit(SEARCH)
        for trial in client.ask(made, catch=ValueError):
            with trial:
                for epoch in (1, 2, 3):
                    trial.report(epoch, loss=trial.params["x"] / epoch, extra=float(epoch))
                if trial.id.endswith(".3"):
                    raise ValueError("no luck")
        return made.id


def written(client: Client, search: int, tracker: Tracker) -> list[Trial]:
    return sorted(track(client, search, tracker), key=lambda trial: trial.number)


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # of MLflow's own queries
def test_each_trial_is_a_run_of_mlflow_once(client: Client, search: int, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    address = f"sqlite:///{tmp_path}/mlflow.db"
    trials = written(client, search, MlflowTracker(address, "tracked"))
    assert [trial.state for trial in trials] == ["completed"] * 3 + ["failed"]
    assert written(client, search, MlflowTracker(address, "tracked")) == []
    there = MlflowClient(address)
    runs = there.search_runs([there.get_experiment_by_name("tracked").experiment_id])
    found = {run.data.tags["caviar.trial"]: run for run in runs}
    assert set(found) == {trial.id for trial in trials}
    for trial in trials:
        run = found[trial.id]
        assert run.info.status == ("FINISHED" if trial.value is not None else "FAILED")
        assert run.data.params == {name: str(value) for name, value in trial.params.items()}
        history = there.get_metric_history(run.info.run_id, "extra")
        assert sorted((one.step, one.value) for one in history)[:3] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert found[trials[0].id].data.metrics["loss"] == pytest.approx(trials[0].value, rel=1e-6)
    assert "no luck" in found[trials[3].id].data.tags["mlflow.note.content"]


def test_each_trial_is_a_folder_of_tensorboard_once(client: Client, search: int, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trials = written(client, search, TensorBoardTracker(tmp_path, "loss"))
    assert written(client, search, TensorBoardTracker(tmp_path, "loss")) == []
    assert {path.name for path in tmp_path.iterdir()} == {trial.id for trial in trials}
    for trial in trials:
        there = EventAccumulator(str(tmp_path / trial.id))
        there.Reload()
        curve = curve_of(client, trial)
        assert [one.step for one in there.Scalars("loss")] == curve["epoch"]
        assert [one.value for one in there.Scalars("loss")] == pytest.approx(curve["loss"])
        tags = there.PluginTagToContent("hparams")
        assert {"_hparams_/session_start_info", "_hparams_/session_end_info"} <= set(tags)


def test_the_command_says_what_it_writes(server: str, search: int, tmp_path: Path) -> None:
    told = caviar("track", search, "--tensorboard", tmp_path / "runs", "--url", server)
    assert told.returncode == 0
    assert len(told.stdout.splitlines()) == 4
    neither = caviar("track", search, "--url", server)
    assert neither.returncode == 2
    assert "--mlflow" in neither.stderr
