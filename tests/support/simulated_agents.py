"""Agents on a simulated clock: they take trials from a world's store, "train" them, obey the rule."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count, islice
from typing import Any

import numpy as np
import orjson
from sqlalchemy.engine import URL

from caviar.search.stopping import StopPlan, as_stored, verdict
from tests.support.stores import World, open_world

EPOCHS = 9
NUMBERS = count(1)  # of agents
Curve = Callable[[Mapping[str, Any]], list[float]]  # of an assignment: the metric after each epoch


@contextmanager
def opened(url: URL, build: bool = True) -> Iterator[World]:
    """A world for the length of a block."""
    world = open_world(url, build)
    try:
        yield world
    finally:
        world.proposer.close()
        world.store.close()


def bowl(assignment: Mapping[str, Any]) -> list[float]:
    """A curve that falls towards the height of a bowl over `a` (log) and `b`, with the noise of its seed."""
    point = assignment["params"]
    height = 0.1 * (math.log10(point["a"]) + 2.0) ** 2 + (point["b"] - 0.3) ** 2
    noise = np.random.default_rng(assignment["seed"]).normal(0, 0.02, EPOCHS)
    return [height + 2.0**-epoch + float(noise[epoch - 1]) for epoch in range(1, EPOCHS + 1)]


def plain(assignment: Mapping[str, Any]) -> dict[str, Any]:
    """An assignment as it arrives: through JSON."""
    return dict(orjson.loads(orjson.dumps(assignment)))


class Players:
    """Some agents that nobody has seen before, each with at most one trial in hand."""

    def __init__(self, world: World, agents: int, curve: Curve = bowl, salt: int = 0) -> None:
        self.world = world
        self.curve = curve
        self.salt = salt
        self.free = list(islice(NUMBERS, agents))
        self.busy: list[tuple[float, int, dict[str, Any]]] = []  # until when, who, what
        self.time = 0.0

    def play(self, search: int, most: int | None = None, patience: float = 60.0) -> None:
        """Go on until the search has ended, or so many more trials have."""
        deadline = time.monotonic() + patience
        while most is None or most > 0:
            self._take(search)
            if self.busy:
                self._end_next()
                deadline = time.monotonic() + patience
                most = None if most is None else most - 1
            elif self.world.search(search).ended is not None:
                return
            else:  # a slow strategy is thinking
                assert time.monotonic() < deadline, self.world.search(search)
                time.sleep(0.002)

    def die(self) -> None:
        """Lose all agents with what they hold."""
        for _, agent, _ in self.busy:
            self.world.lose(agent)
        self.free += [agent for _, agent, _ in self.busy]
        self.busy = []

    def _take(self, search: int) -> None:
        for agent in sorted(self.free):
            given = self.world.exchange(agent, want=1, searches=[search])["trials"]
            if given:
                self.free.remove(agent)
                heappush(self.busy, (self.time + self._seconds(given[0]), agent, plain(given[0])))

    def _seconds(self, trial: Mapping[str, Any]) -> float:
        """Lengths differ a hundredfold, and otherwise with every salt."""
        return float(100 ** np.random.default_rng([self.salt, trial["number"]]).random())

    def _end_next(self) -> None:
        self.time, agent, trial = heappop(self.busy)
        curve = self.curve(trial)
        reached, reason = obey(trial, curve)
        report = {
            "trial": trial["trial"],
            "attempt": trial["attempt"],
            "first": 1,
            "columns": ["dev_error"],
            "rows": [[value] for value in reached],
            "result": {
                "state": "stopped" if reason else "completed",
                "metrics": {"dev_error": reached[-1]},
                "epoch": len(reached),
                "reason": reason,
            },
        }
        self.world.exchange(agent, reports=[report])
        self.free.append(agent)


def obey(trial: Mapping[str, Any], curve: list[float]) -> tuple[list[float], str | None]:
    """Cut a curve where its stopping table says so."""
    given = trial["stop"]
    if given is None:
        return curve, None
    checks = tuple((int(epoch), float(bound)) for epoch, bound in given["checks"])
    plan = StopPlan(checks, given["patience"], given["warmup"], given["why"])
    for epoch in range(1, len(curve)):
        reason = verdict(plan, [as_stored(value) for value in curve[:epoch]], "minimize")
        if reason:
            return curve[:epoch], reason
    return curve, None


def outcome(world: World, search: int) -> list[tuple[Any, ...]]:
    """What must be the same however a search was run."""
    return [
        (row.number, row.state, row.params, row.seed, row.origin, row.round, row.epoch, row.value)
        for row in world.trials(search)
    ]
