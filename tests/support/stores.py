"""A store under test with a clock that the test moves, and agents that are plain calls."""

from __future__ import annotations

import json
import random
import secrets
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import Connection, event, select
from sqlalchemy.engine import URL, make_url

from caviar.exchange.wire import AgentEnd, Cause, ExchangeRequest, InTraining
from caviar.search.spec import SearchSpec
from caviar.service.store import schema
from caviar.service.store.database import Database
from caviar.service.store.memory import Columns
from caviar.service.store.tables import STATES, attempts, searches, trials
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import leases
from caviar.service.usecases.exchange import Answer, exchange
from caviar.service.usecases.proposer import Proposer
from caviar.service.usecases.studies import OPTUNA
from caviar.service.usecases.submit import submit

LEASE = 30.0
WRITE_SECONDS = 600.0  # a machine may be very busy, or asleep; a writer that hangs is found all the same
_SEARCHES = select(searches)
_SHORT = select(*(trials.c[name] for name in ("search_id", "number", "state", "agent"))).order_by(
    trials.c.search_id, trials.c.number
)


class ManualClock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time


def spec(**changes: Any) -> SearchSpec:
    """A search of a script's trainer, drawn at random from two axes."""
    base = {
        "name": "test",
        "trainer": "external",
        "settings": {"epochs": 3},
        "space": {
            "a": {"scale": "log", "low": 1e-4, "high": 1.0},
            "b": {"scale": "linear", "low": 0.0, "high": 1.0},
        },
        "strategy": "random",
        "budget": {"trials": 10},
        "parallel": 4,
    }
    return SearchSpec.parse({**base, **changes})


NO_SECRET = "local"  # what an agent without one shows to a server that asks for no token


@dataclass
class World:
    """A store, its clock and its proposer."""

    store: Database
    clock: ManualClock
    proposer: Proposer = field(default_factory=Proposer)
    columns: Columns = field(default_factory=Columns)

    def turn(self) -> None:
        """Say that the next call may go to another server; there is only this one."""

    def close(self) -> None:
        self.proposer.close()
        self.store.close()

    def write(self, work: Any) -> Any:
        self.turn()
        return self.store.submit(work).result(timeout=WRITE_SECONDS)

    def read(self, query: Any) -> Any:
        with self.store.reading() as connection:
            return query(connection)

    def submit(self, key: str | None = None, **changes: Any) -> int:
        return int(self.write(lambda tx: submit(tx, spec(**changes), key))[0])

    def exchange(self, agent: int, **asked: Any) -> dict[str, Any]:
        """Exchange as one agent; what is asked is that of `request`."""
        self.turn()
        answer = self.store.submit_shared(self._exchange, request(agent, **asked))
        return answer.result(timeout=WRITE_SECONDS).body

    def exchange_together(self, requests: Sequence[ExchangeRequest]) -> list[dict[str, Any]]:
        """Exchange as several agents that the writer finds waiting at once."""
        return [answer.body for answer in self.write(lambda tx: self._exchange(tx, requests))]

    def _exchange(self, tx: Transaction, requests: Sequence[ExchangeRequest]) -> list[Answer]:
        return exchange(tx, self.proposer, [(one, NO_SECRET) for one in requests], LEASE, 1.0)

    def sweep(self) -> int:
        return int(self.write(leases.sweep))

    def lose(
        self,
        agent: int,
        reason: str = "killed",
        cause: Cause = "unknown",
        training: tuple[str, int, float] | tuple[str, int, float, float] | None = None,
    ) -> int:
        """Report an agent as gone, as its supervisor would, with what it was training for how long."""
        said = AgentEnd(
            reason=reason, cause=cause, training=training and InTraining.model_validate(_named(training))
        )
        return int(self.write(lambda tx: leases.agent_lost(tx, agent_id(agent), said)))

    def trial(self, name: str) -> Any:
        search, number = map(int, name.split("."))
        query = select(trials).where(trials.c.search_id == search, trials.c.number == number)
        return self.read(lambda connection: connection.execute(query).one())

    def search(self, number: int) -> Any:
        query = select(searches).where(searches.c.id == number)
        return self.read(lambda connection: connection.execute(query).one())

    def trials(self, search: int) -> list[Any]:
        query = select(trials).where(trials.c.search_id == search).order_by(trials.c.number)
        return list(self.read(lambda connection: connection.execute(query).all()))

    def attempts(self, name: str) -> list[Any]:
        search, number = map(int, name.split("."))
        a = attempts.c
        query = select(attempts).where(a.search_id == search, a.number == number).order_by(a.attempt)
        return list(self.read(lambda connection: connection.execute(query).all()))

    def check(self) -> None:
        """What must hold at any moment, whatever happened."""
        self.read(check_counts)


