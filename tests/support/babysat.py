"""A trial that a person steers, in the hands of an agent that a test plays."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from caviar.service.errors import RefusedError
from caviar.service.ids import trial_id
from caviar.service.store import commands as command_rows
from caviar.service.store.tables import checkpoints
from caviar.service.usecases import commands, steering_view
from caviar.service.usecases.command_validation import NewCommand
from tests.support.stores import World, epochs, handed

PANDA = {
    "mode": "panda",
    "trainer": "mlp",
    "dataset": {"name": "digits"},
    "settings": {"epochs": 50},
    "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-2}},
    "budget": {"trials": 1},
}
RATE = {"learning_rate": 0.005}


class Babysat:
    """One trial in the hands of agent 1, at the end of epoch 10."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.search = world.submit(**PANDA)
        ((self.name, self.attempt),) = handed(world.exchange(1, want=1))
        self.report(epochs(self.name, 1, 1, [1.0] * 10))

    def report(self, *reports: Any, agent: int = 1, want: int = 0) -> dict[str, Any]:
        return self.world.exchange(agent, want=want, reports=reports, holding=[(self.name, self.attempt)])

    def give(self, *asks: NewCommand, match: int | None = None, key: str | None = None) -> list[int]:
        trial = trial_id(self.name)
        return list(
            self.world.write(lambda tx: commands.give(tx, self.world.proposer, trial, asks, match, key))
        )

    def given(self) -> dict[int, Any]:
        rows = self.world.read(lambda connection: command_rows.of_trial(connection, trial_id(self.name)))
        return {row.id: row for row in rows}

    def acknowledge(self, number: int, step: int, epoch: int = 10, **more: Any) -> dict[str, Any]:
        done = {"command": number, "step": step, "epoch": epoch, "before": {}, "after": RATE, **more}
        return {"trial": self.name, "attempt": self.attempt, "acknowledged": [done]}

    def keep(self, epoch: int, step: int, position: int = 0, branch: int = 0) -> int:
        """A checkpoint, its row alone."""
        trial = trial_id(self.name)
        values = {
            "search_id": trial.search,
            "number": trial.number,
            "attempt": 1,
            "branch": branch,
            "epoch": epoch,
            "step": step,
            "position": position,
            "kind": "schedule",
            "digest": "sha256:0",
            "size": 1,
            "name": f"{trial.search}/{epoch}",
            "created": 0.0,
            "revision": 1,
        }
        work = insert(checkpoints).values(**values).returning(checkpoints.c.id)
        return int(self.world.write(lambda tx: tx.connection.execute(work).scalar_one()))

    def log(self, branch: int | None = None, name: str | None = None) -> dict[str, Any]:
        return self.world.read(lambda c: steering_view.read_log(c, trial_id(name or self.name), branch))


def refused(babysat: Babysat, *asks: NewCommand) -> dict[str, Any]:
    with pytest.raises(RefusedError) as error:
        babysat.give(*asks)
    return {problem.field: problem for problem in error.value.problems}
