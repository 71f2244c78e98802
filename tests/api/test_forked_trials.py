"""Forks and extensions of a trial that has ended: what they train and show, what the parent's log keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caviar.trainer.plugin import MLP
from caviar.trainer.replay import replay
from tests.support.inprocess import App, running
from tests.support.inprocess_agents import agents, finished

SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"hidden_units": 8, "epochs": 6, "batch_size": 16},
    "space": {"learning_rate": {"scale": "log", "low": 1e-3, "high": 1e-1}},
    "budget": {"trials": 1},
    "seed": 3,
}


def ask(app: App, trial: str, **command: Any) -> str:
    response = app.request("POST", f"/api/v1/trials/{trial}/commands", json={"commands": [command]})
    assert response.status_code in (200, 201), response.text
    return str(response.json()["items"][0]["after"]["trial"])


def replayed(app: App, trial: str) -> dict[str, float]:
    log = app.request("GET", f"/api/v1/trials/{trial}/log").json()
    trainer = MLP()
    run = trainer.start(log["settings"], trainer.load(log["dataset"], log["settings"]), log["seed"])
    return dict(replay(run, log["changes"], step=log["end"]).result())


def test_an_ended_trial_is_extended_and_forked_and_all_of_it_replays(tmp_path: Path) -> None:
    with running(tmp_path) as app, agents(app, 1):
        search = app.request("POST", "/api/v1/searches", json=SEARCH).json()["id"]
        [parent] = finished(app, search)
        longer = ask(app, parent["id"], kind="extend", arguments={"epochs": 4})
        finished(app, search)
        again = ask(app, longer, kind="fork", arguments={"epoch": 8, "changes": {"momentum": 0.5}})
        slower = ask(
            app, parent["id"], kind="fork", arguments={"epoch": 3, "changes": {"learning_rate": 1e-4}}
        )
        trials = {trial["id"]: trial for trial in finished(app, search)}
        assert [trials[name]["epoch"] for name in (parent["id"], longer, again, slower)] == [6, 10, 10, 6]
        assert {name: (one["epochs"], one["changed"]) for name, one in trials.items()} == {
            parent["id"]: (6, {}),
            longer: (10, {"epochs": 10}),
            again: (10, {"epochs": 10, "momentum": 0.5}),
            slower: (6, {"learning_rate": 1e-4}),
        }
        for name, trial in trials.items():
            assert replayed(app, name) == trial["metrics"]
            schedule = app.request("GET", f"/api/v1/trials/{name}/schedule").json()["schedule"]
            assert all("trial" not in turn["set"] for turn in schedule)
        text = app.request("GET", f"/api/v1/searches/{search}/export?format=csv").text
        assert '"{""learning_rate"":0.0001}"' in text