class WorldOfTwo(World):
    """Two servers on one database and one clock: each write goes to one of them, and then what is read."""

    def __init__(self, url: URL) -> None:
        first = open_world(url)
        second = open_world(url, build=False, clock=first.clock)
        super().__init__(first.store, first.clock, first.proposer, first.columns)
        self._both = (first, second)
        self._dice = random.Random(1)

    def turn(self) -> None:
        one = self._dice.choice(self._both)
        self.store, self.proposer, self.columns = one.store, one.proposer, one.columns

    def close(self) -> None:
        for one in self._both:
            one.close()


def check_counts(connection: Connection) -> None:
    """I11: the counters of every search are those of its trials; numbers have no gaps."""
    found: dict[int, list[Any]] = defaultdict(list)
    for trial in connection.execute(_SHORT):
        found[trial.search_id].append(trial)
    for row in connection.execute(_SEARCHES):
        states = Counter(trial.state for trial in found[row.id])
        assert {state: getattr(row, state) for state in STATES} == {s: states[s] for s in STATES}
        assert [trial.number for trial in found[row.id]] == list(range(row.proposed))
        held = [trial.agent for trial in found[row.id] if trial.state == "running"]
        if json.loads(row.spec)["trainer"] != OPTUNA:  # a script trains those
            assert all(held), "a running trial has an agent"


def request(
    agent: int,
    want: int = 0,
    reports: Iterable[Mapping[str, Any]] = (),
    holding: Iterable[tuple[str, int]] = (),
    leaving: bool = False,
    training: tuple[str, int, float] | tuple[str, int, float, float] | None = None,
    **more: Any,
) -> ExchangeRequest:
    """What an agent asks of the server."""
    return ExchangeRequest.model_validate(
        {
            "agent": {"id": agent_id(agent), "host": "h", "pid": agent, **more},
            "want": want,
            "leaving": leaving,
            "training": training and _named(training),
            "holding": list(holding),
            "reports": list(reports),
        }
    )


def _named(training: tuple[str, int, float] | tuple[str, int, float, float]) -> dict[str, Any]:
    return dict(zip(("trial", "attempt", "seconds", "quiet"), training, strict=False))


def agent_id(number: int) -> str:
    return f"a-{number:016x}"


def empty_database(server: str, template: str = "template1") -> URL:
    """Make a database on a Postgres server, empty or as a template is."""
    name = f"caviar_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return make_url(server).set(drivername="postgresql+psycopg", database=name)


def drop_database(server: str, url: URL) -> None:
    """Remove a database of a Postgres server: hundreds of them take it minutes to end."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {url.database} WITH (FORCE)")


def build_tables(url: URL) -> URL:
    """Build the tables in an empty database."""
    dialect = Database(url, ManualClock()).dialect
    dialect.open()
    schema.prepare(dialect, "test")
    dialect.close()
    return url


def open_world(url: URL, build: bool = True, clock: ManualClock | None = None) -> World:
    """Open a store with a clock that stands still, on SQLite and Postgres alike.

    Nothing waits for the disk: processes are killed in these tests, machines are not.
    """
    clock = clock or ManualClock()
    store = Database(url, clock)
    for engine in (store.dialect.writer, store.dialect.readers):
        event.listen(engine, "connect", _hasty)
    store.dialect.now = lambda connection: clock.now()
    store.dialect.open()
    if build:
        schema.prepare(store.dialect, "test")
    store.start()
    return World(store, clock)


def _hasty(dbapi: Any, record: object) -> None:
    if isinstance(dbapi, sqlite3.Connection):
        dbapi.execute("PRAGMA synchronous=OFF")
        return
    dbapi.execute("SET synchronous_commit=off")
    dbapi.execute("SET idle_in_transaction_session_timeout=0")  # the machine may put a test to sleep
    dbapi.commit()


def epochs(trial: str, attempt: int, first: int, values: Iterable[float], **more: Any) -> dict[str, Any]:
    """A report of epochs."""
    rows = [[value, value / 2] for value in values]
    columns = ["train_cost", "dev_error"]
    return {"trial": trial, "attempt": attempt, "first": first, "columns": columns, "rows": rows, **more}


def result(trial: str, attempt: int, value: float | None, state: str = "completed") -> dict[str, Any]:
    """A report of a result."""
    done = {"state": state, "metrics": {"dev_error": value}, "epoch": 3}
    return {"trial": trial, "attempt": attempt, "result": done}


def handed(answer: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Name what an answer hands out."""
    return [(trial["trial"], trial["attempt"]) for trial in answer["trials"]]
