"""Whether the database is still the one that was opened; a sign that it is not holds until a restart."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from caviar.service.errors import DamagedError
from caviar.service.store.tables import identity, revisions

if TYPE_CHECKING:
    from caviar.service.store.writer import Dialect

log = logging.getLogger(__name__)
_IDENTITY = select(identity.c.id)
_REVISION = select(revisions.c.value).where(revisions.c.id == 1)
_KNOWN = "caviar_sound"  # in the info of a connection: it was seen to lead to the database that was opened


class Soundness:
    """A latch. Everything that reads or writes asks it; a commit is acknowledged only after it.

    What a damaged or foreign database says may be wrong, and what is written to it may be gone tomorrow:
    reads and writes are refused alike, until a restart has looked at the database afresh.
    """

    def __init__(self, dialect: Dialect, folder: Path | None = None) -> None:
        self._folder = folder  # of the files that rows name
        self._folder_id: tuple[int, int] | None = None
        self.identity = ""  # what tells this database from all others, once it is opened
        self._dialect = dialect
        self._place: object = None
        self._tables: frozenset[object] = frozenset()
        self._newest = 0  # the highest revision that this server has seen committed
        self._latched: DamagedError | None = None
        self.on_latch: Callable[[], None] = lambda: None
        self._lock = Lock()

    def open(self, connection: Connection) -> None:
        """Take the database of a connection for the one to compare with from now on."""
        self.identity = str(connection.execute(_IDENTITY).scalar_one())
        self._place = self._dialect.place(connection)
        self._newest = int(connection.execute(_REVISION).scalar_one())
        self._tables = self._dialect.tables(connection)
        connection.info[_KNOWN] = self
        self._folder_id = _folder_id(self._folder)
        self._dialect.watch()

    def check(self) -> None:
        """Look at the files, where there are some: microseconds. Raises DamagedError."""
        self.check_latch()
        reason = self._dialect.look()
        if reason is None and _folder_id(self._folder) != self._folder_id:
            reason = f"the data folder {self._folder} was moved or replaced"
        if reason is not None:
            raise self.latch(reason)

    def check_latch(self) -> None:
        """Raise DamagedError when there was a sign before."""
        if self._latched is not None:
            raise self._latched

    def admit(self, connection: Connection) -> None:
        """Check once that a new connection leads to the database that was opened. Raises DamagedError."""
        self.check_latch()
        if connection.info.get(_KNOWN) is self:
            return
        found = connection.execute(_IDENTITY).scalar_one_or_none()
        if found != self.identity or self._dialect.place(connection) != self._place:
            raise self.latch("another database is at its address now")
        connection.info[_KNOWN] = self

    @property
    def newest(self) -> int:
        """Return the highest revision that this server has seen committed."""
        return self._newest

    def confirm(self, connection: Connection, newest: int) -> None:
        """Check what takes no time; `newest` was so before the connection began to read.

        Raises DamagedError, or what the database raises.
        """
        self.check()
        if connection.execute(_IDENTITY).scalar_one_or_none() != self.identity:
            raise self.latch("it names itself otherwise than when it was opened")
        self._compare(connection.execute(_REVISION).scalar_one_or_none(), newest)

    def probe(self, connection: Connection, newest: int) -> None:
        """Check all that one connection can tell. Raises as `confirm` does."""
        self.confirm(connection, newest)
        if reason := self._dialect.compare(connection):
            raise self.latch(reason)
        if self._tables - self._dialect.tables(connection):
            raise self.latch("tables or indexes are missing that were there when it was opened")

    def begun(self, revision: int | None) -> None:
        """Compare the revision at which a transaction begins. Raises DamagedError when it went back."""
        self._compare(revision, self._newest)

    def committed(self, revision: int) -> None:
        """Note a commit, then look again before it is acknowledged. Raises DamagedError."""
        self._newest = max(self._newest, revision)
        if reason := self._dialect.committed():
            raise self.latch(reason)
        self.check()

    def judge(self, error: Exception) -> DamagedError | None:
        """Return what to answer instead of an error, if it is a sign of damage, or comes of some."""
        if isinstance(error, DamagedError):
            return error
        if isinstance(error, DBAPIError) and (sign := self._dialect.sign(error)):
            return self.latch(sign)
        try:
            self.check()  # rows of a file that was overwritten can break anything
        except DamagedError as damaged:
            return damaged
        return None

    def _compare(self, revision: int | None, newest: int) -> None:
        if revision is None:
            raise self.latch("the row of its revision is missing")
        if revision < newest:
            raise self.latch(
                f"its revision went back from {newest} to {revision}, as when a backup is restored"
            )

    @property
    def latched(self) -> bool:
        """Return whether there was a sign."""
        return self._latched is not None

    def latch(self, reason: str) -> DamagedError:
        """Make the first sign hold, and log it; return what is answered from now on."""
        with self._lock:
            if self._latched is None:
                self._latched = DamagedError.because(reason)
                log.critical("%s", self._latched.detail)
                self.on_latch()
            return self._latched


def _folder_id(folder: Path | None) -> tuple[int, int] | None:
    try:
        found = None if folder is None else folder.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)
