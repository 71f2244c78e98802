"""Generated sequences of store operations against a small model of what may happen (I2-I7, I10, I11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.engine import make_url

from caviar.service.errors import ServiceError
from caviar.service.store import curves
from caviar.service.usecases import steer_search
from tests.support.stores import LEASE, World, empty_database, epochs, handed, open_world, request, result

CURVES = select(curves.c.number, curves.c.first, curves.c.rows, curves.c.data)
AGENTS = st.integers(1, 4)
ENDED = {"completed", "stopped", "diverged", "failed", "cancelled"}


@dataclass
class Known:
    """What the model knows of a trial: what was acknowledged must stay."""

    attempt: int = 0
    owner: int | None = None
    lost_by: int | None = None  # who had the newest attempt, and may come back before anybody else has one
    ended: tuple[str, float | None] | None = None
    epochs: dict[int, float] = field(default_factory=dict)


class Machine(RuleBasedStateMachine):
    """Agents that ask, report, die, come back late; people who steer; time that passes."""

    world: World  # given by the test

    @initialize()
    def begin(self) -> None:
        self.known: dict[str, Known] = {}
        self.deadline: dict[int, float] = {}
        self.past: list[tuple[int, str, int]] = []  # (agent, trial, attempt) that once were handed out
        self.search = self.world.submit(budget={"trials": 6}, parallel=3, lag=2)

    def _seen(self, agent: int, answer: dict[str, Any]) -> None:
        self.deadline[agent] = self.world.clock.time + LEASE
        for name, attempt in handed(answer):
            known = self.known.setdefault(name, Known())
            assert known.ended is None, "a trial that has ended is handed out"
            if known.owner == agent:
                assert attempt == known.attempt, "given again with the same attempt"
            else:
                assert known.owner is None, "a trial has two owners"
                assert attempt == known.attempt + 1, "the attempt grows by one"
            known.owner, known.lost_by, known.attempt = agent, None, attempt
            self.past.append((agent, name, attempt))

    def _holding(self, agent: int) -> list[tuple[str, int]]:
        return [(name, known.attempt) for name, known in self.known.items() if known.owner == agent]

    def _lost(self, agent: int) -> None:
        for known in self.known.values():
            if known.owner == agent:
                known.owner, known.lost_by = None, agent
        self.deadline.pop(agent, None)

    def _comes_back(self, agent: int, name: str, attempt: int) -> Known:
        """Return what is known of a trial of which an agent speaks: it has again what nobody else has had."""
        known = self.known[name]
        if known.lost_by == agent and known.attempt == attempt and known.ended is None:
            known.owner, known.lost_by = agent, None
        return known

    @rule(agent=AGENTS, want=st.integers(0, 3), named=st.booleans())
    def ask(self, agent: int, want: int, named: bool) -> None:
        holding = self._holding(agent) if named else []
        answer = self.world.exchange(agent, want=want, holding=holding)
        assert answer["drop"] == []
        if not named:  # an answer was lost: all of it comes again
            assert set(self._holding(agent)) <= set(handed(answer))
        self._seen(agent, answer)

    @rule(wants=st.lists(st.integers(0, 2), min_size=4, max_size=4), value=st.sampled_from([0.1, 0.2]))
    def all_ask_together(self, wants: list[int], value: float) -> None:
        """Each reports the end of one of its trials; nobody is given what another one has."""
        requests = []
        for agent, want in enumerate(wants, 1):
            done = self._holding(agent)[:1]
            for name, _ in done:
                self.known[name].ended, self.known[name].owner = ("completed", value), None
            reports = [result(*one, value) for one in done]
            requests.append(request(agent, want=want, reports=reports, holding=self._holding(agent)))
        for agent, answer in enumerate(self.world.exchange_together(requests), 1):
            assert answer["drop"] == []
            self._seen(agent, answer)

    @precondition(lambda self: self.past)
    @rule(data=st.data(), count=st.integers(1, 3), overlap=st.integers(0, 2))
    def report_epochs(self, data: st.DataObject, count: int, overlap: int) -> None:
        agent, name, attempt = data.draw(st.sampled_from(self.past))
        known = self._comes_back(agent, name, attempt)
        first = max(1, len(known.epochs) + 1 - overlap)
        values = [float(100 * attempt + first + offset) for offset in range(count)]
        fresh = known.owner == agent and known.attempt == attempt
        report = epochs(name, attempt, first, values)
        answer = self.world.exchange(agent, reports=[report], holding=self._holding(agent))
        assert bool(answer["drop"]) == (not fresh)
        if fresh:
            for offset, value in enumerate(values):
                known.epochs.setdefault(first + offset, value)
        self._seen(agent, answer)

    @precondition(lambda self: self.past)
    @rule(data=st.data(), value=st.sampled_from([0.1, 0.2, 0.3, None]), again=st.booleans())
    def report_result(self, data: st.DataObject, value: float | None, again: bool) -> None:
        agent, name, attempt = data.draw(st.sampled_from(self.past))
        known = self._comes_back(agent, name, attempt)
        if known.owner == agent and known.attempt == attempt:
            known.ended = ("completed", value) if value is not None else ("diverged", None)
            known.owner = None
        for _ in range(1 + again):
            report = result(name, attempt, value)
            self._seen(agent, self.world.exchange(agent, reports=[report], holding=self._holding(agent)))

    @precondition(lambda self: self.past)
    @rule(data=st.data(), state=st.sampled_from(["released", "paused"]))
    def hand_back(self, data: st.DataObject, state: str) -> None:
        agent, name, attempt = data.draw(st.sampled_from(self.past))
        known = self._comes_back(agent, name, attempt)
        if known.owner == agent and known.attempt == attempt:
            known.owner = None
        report = {"trial": name, "attempt": attempt, "state": state}
        self._seen(agent, self.world.exchange(agent, reports=[report], holding=self._holding(agent)))

    @rule(agent=AGENTS)
    def an_agent_dies(self, agent: int) -> None:
        self.world.lose(agent)
        self._lost(agent)

    @rule(agent=AGENTS)
    def an_agent_leaves(self, agent: int) -> None:
        left = [known for known in self.known.values() if known.owner == agent]
        self.world.exchange(agent, leaving=True)
        self._lost(agent)
        for known in left:
            known.lost_by = None  # handed back, not lost

    @rule(seconds=st.sampled_from([1.0, LEASE / 2, LEASE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.time += seconds
        self.world.sweep()
        for agent, deadline in list(self.deadline.items()):
            if deadline < self.world.clock.time:
                self._lost(agent)

    @rule(to=st.sampled_from(["paused", "active"]))
    def switch(self, to: str) -> None:
        self._steer(lambda tx: steer_search.switch(tx, self.search, to))

    @rule(trials=st.integers(1, 9), parallel=st.integers(1, 3))
    def edit(self, trials: int, parallel: int) -> None:
        changes = {"budget": {"trials": trials}, "parallel": parallel}
        self._steer(lambda tx: steer_search.edit(tx, self.world.proposer, self.search, changes, None))

    @rule(b=st.sampled_from([0.0, 0.5]))
    def enqueue(self, b: float) -> None:
        points = [{"a": 0.5, "b": b}]
        self._steer(lambda tx: steer_search.enqueue(tx, self.world.proposer, self.search, points))

    @precondition(lambda self: len(self.past) > 8)
    @rule()
    def cancel(self) -> None:
        self._steer(lambda tx: steer_search.cancel(tx, self.search))
        for known in self.known.values():
            if known.ended is None:
                known.owner, known.ended = None, ("cancelled", None)

    @rule()
    def another_server_takes_over(self) -> None:
        self.world.proposer._caches.clear()

    def _steer(self, work: Any) -> None:
        try:
            self.world.write(work)
        except ServiceError:
            self.world.check()  # refused: then nothing of it is left

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        self.world.check()
        kept = self._kept()
        for row in self.world.trials(self.search):
            known = self.known.get(f"{self.search}.{row.number}")
            if known is None:
                continue
            assert row.attempt == known.attempt
            if known.ended is not None:
                assert (row.state, row.value) == known.ended, "a terminal state changed"
            elif known.owner is not None:
                assert row.state == "running"
            else:
                assert row.state in ("queued", "paused", "failed", "cancelled")
                if row.state in ENDED:
                    known.ended = (row.state, row.value)
            assert kept[row.number] == known.epochs, "an acknowledged epoch is lost or doubled"

    def _kept(self) -> dict[int, dict[int, float]]:
        """Return the first column of every trial's curve, by number and epoch."""
        kept: dict[int, dict[int, float]] = defaultdict(dict)
        query = CURVES.where(curves.c.search_id == self.search)
        for piece in self.world.read(lambda connection: connection.execute(query).all()):
            for offset, row in enumerate(curves.unpack(piece.data, piece.rows)):
                epoch = piece.first + offset
                assert epoch not in kept[piece.number], "an epoch is there twice"
                kept[piece.number][epoch] = float(row[0])
        return kept

    def teardown(self) -> None:
        if hasattr(self, "search"):  # the next example must find an empty store
            self.world.write(lambda tx: steer_search.delete(tx, self.world.proposer, self.search))
            self.world.clock.time += 10 * LEASE
            self.world.sweep()


@contextmanager
def worlds(kind: str, request: pytest.FixtureRequest) -> Iterator[World]:
    with TemporaryDirectory() as folder:
        if kind == "sqlite":
            url = make_url(f"sqlite:///{Path(folder) / 'caviar.db'}")
        else:
            url = empty_database(request.getfixturevalue("postgres_server"))
        world = open_world(url)
        yield world
        world.proposer.close()
        world.store.close()


def run(
    kind: str, request: pytest.FixtureRequest, examples: int, steps: int, draw: int | None = None
) -> None:
    """Generate histories; without `draw` always the same ones."""
    with worlds(kind, request) as world:
        machine = type("Machine", (Machine,), {"world": world})
        if draw is not None:
            seed(draw)(machine)
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                derandomize=draw is None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


BOTH = pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])


@BOTH
def test_generated_histories(kind: str, request: pytest.FixtureRequest) -> None:
    run(kind, request, examples=12, steps=25)


@BOTH
@pytest.mark.soak
@pytest.mark.parametrize("draw", range(10))
def test_ten_times_a_thousand_generated_histories(
    kind: str, request: pytest.FixtureRequest, draw: int
) -> None:
    run(kind, request, examples=1000, steps=30, draw=draw)
