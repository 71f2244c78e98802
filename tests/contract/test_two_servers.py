"""Two servers on one Postgres: each sees, proposes and tells as if it were alone."""

from __future__ import annotations

import queue
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL

from caviar.service.store.database import Database
from tests.support.simulated_agents import Players, outcome
from tests.support.stores import ManualClock, World, open_world
from tests.support.waiting import wait

pytestmark = pytest.mark.postgres
ALL = (None, True)


@contextmanager
def listening(url: URL) -> Iterator[tuple[Database, Any]]:
    """A server's store, and what it hears of others."""
    heard: Any = queue.SimpleQueue()
    store = Database(url, ManualClock(), on_others=lambda *said: heard.put(said))
    store.start()
    try:
        assert heard.get(timeout=60) == ALL  # it listens: what came before is not known
        yield store, heard
    finally:
        store.close()


def touch(searches: Collection[int], wake: bool) -> Any:
    def work(tx: Any) -> None:
        tx.touched |= set(searches)
        tx.wake |= wake

    return work


def test_a_server_hears_what_others_commit_and_not_itself(built_postgres_url: URL) -> None:
    with listening(built_postgres_url) as (one, heard_by_one), listening(built_postgres_url) as (two, heard):
        one.write_now(touch([3, 5], False))
        assert heard.get(timeout=60) == ([3, 5], False)
        one.write_now(lambda tx: None)  # nothing to tell
        one.write_now(touch(range(100_000), True))  # more than a notice holds
        assert heard.get(timeout=60) == ALL
        two.write_now(touch([7], True))
        assert heard_by_one.get(timeout=60) == ([7], True)
        assert heard.empty() and heard_by_one.empty()


def test_a_server_whose_connection_is_cut_listens_again(built_postgres_url: URL) -> None:
    with listening(built_postgres_url) as (one, _), listening(built_postgres_url) as (_, heard):
        address = built_postgres_url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN caviar'"
            wait(lambda: len(connection.execute(cut).fetchall()) == 2, 60, "two listeners")
        assert heard.get(timeout=60) == ALL
        one.write_now(touch([9], False))
        assert heard.get(timeout=60) == ([9], False)


@pytest.mark.parametrize("strategy", ["random", "coarse_to_fine", "tpe"])
@pytest.mark.parametrize("rule", ["none", "successive_halving"])
def test_agents_that_move_between_servers_get_the_same_trials(
    built_postgres_url: URL, strategy: str, rule: str
) -> None:
    """Each server keeps the trials in memory: what the other one wrote meanwhile must not be missed."""
    fields: dict[str, Any] = {
        "strategy": strategy,
        "stopping": rule,
        "budget": {"trials": 36},
        "parallel": 8,
        "lag": 7,
        "settings": {"epochs": 9},
        "seed": 5,
    }
    worlds = [open_world(built_postgres_url, build=False) for _ in range(2)]
    try:
        alone, together = (worlds[0].submit(**fields) for _ in range(2))
        Players(worlds[0], 4).play(alone)
        players = Players(Turns(worlds), 4)  # type: ignore[arg-type]
        players.play(together)
        assert outcome(worlds[0], alone) == outcome(worlds[1], together)
        worlds[1].check()
    finally:
        for world in worlds:
            world.proposer.close()
            world.store.close()


class Turns:
    """Worlds that answer in turn."""

    def __init__(self, worlds: list[World]) -> None:
        self._worlds = worlds
        self._turn = 0

    def __getattr__(self, name: str) -> Any:
        self._turn += 1
        return getattr(self._worlds[self._turn // 2 % len(self._worlds)], name)
