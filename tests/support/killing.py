"""Kills at random moments while searches run: of what, and how soon the trials that were hit got further."""

from __future__ import annotations

import contextlib
import json
import math
import random
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.support.fleet import LEASE, Fleet
from tests.support.postgres_process import Postgres
from tests.support.server_process import Server
from tests.support.waiting import wait

Trial = tuple[int, int]  # search and number
KINDS = {  # with their weights
    "an agent of a server": 6,
    "an agent of `caviar worker`": 4,
    "`caviar worker` itself": 3,
    "a server": 5,
    "the database": 4,
    "stopped for longer than a lease": 4,
    "everything at once": 2,
}
POISON = (11.0, 12.0, 13.0, 14.0)  # crash, exit, SIGKILL, holding the interpreter
GAPS = 0.1, 4.0  # seconds between two kills, on a logarithmic scale
AT_WORK = 0.8  # the share of the kills that are put off until AGENTS_AT_WORK agents train again
AGENTS_AT_WORK, MOST_PATIENCE = 3, 30.0  # so many of four; seconds
STOPPED = 1.2, 2.5  # leases
PATIENCE = 900.0  # for the searches to end after the last kill, on a machine that others use too
_TRIALS = text("SELECT search_id, number, state, epoch, attempt, agent, params FROM trials")


@dataclass
class Kill:
    """One kill: the innocent trials that it tore from their agents, and when these went on."""

    kind: str
    unfinished: bool  # some search had not ended
    hit: dict[Trial, int] = field(default_factory=dict)  # with their epochs
    progress: int = 0  # of all trials together
    at: float = 0.0
    next_progress: float | None = None  # seconds until any trial got further
    further: float | None = None  # seconds until all trials hit did


class Looks:
    """The database, read beside the servers."""

    def __init__(self, url: str, postgres: Postgres | None) -> None:
        self._postgres = postgres
        if url.startswith("sqlite"):
            path = url.removeprefix("sqlite:///")
            url = f"sqlite:///file:{path}?mode=ro&uri=true"
        limits = {} if url.startswith("sqlite") else {"connect_timeout": 5}
        self._engine: Engine = create_engine(url, connect_args=limits)
        self.trials: dict[Trial, Any] = {}

    def look(self) -> bool:
        """Read where all trials are; return whether that was possible."""
        if self._postgres is not None and self._postgres.stopped:
            return False
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(_TRIALS).all()
        except DBAPIError:
            self._engine.dispose()
            return False
        self.trials = {(row.search_id, row.number): row for row in rows}
        return True

    @property
    def progress(self) -> int:
        return sum(row.epoch + (row.state not in ("queued", "running")) for row in self.trials.values())

    def close(self) -> None:
        self._engine.dispose()


