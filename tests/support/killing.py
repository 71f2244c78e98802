"""Kills at random moments while searches run, and what must hold when they have ended.

`python -m tests.support.killing --topology SQLite --kills 25 --seed 1 --into kills.jsonl` makes one run and
adds what it counted to a file; `--report kills.jsonl` prints the table of all runs in it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.support.fleet import LEASE, TOPOLOGIES, Fleet, running
from tests.support.postgres_process import Postgres
from tests.support.server_process import Server, serving
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
EPOCHS, EPOCH_SECONDS = 12, 0.1
COMMON: dict[str, Any] = {
    "trainer": "wandering",
    "space": {"x": {"scale": "linear", "low": 0, "high": 20}},
    "settings": {"epochs": EPOCHS, "epoch_seconds": EPOCH_SECONDS},
}
PATIENCE = 900.0  # for the searches to end after the last kill, on a machine that others use too
_TRIALS = text("SELECT search_id, number, state, epoch, attempt, agent, params FROM trials")


def searches(trials: int) -> list[dict[str, Any]]:
    """Three searches that share so many trials: random, coarse to fine with a rule, and a slow one."""
    points = [{"x": x} for poison in POISON for x in (poison / 10, poison)]
    results = {"parallel": 4, "lag": 6}
    zoom = {"strategy": "coarse_to_fine", "stopping": "successive_halving", "enqueued": points[:4]}
    return [
        {**COMMON, "trials": trials // 2, "strategy": "random", "parallel": 4, "enqueued": points},
        {**COMMON, **results, "trials": trials // 4, **zoom},
        {**COMMON, **results, "trials": trials // 4, "strategy": "tpe", "enqueued": points[:2]},
    ]


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
        """Read where all trials are; tell whether that was possible."""
        if self._postgres is not None and self._postgres.stopped:
            return False  # who asks now stands still as well
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
        innocent = {trial: row for trial, row in running.items() if not _is_poison(json.loads(row.params))}
        kill.hit = {trial: row.epoch for trial, row in innocent.items() if row.agent in victims}
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
        if whom == "database" and fleet.postgres is not None and not fleet.database_away:
            postgres = fleet.postgres
            stopped = postgres.processes()
            postgres.signal(signal.SIGSTOP)
            self._stopped.append((until, lambda: _go_on(stopped)))
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


@dataclass
class Run:
    """What a run of the harness came to."""

    topology: str
    seed: int
    seconds: float
    trials: int
    poison: int
    attempts: int
    kills: list[Kill]


def kill_and_compare(folder: Path, topology: str, kills: int, seed: int) -> Run:
    """Run searches through so many kills and compare each trial with that of an undisturbed run.

    Raises AssertionError where an innocent trial failed, a poison did not, or anything else differs.
    """
    with running(_made(folder / "fleet"), topology, seed) as fleet:
        killer = Killer(fleet, seed)
        return killed(folder, fleet, killer, searches(max(40, 6 * kills)), lambda: killer.run(kills))


def killed(
    folder: Path,
    fleet: Fleet,
    killer: Killer,
    wanted: Sequence[dict[str, Any]],
    kill: Callable[[], object],
) -> Run:
    """Submit searches, kill, wait for their end, compare. Raises AssertionError."""
    began = time.monotonic()
    first = fleet.server()
    numbers = [first.submit(**search) for search in wanted]
    killer.total = sum(search["trials"] for search in wanted)
    kill()
    killer.recover(lambda: _ready_now(first) and all(first.finished(number) for number in numbers))
    found = [outcome(first, number) for number in numbers]
    attempts = sum(row["attempt"] for number in numbers for row in first.trials(number))
    _exactly_once(first, numbers, wanted)
    expected = undisturbed(_made(folder / "twin"), wanted)
    poison = sum(map(compare, found, expected))
    trials = sum(map(len, found))
    return Run(fleet.topology, killer.seed, time.monotonic() - began, trials, poison, attempts, killer.kills)


def undisturbed(folder: Path, wanted: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The same searches without a kill, on one server; what is poison raises an error there."""
    with serving(folder, workers=1, environment={"POISON_RAISES": "1"}) as server:
        numbers = []
        for search in wanted:
            settings = {**search["settings"], "epoch_seconds": 0.0}
            numbers.append(server.submit(**{**search, "settings": settings}))
        for number in numbers:
            server.wait_finished(number, 300)
        return [outcome(server, number) for number in numbers]


def outcome(server: Server, number: int) -> list[dict[str, Any]]:
    """What must be the same however a search was run, with the curves."""
    names = ("number", "state", "params", "seed", "origin", "round", "epoch", "value", "metrics", "reason")
    found = []
    for trial in server.trials(number):
        curve = server.get(f"/trials/{trial['id']}/curve")
        found.append({**{name: trial.get(name) for name in names}, "curve": curve})
    return found


