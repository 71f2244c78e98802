"""The example of a trainer plugin: it keeps its promises, and a server and its agents train with it."""

import os
import tomllib
from pathlib import Path

import pytest

from caviar import Client, InvalidError
from tests.support.commandline import ROOT, serving
from tests.support.waiting import wait

FOLDER = ROOT / "examples" / "own_trainer"
DATA = {"name": "diabetes"}


@pytest.fixture
def trainer(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    from ridge_trainer import Ridge

    return Ridge()


def test_it_keeps_its_promises(trainer):
    import promises

    promises.keep(trainer, {"epochs": 5, "l2": 0.3, "batch_size": 50}, DATA)


def test_the_trainer_that_comes_with_caviar_keeps_them_too(trainer):
    import promises

    from caviar.trainer.plugin import MLP

    settings = {"epochs": 5, "batch_size": 32, "hidden_units": [8], "optimizer": "adam"}
    promises.keep(MLP(), settings, {"name": "wine"})


def test_it_finds_the_weights_of_the_closed_form(trainer):
    import numpy as np

    l2 = 20.0
    data = trainer.load(DATA, {})
    run = trainer.start({"epochs": 4000, "batch_size": 100_000, "learning_rate": 0.1, "l2": l2}, data, 0)
    run.advance(60.0)
    X, Y = data.X_train, data.Y_train
    W = np.linalg.solve(X.T @ X + l2 * np.eye(X.shape[1]), X.T @ (Y - Y.mean(axis=0)))
    np.testing.assert_allclose(run.W, W, atol=1e-6)


def test_what_is_wrong_is_said(trainer):
    found = trainer.check({"l3": 1, "learning_rate": 0, "batch_size": 1.5}, {"name": "diabets"})
    assert [one.field for one in found] == [
        "settings.l3", "settings.learning_rate", "settings.batch_size", "dataset.name",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="the target has classes"):
        trainer.load({"name": "wine"}, {})
    run = trainer.start({"learning_rate": 10.0, "epochs": 100}, trainer.load(DATA, {}), 0)
    assert run.advance(10.0).reason == "the cost is not finite" and run.status == "diverged"


@pytest.fixture
def client(tmp_path):
    """A client of a server on which the example is installed, as pip would."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
    installed = tmp_path / "site" / "caviar_ridge-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    lines = [f"{name} = {place}" for name, place in project["entry-points"]["caviar.trainers"].items()]
    (installed / "entry_points.txt").write_text("\n".join(["[caviar.trainers]", *lines]))
    data = tmp_path / "data"
    data.mkdir()
    path = os.pathsep.join(map(str, (FOLDER, installed.parent)))
    with serving(data, env={"PYTHONPATH": path}) as url, Client(url) as client:
        yield client


def test_what_is_installed_while_a_server_runs_waits_for_its_next_start(tmp_path):
    data, site = tmp_path / "data", tmp_path / "site"
    data.mkdir()
    late = site / "caviar_late-1.dist-info"
    with serving(data, env={"PYTHONPATH": str(site)}) as url, Client(url) as client:
        late.mkdir(parents=True)
        (late / "METADATA").write_text("Metadata-Version: 2.1\nName: caviar-late\nVersion: 1\n")
        (late / "entry_points.txt").write_text("[caviar.trainers]\nlate = trainer.plugin:MLP\n")
        with pytest.raises(InvalidError, match="'late' is not installed on this server"):
            client.submit(FOLDER / "search.yaml", trainer="late")


def test_a_server_trains_with_it(client, tmp_path):
    assert "ridge" in [one["name"] for one in client.transport.call("GET", "/trainers")["items"]]
    search = client.wait(client.submit(Path(FOLDER / "search.yaml")), 120)
    assert search.counts["completed"] == 24
    best = client.best(search, 1)[0]
    assert best.value < 0.8 and len(client.curve(best)["branches"][0]["dev_error"]) == 30
    assert client.model(best)
    with pytest.raises(InvalidError, match="ridge reports no metric 'accuracy'"):
        client.submit(FOLDER / "search.yaml", objective={"metric": "accuracy"})
    with pytest.raises(InvalidError, match=r"settings\.epoch: there is no such setting"):
        client.submit(FOLDER / "search.yaml", settings={"epoch": 3})

    steered = client.submit(FOLDER / "search.yaml", settings={"epochs": 100_000}, budget={"trials": 1})
    trial = f"{steered.id}.0"
    wait(lambda: any(one.epoch for one in client.trials(steered)), 30, "the worker")
    client.command(trial, "set", l2=0.5)
    client.command(trial, "pause")
    wait(lambda: client.trial(trial).state == "paused", 30, "the worker")
    epoch = client.trial(trial).epoch
    client.command(trial, "resume")
    wait(lambda: client.trial(trial).epoch > epoch, 30, "the worker")
    assert client.trial(trial).changed == {"l2": 0.5}
    client.command(trial, "stop")
    wait(lambda: client.trial(trial).state == "stopped", 30, "the worker")
    assert client.trial(trial).reason == "stopped by a person"
