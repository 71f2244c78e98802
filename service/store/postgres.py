"""Postgres: the same store for teams; several servers may share one database."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

_NOW = text("SELECT extract(epoch FROM clock_timestamp())")
_NUMBER = text("SELECT oid FROM pg_database WHERE datname = current_database()")
_MAY_ASK = text("SELECT has_function_privilege('pg_control_system()', 'execute')")
_CLUSTER = text("SELECT system_identifier FROM pg_control_system()")
_DAMAGED = {
    "XX001",
    "XX002",
    "58P01",
    "42P01",
    "42703",
}  # data, index corrupted; something missing
_TABLES = text(
    "SELECT relname, CASE relkind WHEN 'r' THEN oid END FROM pg_class"
    " WHERE relnamespace = to_regnamespace(current_schema()) AND relkind IN ('r', 'i')"
)
_HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_PATIENTLY = (  # a file on its way to a bucket takes its time
    "SET LOCAL lock_timeout = '60s'",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
TIMEOUTS = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"

# A host that vanishes sends nothing: without these its connections are waited for by the quarter of an hour.
NETWORK = {
    "connect_timeout": 5,  # seconds, as those below
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}


class Dialect:
    """Engines for one Postgres database."""

    def __init__(self, url: URL, name: str = "caviar") -> None:
        """Make engines whose connections Postgres lists under a name."""
        self.writer = _engine(url, name, pool_size=1, max_overflow=0)
        self.readers = _engine(url, name, pool_size=8, max_overflow=64).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def open(self) -> None:
        """Nothing to take: the row of the revision counter orders the writers of several servers."""

    def watch(self) -> None:
        """Nothing to watch: each new connection is asked for its place."""

    def look(self) -> str | None:
        """Return None: a connection cannot be led to another database while it lasts."""
        return None

    def committed(self) -> str | None:
        """Return None: what Postgres has committed is its own to keep."""
        return None

    def compare(self, connection: Connection) -> str | None:
        """Return None, as `committed` does."""
        return None

    def tables(self, connection: Connection) -> frozenset[object]:
        """Return the tables, with what tells each from another of its name, and the indexes."""
        return frozenset(tuple(row) for row in connection.execute(_TABLES))

    def place(self, connection: Connection) -> object:
        """Return what tells this database from a copy of it: the cluster, and its number therein."""
        number = connection.execute(_NUMBER).scalar_one()
        told = connection.execute(_MAY_ASK).scalar_one()
        return number, connection.execute(_CLUSTER).scalar_one() if told else None

    def sign(self, error: DBAPIError) -> str | None:
        """Return what an error says of damage."""
        if getattr(error.orig, "sqlstate", None) not in _DAMAGED:
            return None
        return f"Postgres says: {' '.join(str(error.orig).split())}"

    def close(self, damaged: bool = False) -> None:
        """Close every connection."""
        self.readers.dispose()
        self.writer.dispose()

    def hold(self, connection: Connection, name: str) -> None:
        """Wait until no other server holds a name; it is held to the end of the transaction.

        Raises OperationalError after a minute.
        """
        for setting in _PATIENTLY:
            connection.execute(text(setting))
        connection.execute(_HOLD, {"name": name})

    def now(self, connection: Connection) -> float:
        """Return the time for a transaction: the database's clock, the same for every server."""
        return float(connection.execute(_NOW).scalar_one())


def _engine(url: URL, name: str, pool_size: int, max_overflow: int) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        hide_parameters=True,  # some are secrets, and errors are logged
        connect_args={"options": TIMEOUTS, "application_name": name, **NETWORK},
    )
