"""Trials whose models were really trained, in the hands of an agent that a test plays."""

from __future__ import annotations

import hashlib
from typing import Any

from caviar.trainer.plugin import MLP
from tests.support.inprocess import App
from tests.support.stores import ManualClock, World

API = "/api/v1"
SETTINGS = {"epochs": 2, "hidden_layers": 1, "hidden_units": 8}


class Trial:
    """A trial in the hands of an agent that this test plays."""

    def __init__(self, app: App, agent: int, dataset: dict[str, Any], trainer: str = "mlp") -> None:
        space = {"learning_rate": {"scale": "log", "low": 1e-3, "high": 0.1}}
        search = {
            "name": "s",
            "dataset": dataset,
            "trainer": trainer,
            "space": space,
            "budget": {"trials": 1},
        }
        made = app.request("POST", f"{API}/searches", json={**search, "settings": SETTINGS})
        assert made.status_code == 201, made.text
        services = app.app.state.services
        self.app, self.agent = app, agent
        self.world = World(services.store, ManualClock(), services.proposer)
        self.only = {"trainers": [trainer], "searches": [made.json()["id"]]}
        [given] = self.world.exchange(agent, want=1, **self.only)["trials"]
        self.id = str(given["trial"])

    def keep(self, model: bytes) -> None:
        digest = f"sha256:{hashlib.sha256(model).hexdigest()}"
        query = {"attempt": 1, "digest": digest, "kind": "model"}
        put = self.app.request("PUT", f"{API}/trials/{self.id}/checkpoints", params=query, content=model)
        assert put.status_code == 201, put.text

    def end(self, **metrics: float) -> None:
        result = {"state": "completed", "metrics": metrics, "epoch": 2, "reason": None}
        report = {"trial": self.id, "attempt": 1, "branch": 0, "result": result}
        self.world.exchange(self.agent, reports=[report], **self.only)

    def predictions(self) -> Any:
        return self.app.request("GET", f"{API}/trials/{self.id}/predictions")


def trained(dataset: dict[str, Any]) -> tuple[bytes, dict[str, float]]:
    """A model of a few epochs and what its run says of itself."""
    trainer = MLP()
    run = trainer.start(SETTINGS, trainer.load(dataset, SETTINGS), 1)
    run.advance(60.0, until_epoch=2)
    return run.model(), run.result()


def finished(app: App, agent: int, dataset: dict[str, Any]) -> Trial:
    """A trial that ended with a stored model."""
    trial = Trial(app, agent, dataset)
    model, result = trained(dataset)
    trial.keep(model)
    trial.end(**result)
    return trial
