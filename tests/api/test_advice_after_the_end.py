"""Advice on an ended trial offers only what the server takes: a fork from its epoch, or an extension."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from caviar.search.spec import SearchSpec
from caviar.service.usecases.steering_view import acting
from caviar.trainer.remedies import Advice
from tests.support.inprocess import App, running
from tests.support.inprocess_agents import agents, finished

SEARCH: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "settings": {"hidden_units": 8, "epochs": 20, "batch_size": 16, "learning_rate": 1e-7},
    "space": {"momentum": {"choices": [0.5]}},
    "budget": {"trials": 1},
    "seed": 3,
}
SPEC = SearchSpec.parse(SEARCH)
SETTINGS = {"epochs": 20}
REWIND = Advice("overfitting", 7, "", {"kind": "rewind", "arguments": {"epoch": 7}})
LOWER = Advice("plateau", 12, "", {"kind": "set", "arguments": {"learning_rate": 0.01}})
EXTEND = Advice("improving", 12, "", {"kind": "extend", "arguments": {"epochs": 10}})


def state(name: str) -> Any:
    return SimpleNamespace(state=name)


@pytest.mark.parametrize("advice", [REWIND, LOWER, EXTEND])
def test_a_trial_in_training_is_told_the_command_itself(advice: Advice) -> None:
    assert acting(advice, state("running"), SPEC, SETTINGS) == advice.command


@pytest.mark.parametrize(
    ("advice", "command"),
    [
        (REWIND, {"kind": "fork", "arguments": {"epoch": 7}}),
        (
            LOWER,
            {"kind": "fork", "arguments": {"epoch": 12, "changes": {"learning_rate": 0.01, "epochs": 32}}},
        ),
        (EXTEND, EXTEND.command),
        (Advice("improving", 12, ""), None),
    ],
)
def test_an_ended_trial_is_forked_or_extended(advice: Advice, command: dict[str, Any] | None) -> None:
    assert acting(advice, state("stopped"), SPEC, SETTINGS) == command


def test_nothing_is_offered_that_would_be_refused() -> None:
    external = SearchSpec.parse(SEARCH | {"trainer": "external"})
    assert acting(LOWER, state("running"), external, SETTINGS) is None
    assert acting(LOWER, state("running"), external, {"learning_rate": 0.1}) == LOWER.command
    assert acting(REWIND, state("completed"), SPEC, {"epochs": 7}) is None


def test_the_server_takes_what_it_advises(tmp_path: Path) -> None:
    with running(tmp_path) as app, agents(app, 1):
        search = app.request("POST", "/api/v1/searches", json=SEARCH).json()["id"]
        [trial] = finished(app, search)
        [advice] = steering(app, trial["id"])
        assert advice["kind"] == "small_rate"
        assert advice["command"]["kind"] == "fork"
        response = app.request(
            "POST", f"/api/v1/trials/{trial['id']}/commands", json={"commands": [advice["command"]]}
        )
        assert response.json()["items"][0]["after"]["trial"] == f"{search}.1"
        app.request("POST", f"/api/v1/searches/{search}/cancel")
        assert [one["command"] for one in steering(app, trial["id"])] == [None]


def steering(app: App, trial: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.request("GET", f"/api/v1/trials/{trial}/steering").json()["advice"]
    return found
