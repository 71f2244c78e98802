"""Agents on a simulated clock that train the turns of populations: what a state is follows from its past."""

from __future__ import annotations

import math
from collections.abc import Mapping
from heapq import heappop
from typing import Any

from tests.support.simulated_agents import Players
from tests.support.stores import World

POPULATION: dict[str, Any] = {
    "trainer": "mlp",
    "settings": {},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
        "beta1": {"scale": "one_minus_log", "low": 0.5, "high": 0.999},
        "hidden_units": {"low": 4, "high": 64, "type": "int", "scale": "log"},
    },
    "strategy": {"name": "population", "members": 4, "epochs_per_turn": 2},
    "budget": {"trials": 12},
    "parallel": 2,
    "seed": 7,
}


def course(trial: Mapping[str, Any]) -> list[float]:
    """Return the error after each epoch of the whole lineage: the best learning rate falls with time."""
    log = trial["change_log"] or {"changes": []}
    epochs = next((c["settings"]["epochs"] for c in reversed(log["changes"])), trial["epochs"])
    error, found = 1.0, []
    for epoch in range(1, epochs + 1):
        settings = dict(trial["params"])
        for change in log["changes"]:
            if change["epoch"] < epoch:
                settings |= change["settings"]
        off = math.log10(settings["learning_rate"]) + 1.0 + 0.2 * epoch
        error *= 1.0 - 0.3 * math.exp(-(off**2)) * settings["beta1"]
        found.append(error + 1e-3 * settings["hidden_units"] / 64 + 1e-12 * trial["seed"])
    return found


class Turns(Players):
    """Players that go on from a state, and say at which step they end; `states` are ends by trial number."""

    states: Mapping[int, str] = {}

    def _end_next(self) -> None:
        self.time, agent, trial = heappop(self.busy)
        begun = trial["change_log"]["epoch"] if trial["change_log"] else 0
        whole = course(trial)
        state = self.states.get(trial["number"], "completed")
        metrics = {"dev_error": whole[-1], "step": float(10 * len(whole))}
        self.world.exchange(
            agent,
            reports=[
                {
                    "trial": trial["trial"],
                    "attempt": trial["attempt"],
                    "first": begun + 1,
                    "columns": ["dev_error"],
                    "rows": [[value] for value in whole[begun:]],
                    "result": {"state": state, "metrics": metrics, "epoch": len(whole), "reason": state},
                }
            ],
        )
        self.free.append(agent)


def lineage(world: World, search: int) -> list[tuple[Any, ...]]:
    """Return what must be the same however a population was trained, without the number of the search."""
    return [
        (
            row.number,
            row.state,
            row.params,
            row.seed,
            row.epoch,
            row.epochs,
            row.value,
            _parent(row),
        )
        for row in world.trials(search)
    ]


def _parent(row: Any) -> int | None:
    return None if row.continues is None else int(row.continues.partition(".")[2])
