"""Populations of real trainings: the same bits whatever is kept, a lineage, a schedule to take along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar import trainers
from caviar.agents import trial_runner
from caviar.trainer.run import Run
from tests.support.inprocess import App, running
from tests.support.inprocess_agents import searched

SEARCH: dict[str, Any] = {
    "dataset": {"name": "digits"},
    "settings": {"keep_prob": 0.9, "beta1": 0.9},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-3, "high": 0.3},
        "hidden_units": {"choices": [4, 8]},
    },
    "strategy": {"name": "population", "members": 4, "epochs_per_turn": 2},
    "budget": {"trials": 12},
    "lag": 2,
    "seed": 5,
}
Trained = tuple[App, list[dict[str, Any]]]
SEEN = ("number", "state", "params", "seed", "epoch", "value", "metrics", "origin")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    with running(tmp_path_factory.mktemp("population")) as app:
        yield app, searched(app, SEARCH, 2)


def got(app: App, path: str) -> Any:
    return app.request("GET", f"/api/v1{path}").json()


def test_the_same_bits_for_other_workers_and_without_kept_states(
    tmp_path: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_runner, "KEPT_IN_POPULATION", np.inf)
    with running(tmp_path) as app:
        anew = searched(app, SEARCH, 1)
    assert [[one[name] for name in SEEN] for one in anew] == [
        [one[name] for name in SEEN] for one in trained[1]
    ]


def test_a_trainer_that_tells_no_step_leaves_it_with_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Run.result
    monkeypatch.setattr(
        Run, "result", lambda run: {name: value for name, value in told(run).items() if name != "step"}
    )
    strategy = {**SEARCH["strategy"], "members": 2}
    fields = {"strategy": strategy, "budget": {"trials": 4}, "lag": 0}
    with running(tmp_path) as app:
        trials = searched(app, {**SEARCH, **fields}, 1)
        kept = [got(app, f"/trials/{one['id']}/checkpoints")["items"] for one in trials]
    assert [(one["state"], one["epoch"]) for one in trials] == [("completed", 2)] * 2 + [("completed", 4)] * 2
    assert all("end" in {one["kind"] for one in items} for items in kept)


def test_what_can_change_varies_and_the_rest_stays(trained: Trained) -> None:
    app, trials = trained
    assert got(app, "/searches/1")["spec"]["strategy"]["vary"] == ["learning_rate"]
    found = got(app, "/searches/1/population")
    copies = [
        (number, parent)
        for number, parent in zip(found["number"], found["parent"], strict=True)
        if parent is not None and parent % 4 != number % 4
    ]
    assert copies
    for number, parent in copies:
        one, other = trials[number]["params"], trials[parent]["params"]
        assert one["learning_rate"] != other["learning_rate"]
        assert one["hidden_units"] == other["hidden_units"]
    assert found["params"]["learning_rate"] == [one["params"]["learning_rate"] for one in trials]
    assert (found["begun"], found["turn"]) == ([0] * 4 + [2] * 4 + [4] * 4, [0] * 4 + [1] * 4 + [2] * 4)
    best = min(trials, key=lambda one: (one["value"], one["number"]))
    assert found["best"] == found["lineage"][-1] == best["number"]
    steps = zip(found["lineage"], found["lineage"][1:], strict=False)
    assert all(found["parent"][after] == before for before, after in steps)


def test_a_lineage_is_one_uninterrupted_training(
    trained: Trained,
) -> None:
    app, trials = trained
    copied = next(one for one in trials[8:] if "copies" in one["origin"]["why"])
    log = got(app, f"/trials/{copied['id']}/log")
    plugin: Any = trainers.get("mlp")
    run = plugin.start(log["settings"], plugin.load(SEARCH["dataset"], log["settings"]), log["seed"])
    for change in log["changes"]:
        run.advance(60.0, until_step=change["step"])
        run.change(change["settings"])
    while run.status == "running":
        run.advance(60.0)
    assert run.result() == copied["metrics"]


def test_a_schedule_makes_a_search_that_trains_with_it(trained: Trained) -> None:
    app, trials = trained
    copied = next(one for one in trials[8:] if "copies" in one["origin"]["why"])
    found = got(app, f"/trials/{copied['id']}/schedule")
    assert found["epochs"] == found["settings"]["epochs"] == 6
    rate = copied["params"]["learning_rate"]
    assert found["schedule"][-1] == {"epoch": 4, "set": {"learning_rate": rate}}
    search = found["search"]
    answer = app.request("POST", "/api/v1/searches/check", json=search)
    assert answer.json() == {"errors": []}
    made = searched(app, {**search, "budget": {"trials": 1}})
    assert made[0]["epoch"] == 6 and made[0]["changed"]["learning_rate"] == rate


def test_other_strategies_have_no_members_and_what_cannot_vary_is_said(
    trained: Trained,
) -> None:
    app, _ = trained

    def refused(**changes: Any) -> dict[str, str]:
        answer = app.request("POST", "/api/v1/searches/check", json={**SEARCH, **changes})
        return {one["field"]: one["message"] for one in answer.json()["errors"]}

    units = {"hidden_units": SEARCH["space"]["hidden_units"]}
    assert "can change none" in refused(space=units)["space"]
    strategy = {**SEARCH["strategy"], "vary": ["hidden_units"]}
    assert "cannot change while a trial runs" in refused(strategy=strategy)["strategy.vary"]
    assert (
        "60 epochs in 3 turns"
        in refused(settings={"epochs": 9}, strategy={**SEARCH["strategy"], "epochs_per_turn": 20})[
            "settings.epochs"
        ]
    )
