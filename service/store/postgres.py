"""Postgres: the same store for teams; several servers may share one database."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL

_NOW = text("SELECT extract(epoch FROM clock_timestamp())")
TIMEOUTS = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"


class Dialect:
    """Engines for one Postgres database."""

    def __init__(self, url: URL) -> None:
        self.writer = _engine(url, pool_size=1, max_overflow=0)
        self.readers = _engine(url, pool_size=8, max_overflow=64).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def open(self) -> None:
        """Nothing to take: the row of the revision counter orders the writers of several servers."""

    def close(self) -> None:
        """Close every connection."""
        self.readers.dispose()
        self.writer.dispose()

    def now(self, connection: Connection) -> float:
        """Give the time for a transaction: the database's clock, the same for every server."""
        return float(connection.execute(_NOW).scalar_one())


def _engine(url: URL, pool_size: int, max_overflow: int) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "options": TIMEOUTS, "application_name": "caviar"},
    )
