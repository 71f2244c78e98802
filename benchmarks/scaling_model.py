"""A discrete simulation of agents and servers, to sizes that do not run here.

An exchange takes time of its server's event loop, then waits for the writer. That takes all that has come as
one batch, and one transaction at a time runs in all servers together: each begins with the row of the
revision counter (service/store/transaction.py). Signs of life and event streams are many and alike: they take
a share of loops and transactions, and are no events of their own here.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

STREAM_RATE = 2.0  # events a second that an open stream gets at most


class Costs(NamedTuple):
    """Seconds, as `python -m benchmarks.scaling` measures them."""

    loop: float  # of an event loop, for an exchange
    work: float  # of a transaction, for an exchange that ends a trial and brings the next one
    commit: float  # of a transaction, whatever is in it
    beat_loop: float  # of an event loop, for a sign of life
    beat_work: float  # of a transaction, for a sign of life
    event: float  # of an event loop, for one event of one stream


class Case(NamedTuple):
    """An installation and its load."""

    servers: int
    agents: int
    trials: int
    length: float  # seconds of a trial, on average
    interval: float = 1.0  # between two signs of life
    streams: int = 0  # event streams open
    spread: float = 0.3  # of the lengths: their standard deviation over their mean


@dataclass
class Outcome:
    """What came of it."""

    seconds: float = 0.0
    loops: float = 0.0  # share of the time in which event loops were busy
    writing: float = 0.0  # share of the time in which a transaction was under way
    commits: int = 0
    waits: list[float] = field(default_factory=list)  # for answers, a sample

    def percentile(self, share: float) -> float:
        """Return a percentile of how long answers took, in seconds."""
        return sorted(self.waits)[min(len(self.waits) - 1, int(share * len(self.waits)))]


def shares(case: Case, costs: Costs) -> tuple[float, float]:
    """Return which share of loops and of transactions signs of life and streams take."""
    beats = case.agents / case.interval if case.length > case.interval else 0.0
    events = case.streams * STREAM_RATE * costs.event
    return (beats * costs.beat_loop + events) / case.servers, beats * costs.beat_work


class Simulation:
    """One run; `run` gives what came of it."""

    def __init__(self, case: Case, costs: Costs, seed: int = 0) -> None:
        """Raise ValueError where signs of life and streams alone are too many."""
        self._case = case
        loops, writing = shares(case, costs)
        if loops >= 1.0 or writing >= 1.0:
            raise ValueError("signs of life and streams alone take more time than there is")
        self._loop, self._work = costs.loop / (1 - loops), costs.work / (1 - writing)
        self._commit = costs.commit / (1 - writing)
        self._base = loops, writing
        self._dice = random.Random(seed)
        self._queue: list[tuple[float, int, int, int]] = []  # when, what, server, agent
        self._free = [0.0] * case.servers  # when each event loop is
        self._waiting: list[list[int]] = [[] for _ in range(case.servers)]  # agents, for each writer
        self._batch: list[int] = []
        self._turns: deque[int] = deque()  # servers that wait for their transaction
        self._writes: int | None = None  # the server whose transaction is under way
        self._asked = [0.0] * case.agents
        self._trains = [False] * case.agents
        self._left, self._ended, self._answers = case.trials, 0, 0
        self._busy = [0.0, 0.0]
        self._found = Outcome()

    def run(self) -> Outcome:
        """Run all trials."""
        case, steps = self._case, (self._arrive, self._enqueue, self._commit_batch)
        for agent in range(case.agents):
            heappush(
                self._queue, (self._dice.uniform(0, min(1.0, case.length)), 0, agent % case.servers, agent)
            )
        now = 0.0
        while self._ended < case.trials:
            now, what, server, agent = heappop(self._queue)
            steps[what](now, server, agent)
        found, (loops, writing) = self._found, self._base
        found.seconds = now
        found.loops = loops + (1 - loops) * self._busy[0] / (case.servers * now)
        found.writing = writing + (1 - writing) * self._busy[1] / now
        return found

    def _arrive(self, now: float, server: int, agent: int) -> None:
        """Let the event loop read the request, after those before it."""
        self._asked[agent] = now
        self._free[server] = max(now, self._free[server]) + self._loop
        self._busy[0] += self._loop
        heappush(self._queue, (self._free[server], 1, server, agent))

    def _enqueue(self, now: float, server: int, agent: int) -> None:
        """Give the writer an item."""
        self._waiting[server].append(agent)
        if len(self._waiting[server]) == 1 and server != self._writes:
            self._turns.append(server)
            self._begin(now)

    def _begin(self, now: float) -> None:
        """Begin the next transaction with all that its server has by now."""
        if self._writes is not None or not self._turns:
            return
        server = self._writes = self._turns.popleft()
        self._batch, self._waiting[server] = self._waiting[server], []
        took = self._commit + self._work * len(self._batch)
        self._busy[1] += took
        heappush(self._queue, (now + took, 2, server, -1))

    def _commit_batch(self, now: float, server: int, _: int) -> None:
        """Answer a batch: agents train what they were given, and ask again when they have."""
        case = self._case
        for agent in self._batch:
            self._answers += 1
            if self._answers % 101 == 0:
                self._found.waits.append(now - self._asked[agent])
            self._ended += self._trains[agent]
            self._trains[agent] = self._left > 0
            if self._left > 0:
                self._left -= 1
                length = max(0.0, self._dice.gauss(case.length, case.spread * case.length))
                heappush(self._queue, (now + length, 0, (server + 1) % case.servers, agent))
        self._found.commits += 1
        self._writes = None
        if self._waiting[server]:
            self._turns.append(server)
        self._begin(now)


def simulate(case: Case, costs: Costs, seed: int = 0) -> Outcome:
    """Run all trials of a case; raise ValueError where it cannot keep up with signs of life alone."""
    return Simulation(case, costs, seed).run()
