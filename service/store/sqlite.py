"""SQLite: one process, one writer, readers on their own connections."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from caviar.service.errors import ServiceError
from caviar.service.store.clock import Clock
from caviar.service.store.sqlite_files import Files

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=10000",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-16000",
    "wal_autocheckpoint=1000",
)
# What SQLite says of a file that is broken, moved, or cannot be read or made durable; not of a full disk.
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_LOST = {
    sqlite3.SQLITE_READONLY_DBMOVED,
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DATA,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
}
_MISSING = ("no such table", "no such column")
_TABLES = text("SELECT name FROM sqlite_master WHERE type IN ('table', 'index')")


class StartError(ServiceError):
    """The server cannot start with this database; the text says why and what to do."""


class Dialect:
    """Engines for one SQLite file, and the lock that keeps a second server out."""

    def __init__(self, url: URL, clock: Clock) -> None:
        self.path = Path(str(url.database))
        self.clock = clock
        self._lock: TextIO | None = None
        self._files: Files | None = None
        self.writer = _engine(url, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0)
        self.readers = _engine(url, "BEGIN", pool_size=8, max_overflow=64)
        event.listen(self.readers, "connect", _read_only)

    def open(self) -> None:
        """Take the lock of the database file. Raises StartError when another server has it or none can be."""
        if self._lock is not None:
            return
        try:
            lock = _lock_of(self.path).open("a+", encoding="utf-8")
        except OSError as error:
            raise StartError(
                f"the database {self.path} cannot be written ({error.strerror}); "
                "make its folder, or name another file with --database"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise StartError(
                f"another caviar server (pid {holder}) uses this data folder ({self.path.parent}); "
                "stop it, or choose another folder with --data"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def watch(self) -> None:
        """Watch the files from now on."""
        self._files = Files(self.path)

    def look(self) -> str | None:
        """Return what has happened to the files since they are watched."""
        return None if self._files is None else self._files.look() or self._ousted()

    def committed(self) -> str | None:
        """Take in a commit just made; return what has happened to those before it."""
        return None if self._files is None else self._files.committed()

    def compare(self, connection: Connection) -> str | None:
        """Return what has happened to what was committed, where looking for it takes longer."""
        return None if self._files is None else self._files.compare()

    def tables(self, connection: Connection) -> frozenset[object]:
        """Return the tables and indexes that there are."""
        return frozenset(connection.execute(_TABLES).scalars())

    def place(self, connection: Connection) -> object:
        """Return what tells this database from a copy of it; the files do, and they are watched."""
        return None

    def sign(self, error: DBAPIError) -> str | None:
        """Return what an error says of damage."""
        code = getattr(error.orig, "sqlite_errorcode", 0)
        missing = code == sqlite3.SQLITE_ERROR and str(error.orig).startswith(_MISSING)
        if code & 0xFF not in _DAMAGED and code not in _LOST and not missing:
            return None
        return f"{self.path} cannot be read or written as it should ({error.orig})"

    def close(self, damaged: bool = False) -> None:
        """Close every connection and release the lock; leave damaged files as they are."""
        if self._files is not None:
            self._files.leave(damaged)
        self.readers.dispose()
        self.writer.dispose()
        if self._files is not None:
            self._files.close()
            self._files = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _ousted(self) -> str | None:
        """Return whether another server has the lock, as it can when somebody removes the file of ours."""
        try:
            found = _lock_of(self.path).stat()
        except OSError:
            return None
        if self._lock is None or os.path.samestat(found, os.fstat(self._lock.fileno())):
            return None
        return f"{_lock_of(self.path)} was replaced: another server may use {self.path.parent}"

    def now(self, connection: Connection) -> float:
        """Return the time for a transaction: the server's steady clock."""
        return self.clock.now()


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _engine(url: URL, begin: str, **pool: int) -> Engine:
    hidden = {"hide_parameters": True}  # some are secrets, and errors are logged
    engine = create_engine(url, connect_args={"check_same_thread": False}, **hidden, **pool)

    @event.listens_for(engine, "connect")
    def connect(dbapi: Any, record: object) -> None:
        dbapi.isolation_level = None  # the driver must not begin transactions by its own rules
        for pragma in PRAGMAS:
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _read_only(dbapi: Any, record: object) -> None:
    dbapi.execute("PRAGMA query_only=ON")