def compare(found: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> int:
    """Compare trial by trial, to the last bit; return how many were poison.

    How far a poison came, and what is said of it, is its own.
    """
    assert len(found) == len(expected)
    poison = 0
    for one, other in zip(found, expected, strict=True):
        if _is_poison(one["params"]):
            poison += 1
            assert one["state"] == "failed", f"a poison was not found: {one}"
            assert one["reason"].startswith("given up: "), one
            own = ("epoch", "curve", "reason", "metrics")
            one, other = ({k: v for k, v in trial.items() if k not in own} for trial in (one, other))
        assert one == other, f"a trial differs from that of the undisturbed run:\n{one}\n{other}"
    return poison


def _is_poison(point: Mapping[str, float]) -> bool:
    return point["x"] in POISON


def _exactly_once(server: Server, numbers: Sequence[int], wanted: Sequence[Mapping[str, Any]]) -> None:
    """Check that no trial is missing or there twice, that counters agree and curves have no gap or double."""
    for number, search in zip(numbers, wanted, strict=True):
        found = server.trials(number)
        assert [trial["number"] for trial in found] == list(range(search["trials"]))
        counts = server.search(number)["counts"]
        for state, count in counts.items():
            assert count == sum(trial["state"] == state for trial in found), (state, counts)
    ends: dict[tuple[int, int, int], int] = {}
    query = "SELECT search_id, number, branch, first, rows FROM curves ORDER BY 1, 2, 3, 4"
    for row in server.rows(query):
        key = (row["search_id"], row["number"], row["branch"])
        assert row["first"] == ends.get(key, 1), f"a gap or a double in the curve of {key}"
        ends[key] = row["first"] + row["rows"]


def table(runs: Iterable[Run]) -> str:
    """A Markdown table of what was killed where, and how soon work went on."""
    by: dict[tuple[str, str], list[Kill]] = defaultdict(list)
    for run in runs:
        for kill in run.kills:
            by[run.topology, kill.kind].append(kill)
    lines = [
        "| on | killed | times | while trials were unfinished | trials hit | next progress, s"
        " | the trials hit got further, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for topology in TOPOLOGIES:
        for kind in KINDS:
            kills = by.get((topology, kind), [])
            if kills:
                hit = [kill.further for kill in kills if kill.hit]
                cells = (
                    topology,
                    kind,
                    len(kills),
                    sum(kill.unfinished for kill in kills),
                    sum(len(kill.hit) for kill in kills),
                    _spread([kill.next_progress for kill in kills]),
                    _spread(hit),
                )
                lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def summary(runs: Sequence[Run]) -> str:
    """One line for each topology."""
    lines = []
    for topology in TOPOLOGIES:
        mine = [run for run in runs if run.topology == topology]
        if mine:
            kills = [kill for run in mine for kill in run.kills]
            lines.append(
                f"{topology}: {len(kills)} kills in {len(mine)} runs, {sum(r.seconds for r in mine):.0f} s, "
                f"{sum(kill.unfinished for kill in kills)} of them while trials were unfinished, "
                f"{sum(bool(kill.hit) for kill in kills)} of agents that were training. "
                f"{sum(run.trials for run in mine)} trials in {sum(run.attempts for run in mine)} attempts: "
                f"{sum(run.poison for run in mine)} poison trials failed, all others are as undisturbed"
            )
    return "\n".join(lines)


def _spread(seconds: Iterable[float | None]) -> str:
    known = [one for one in seconds if one is not None]
    if not known:
        return "-"
    return f"{statistics.median(known):.1f}, at most {max(known):.1f}"


def _kill(process: Any) -> None:
    _send(process, signal.SIGKILL)


def _go_on(processes: Iterable[Any]) -> None:
    for process in processes:
        _send(process, signal.SIGCONT)


def _send(process: Any, number: signal.Signals) -> None:
    """Send a signal to a process, of subprocess or psutil, that may be gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _ready_now(server: Server) -> bool:
    return server.process is not None and server.process.poll() is None and server.ready()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def read(path: Path) -> list[Run]:
    """Runs as `--into` has written them."""
    runs = []
    for line in path.read_text().splitlines():
        found = json.loads(line)
        found["kills"] = [Kill(**{**kill, "hit": dict(enumerate(kill["hit"]))}) for kill in found["kills"]]
        runs.append(Run(**found))
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topology", choices=TOPOLOGIES, default="SQLite")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for databases and logs")
    asked = parser.parse_args()
    if asked.report:
        runs = read(asked.report)
    else:
        with contextlib.ExitStack() as ending:
            folder = asked.keep or Path(ending.enter_context(tempfile.TemporaryDirectory()))
            runs = [kill_and_compare(folder, asked.topology, asked.kills, asked.seed)]
    if asked.into:
        with asked.into.open("a") as file:
            for run in runs:
                row = asdict(run)
                for kill in row["kills"]:
                    kill["hit"] = list(kill["hit"].values())
                file.write(json.dumps(row) + "\n")
    print(summary(runs), table(runs), sep="\n\n")


if __name__ == "__main__":
    sys.exit(main())