class Killer:
    """Kills one after the other at moments and of kinds that a seed gives."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.seed = seed
        self.kills: list[Kill] = []
        self.total = 0  # trials there are in all
        self._dice = random.Random(seed)
        self._looks = Looks(fleet.servers[0].database, fleet.postgres)
        self._stopped: list[tuple[float, Callable[[], None]]] = []  # until when, and how to go on

    def run(self, kills: int) -> None:
        """Kill so many times."""
        possible = dict(KINDS)
        if self.fleet.postgres is None:
            del possible["the database"]
        low, high = (math.log(gap) for gap in GAPS)
        while len(self.kills) < kills:
            if self._dice.random() < AT_WORK:
                self.wait_for_work(AGENTS_AT_WORK)
            due = time.monotonic() + math.exp(self._dice.uniform(low, high))
            while time.monotonic() < due:
                self.tick()
            self.kill(self._dice.choices(list(possible), list(possible.values()))[0])

    def wait_for_work(self, agents: int) -> None:
        """Wait until so many agents train, for a while."""
        patience = time.monotonic() + MOST_PATIENCE
        while time.monotonic() < patience:
            self.tick()
            holding = {row.agent for row in self._looks.trials.values() if row.state == "running"}
            if len(holding & set(self.fleet.agents())) >= agents:
                return

    def recover(self, ended: Callable[[], bool]) -> None:
        """Let everything go on to its end."""

        def over() -> bool:
            self.tick()
            return not self._stopped and all(kill.further is not None for kill in self.kills) and ended()

        wait(over, PATIENCE, lambda: f"the end: {self._left()}\n{self.fleet.servers[0].tail()}")
        self._looks.close()

    def tick(self) -> None:
        """Keep all running, let go on what was stopped for long enough, see which trials got further."""
        now = time.monotonic()
        for until, go_on in [one for one in self._stopped if one[0] <= now]:
            go_on()
            self._stopped = [one for one in self._stopped if one[0] > until or one[1] is not go_on]
        self.fleet.keep()
        if self._looks.look():
            self._note(time.monotonic())
        time.sleep(0.1)

    def _note(self, now: float) -> None:
        progress = self._looks.progress
        for kill in self.kills:
            if kill.next_progress is None and progress > kill.progress:
                kill.next_progress = now - kill.at
            if kill.further is None and all(self._is_further(*one) for one in kill.hit.items()):
                kill.further = now - kill.at

    def _is_further(self, trial: Trial, epoch: int) -> bool:
        row = self._looks.trials[trial]
        return row.epoch > epoch or row.state not in ("queued", "running")

    def kill(self, kind: str) -> None:
        """Kill, and note what that found."""
        looks = self._looks
        looks.look()
        ended = sum(row.state not in ("queued", "running") for row in looks.trials.values())
        kill = Kill(kind, unfinished=ended < self.total, progress=looks.progress)
        running = {trial: row for trial, row in looks.trials.items() if row.state == "running"}
        victims = self._strike(kind)
        kill.at = time.monotonic()
        if looks.look():  # what was reported before the blow fell is no progress
            kill.progress = looks.progress
        for trial, row in running.items():
            now = looks.trials[trial]
            if (
                row.agent in victims
                and now.state in ("queued", "running")
                and not is_poison(json.loads(row.params))
            ):
                kill.hit[trial] = now.epoch
        self.kills.append(kill)

    def _strike(self, kind: str) -> set[str]:
        """Do it; name the agents that this takes from their work, for good or for a time."""
        fleet, dice = self.fleet, self._dice
        everybody = fleet.agents()
        server = dice.choice(fleet.servers)
        if kind == "stopped for longer than a lease":
            return self._stop(server)
        if kind == "a server":
            _kill(server.process)
            return set(everybody)
        if kind == "`caviar worker` itself":
            victims = set(fleet.agents_of(fleet.worker))
            _kill(fleet.worker.process)
            return victims
        if kind in ("the database", "everything at once"):
            if kind == "everything at once":
                for process in (*everybody.values(), *(parent.process for parent in fleet.parents)):
                    _kill(process)
            if fleet.postgres is not None:
                fleet.postgres.kill()
                fleet.database_away = True
            return set(everybody)
        agents = fleet.agents_of(fleet.worker if "worker" in kind else server)
        if not agents:  # it is just being started again
            return set()
        agent = dice.choice(sorted(agents))
        _kill(agents[agent])
        return {agent}

    def _stop(self, server: Server) -> set[str]:
        """Stop an agent, a parent of agents or the database for longer than a lease."""
        fleet, dice = self.fleet, self._dice
        until = time.monotonic() + LEASE * dice.uniform(*STOPPED)
        agents = fleet.agents()
        victim: Any
        whom = dice.choice(["agent", "agent", "server", "worker", "database"])
        postgres = fleet.postgres
        if whom == "database" and postgres is not None and not (fleet.database_away or postgres.stopped):
            postgres.signal(signal.SIGSTOP)
            self._stopped.append((until, lambda: postgres.signal(signal.SIGCONT)))
            return set(agents)
        if whom == "agent" and agents:
            agent = dice.choice(sorted(agents))
            victim, victims = agents[agent], {agent}
        else:
            parent = fleet.worker if whom == "worker" else server
            victim, victims = parent.process, set(fleet.agents_of(parent))
        _send(victim, signal.SIGSTOP)
        self._stopped.append((until, lambda: _go_on([victim])))
        return victims

    def _left(self) -> str:
        left = [row for row in self._looks.trials.values() if row.state in ("queued", "running")]
        late = [kill for kill in self.kills if kill.further is None]
        return f"{len(left)} trials, such as {left[:3]}; {len(late)} kills, such as {late[:2]}"


def is_poison(point: Mapping[str, float]) -> bool:
    return point["x"] in POISON


def _kill(process: Any) -> None:
    _send(process, signal.SIGKILL)


def _go_on(processes: Iterable[Any]) -> None:
    for process in processes:
        _send(process, signal.SIGCONT)


def _send(process: Any, number: signal.Signals) -> None:
    """Send a signal to a process, of subprocess or psutil, that may be gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
