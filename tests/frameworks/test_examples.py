"""Each framework's example against a server: interrupted, it goes on, and tells every step once."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier

from caviar import Client
from caviar.external_trial import ExternalTrial
from caviar.frameworks.sklearn import cross_val_score, epochs
from tests.support.commandline import ROOT, serving

# What imports PyTorch goes together: that takes longer than all of the rest.
TOGETHER = (
    ("pytorch_loop", "lightning_callback", "keras_fit", "huggingface_trainer"),
    ("sklearn_folds", "sklearn_partial_fit", "xgboost_rounds", "lightgbm_rounds"),
)
NEEDS = {
    "pytorch_loop": "torch",
    "lightning_callback": "lightning",
    "keras_fit": "keras",
    "huggingface_trainer": "transformers",
    "xgboost_rounds": "xgboost",
    "lightgbm_rounds": "lightgbm",
}
EXAMPLES = [name for together in TOGETHER for name in together]


def missing(name: str) -> str | None:
    """Return the framework that an example needs and that is not installed."""
    needed = NEEDS.get(name)
    return needed if needed and importlib.util.find_spec(needed) is None else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("examples")
    with serving(folder, workers=0, env={"CAVIAR_INTERVAL": "0.1"}) as url:
        yield url


@pytest.fixture(scope="module")
def ran(server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of every example that can run here."""
    folder = tmp_path_factory.mktemp("notes")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
    environment = {**kept, "CAVIAR_URL": server, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    processes = []
    for place, names in enumerate(TOGETHER):
        notes, log = folder / f"{place}.json", folder / f"{place}.log"
        words = [str(notes), *(name for name in names if not missing(name))]
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.interrupted_examples", *words],
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment,
            )
        processes.append((process, notes, log))
    found: dict[str, Any] = {}
    for process, _, _ in processes:  # none is left behind when another one has failed
        process.wait(240)
    for _, notes, log in processes:
        assert notes.exists(), log.read_text()[-3000:]
        found |= json.loads(notes.read_text())
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_goes_on_after_ctrl_c_and_tells_every_step_once(
    name: str, ran: dict[str, Any], server: str
) -> None:
    if needed := missing(name):
        pytest.skip(f"needs {needed} (pip install {needed})")
    found = ran[name]
    assert "error" not in found, found["error"]
    assert found["ended"] in ("KeyboardInterrupt", "SystemExit")  # Lightning makes one of the other
    assert len({tuple(one) for one in found["told"]}) == len(found["told"]), "a step was trained twice"
    with Client(server) as client:
        search = client.search(found["search"])
        assert (search.state, search.counts.get("failed", 0)) == ("completed", 0)
        for trial in client.trials(search):
            assert trial.state in ("completed", "stopped") and trial.value is not None
            (branch,) = client.curve(trial)["branches"]
            told = [step for id, step in found["told"] if id == trial.id]
            assert branch["epoch"] == told == list(range(1, trial.epoch + 1))
        assert client.trial(f"{search.id}.0").attempt >= 2  # of a machine short of time a lease may run out


SEARCH = {
    "trainer": "external",
    "settings": {"epochs": 3},
    "space": {"alpha": {"scale": "log", "low": 1e-5, "high": 1e-2}},
    "objective": {"metric": "score", "direction": "maximize"},
    "budget": {"trials": 1},
    "seed": 1,
}


def ask_of(client: Client, trial: ExternalTrial, kind: str, **arguments: Any) -> None:
    """Give a command, and wait until the script could have heard of it."""
    client.command(trial.id, kind, **arguments)
    time.sleep(0.5)


def test_what_a_framework_cannot_change_is_refused_in_words_and_the_rest_is_changed(server: str) -> None:
    X, y = load_iris(return_X_y=True)
    with Client(server) as client:
        search = client.submit(SEARCH)
        for trial in client.ask(search):
            model = SGDClassifier(alpha=trial.params["alpha"])
            for epoch in epochs(trial, model, every=1):
                model.partial_fit(X, y, classes=np.arange(3))
                trial.report(epoch, score=model.score(X, y), alpha=model.alpha)
                if epoch == 1:
                    ask_of(client, trial, "set", alpha=0.5)
                    ask_of(client, trial, "extend", epochs=2)
        (branch,) = client.curve(f"{search.id}.0")["branches"]
        assert branch["alpha"][1:] == [0.5] * 4, "five epochs, four of them after the change"

        search = client.submit(SEARCH)
        for trial in client.ask(search):
            model = SGDClassifier(alpha=trial.params["alpha"])
            ask_of(client, trial, "set", alpha=0.5)
            cross_val_score(trial, model, X, y, cv=3)
        (given,) = client.given(f"{search.id}.0")
        assert given["state"] == "refused" and "scores of all folds" in given["reason"]


def test_a_trial_lost_after_its_last_state_completes_with_what_it_had_told(server: str) -> None:
    X, y = load_iris(return_X_y=True)
    with Client(server) as client:
        search = client.submit(SEARCH)
        loop = client.ask(search)
        cross_val_score(trial := next(loop), SGDClassifier(random_state=0), X, y, cv=3)
        trial.hand_back()
        loop.close()
        told = client.trial(trial.id)
        assert (told.state, told.epoch) == ("queued", 3)
        for trial in client.ask(search):
            assert len(cross_val_score(trial, SGDClassifier(random_state=0), X, y, cv=3)) == 3
        found, (branch,) = client.trial(told.id), client.curve(told.id)["branches"]
        assert (found.state, found.value) == ("completed", branch["score"][-1])
        assert branch["epoch"] == [1, 2, 3]
