"""The planner of Postgres learns of growing tables at once; SQLite needs no telling."""

from __future__ import annotations

from sqlalchemy import Connection, text

from caviar.service.store.statistics import LEAST, Statistics
from tests.support.stores import World


def test_tables_are_analysed_whenever_the_trials_have_doubled(world: World) -> None:
    world.submit(budget={"trials": 3 * LEAST}, parallel=1, strategy="random")
    statistics, postgres = Statistics(), world.store.dialect.writer.dialect.name == "postgresql"
    held = world.exchange(1, want=LEAST - 1)["trials"]
    assert not world.read(statistics.refresh)
    for more, enough in ((1, True), (LEAST - 1, False), (1, True)):
        holding = [(one["trial"], one["attempt"]) for one in held]
        held += world.exchange(1, want=more, holding=holding)["trials"]
        assert world.read(statistics.refresh) == (enough and postgres)
    if postgres:
        assert world.read(_estimate) == len(held) == 2 * LEAST
        assert world.read(_known_columns) > 10


def _estimate(connection: Connection) -> int:
    found = connection.execute(text("SELECT reltuples FROM pg_class WHERE relname = 'trials'"))
    return int(found.scalar_one())


def _known_columns(connection: Connection) -> int:
    found = connection.execute(text("SELECT count(*) FROM pg_stats WHERE tablename = 'trials'"))
    return int(found.scalar_one())
