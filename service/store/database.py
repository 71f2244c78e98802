"""The Store on SQLite or Postgres: one writer with group commit, and readers beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread
from sqlalchemy.engine import URL
from sqlalchemy.exc import InterfaceError, OperationalError

from caviar.service.errors import NotFoundError, ServiceError, UnavailableError
from caviar.service.store import postgres, sqlite
from caviar.service.store.clock import Clock
from caviar.service.store.other_servers import Heard, OtherServers
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.soundness import Soundness
from caviar.service.store.transaction import Transaction
from caviar.service.store.writer import BEYOND, OUT_OF_RANGE, A, Committed, Dialect, Shared, Writer, plain

T = TypeVar("T")
READERS = 8


class Database:
    """Open its dialect, start it, close it."""

    def __init__(
        self,
        url: URL,
        clock: Clock,
        on_commit: Callable[[Committed], None] = lambda committed: None,
        folder: Path | None = None,
        on_others: Heard | None = None,
        name: str = "caviar",
    ) -> None:
        """Make a database; `on_others` is called with what other servers on the same Postgres commit.

        Postgres lists the connections under `name`.
        """
        self.dialect = dialect_of(url, clock, name)
        self._others: OtherServers | None = None
        if on_others is not None and isinstance(self.dialect, postgres.Dialect):
            self._others = OtherServers(self.dialect.readers, on_others)
        self._on_commit = on_commit
        self._writer: Writer | None = None
        self._limiter: CapacityLimiter | None = None
        self._soundness = Soundness(self.dialect, folder)

    def on_latch(self, tell: Callable[[], None]) -> None:
        """Have somebody told of the first sign of damage, on whatever thread sees it."""
        self._soundness.on_latch = tell

    @property
    def identity(self) -> str:
        """Return what tells this database from all others, once it is started."""
        return self._soundness.identity

    def start(self) -> None:
        """Open the database and start the writer. Raises StartError when another server has it."""
        self.dialect.open()
        with self.dialect.readers.connect() as connection:
            self._soundness.open(connection)
        others = self._others
        self._writer = Writer(
            self.dialect, self._soundness, self._on_commit, None if others is None else others.notice
        )
        self._writer.start()
        if others is not None:
            others.start()

    def close(self) -> None:
        """Commit what was submitted, end the writer, release the database."""
        if self._writer is not None:
            self._writer.end()
            self._writer = None
            if self._others is not None:
                self._others.end()
        self.dialect.close(self._soundness.latched)

    def submit(self, work: Callable[[Transaction], T], who: str | None = None) -> Future[T]:
        """Queue a piece of work for the writer, on behalf of a person or none. Raises UnavailableError."""
        if self._writer is None:
            raise UnavailableError("the server is stopping")
        self._soundness.check_latch()
        return self._writer.submit(lambda tx: tx.on_behalf(who, work))

    def submit_shared(self, work: Shared[A, T], ask: A) -> Future[T]:
        """Queue an item for a work that does many at once. Raises UnavailableError."""
        if self._writer is None:
            raise UnavailableError("the server is stopping")
        self._soundness.check_latch()
        return self._writer.submit_shared(work, ask)

    async def write(self, work: Callable[[Transaction], T], who: str | None = None) -> T:
        """Run a piece of work in the writer, on behalf of a person or none, and wait for its commit."""
        return await asyncio.wrap_future(self.submit(work, who))

    async def write_shared(self, work: Shared[A, T], ask: A) -> T:
        """Have an item done in the writer, with others if there are some, and wait for the commit."""
        return await asyncio.wrap_future(self.submit_shared(work, ask))

    async def read(self, query: Callable[[Snapshot], T]) -> T:
        """Run a query on a snapshot in a thread. Raises UnavailableError, DamagedError among them."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(READERS)
        return await to_thread.run_sync(self._read, query, limiter=self._limiter)

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[None]:
        """Keep the other servers on this database out of blocks of this name; a server has its own locks.

        Raises UnavailableError when one of them stays for more than a minute.
        """
        dialect = self.dialect
        if not isinstance(dialect, postgres.Dialect):
            yield
            return
        holding = ExitStack()

        def hold() -> None:
            dialect.hold(holding.enter_context(self.reading()).connection, name)

        try:
            await to_thread.run_sync(hold)
            yield
        except OperationalError as error:
            raise UnavailableError(plain(error)) from error
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(holding.close)

    def now(self, snapshot: Snapshot) -> float:
        """Return the time on the clock by which all of this store was written; on Postgres its own."""
        return self.dialect.now(snapshot.connection)

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """Open a snapshot: a reader's connection, consistent and read only.

        Raises UnavailableError, DamagedError among them.
        """
        self._soundness.check_latch()
        try:
            with self.dialect.readers.connect() as connection:
                self._soundness.admit(connection)
                yield Snapshot(connection)
        except BEYOND:
            raise OUT_OF_RANGE from None
        except NotFoundError:
            self._confirm()  # what is not there may have been there in the database that was opened
            raise
        except ServiceError:
            raise
        except Exception as error:
            damaged = self._soundness.judge(error)
            if damaged is not None:
                raise damaged from error
            if isinstance(error, OperationalError | InterfaceError):
                raise UnavailableError(plain(error)) from error
            raise

    def _confirm(self) -> None:
        """Check what can be checked in no time. Raises DamagedError."""
        newest = self._soundness.newest
        with self.reading() as snapshot:
            self._soundness.confirm(snapshot.connection, newest)

    def probe(self) -> None:
        """Check that the database answers and is the one that was opened. Raises UnavailableError.

        After a write that failed it must be writable too: it may be read only, or refuse to grow.
        """
        newest = self._soundness.newest  # a commit that comes after the snapshot has begun is not in it
        with self.reading() as snapshot:
            self._soundness.probe(snapshot.connection, newest)
        if self._writer is not None and self._writer.failed:
            self.submit(lambda tx: tx.revision()).result()

    def write_now(self, work: Callable[[Snapshot], T]) -> T:
        """Run a piece of work that changes no trial in the writer and wait for its commit, on this thread."""
        return self.submit(work).result()

    def read_now(self, query: Callable[[Snapshot], T]) -> T:
        """Run a query on this thread."""
        return self._read(query)

    def _read(self, query: Callable[[Snapshot], T]) -> T:
        with self.reading() as snapshot:
            return query(snapshot)


class Direct:
    """A database for a command that works whether a server runs or not: it writes beside the server's writer.

    It must leave alone what hangs on revisions, which are the writer's: tokens may be changed so.
    """

    def __init__(self, url: URL, clock: Clock) -> None:
        self.dialect = dialect_of(url, clock)

    def write_now(self, work: Callable[[Snapshot], T]) -> T:
        """Run a piece of work in a transaction of its own."""
        with self._usable(), self.dialect.writer.begin() as connection:
            return work(Snapshot(connection))

    def read_now(self, query: Callable[[Snapshot], T]) -> T:
        """Run a query on one consistent snapshot."""
        with self._usable(), self.dialect.readers.connect() as connection:
            return query(Snapshot(connection))

    def close(self) -> None:
        """Close every connection."""
        self.dialect.close()

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            raise UnavailableError(plain(error)) from error


def dialect_of(url: URL, clock: Clock, name: str = "caviar") -> Dialect:
    """Choose the dialect of a database URL; nothing is opened yet."""
    return sqlite.Dialect(url, clock) if url.get_backend_name() == "sqlite" else postgres.Dialect(url, name)
