"""The store's engine room: one writer thread with group commit, and readers beside it."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from service import faults
from service.errors import UnavailableError
from service.ports import Clock
from service.store import postgres, sqlite
from service.store.transaction import Transaction

T = TypeVar("T")
log = logging.getLogger(__name__)

GROUP = 256  # pieces of work in one commit
GROUP_SECONDS = 0.02  # after this long a group is committed even if more is waiting
READERS = 8


@dataclass
class _Item(Generic[T]):
    work: Callable[[Transaction], T]
    future: Future[T] = field(default_factory=Future)


@dataclass(frozen=True)
class Committed:
    """What a commit changed: the searches, and whether agents may find something new."""

    searches: frozenset[int]
    wake: bool
    seconds: float
    items: int


class Database:
    """The Store on SQLite or Postgres. Open it, start it, close it."""

    def __init__(
        self, url: URL, clock: Clock, on_commit: Callable[[Committed], None] = lambda committed: None
    ) -> None:
        self.url = url
        self.clock = clock
        self.on_commit = on_commit
        self.dialect: sqlite.Dialect | postgres.Dialect = (
            sqlite.Dialect(url, clock) if url.get_backend_name() == "sqlite" else postgres.Dialect(url)
        )
        self._queue: queue.SimpleQueue[_Item[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._limiter: CapacityLimiter | None = None

    def start(self) -> None:
        """Open the database and start the writer. Raises StartError when another server has it."""
        self.dialect.open()
        self._thread = threading.Thread(target=self._serve, name="caviar-writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Commit what was submitted, end the writer, release the database."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        self.dialect.close()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a piece of work; see ports.Store."""
        item = _Item(work)
        self._queue.put(item)
        return item.future

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a piece of work in the writer and wait for its commit."""
        return await asyncio.wrap_future(self.submit(work))

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query in a thread; see ports.Store."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(READERS)
        return await to_thread.run_sync(self._read, query, limiter=self._limiter)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a reader's connection: one consistent snapshot, read only."""
        try:
            with self.dialect.readers.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise UnavailableError(_plain(error)) from error

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self.reading() as connection:
            return query(connection)

    # The writer ------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._group(item):
                return

    def _group(self, first: _Item[Any]) -> bool:
        """Commit one group, beginning with `first`; tell whether the writer was asked to end."""
        answers: list[tuple[_Item[Any], Any, BaseException | None]] = []
        items = [first]
        ending = False
        transaction: Transaction | None = None
        began = time.perf_counter()
        try:
            with self.dialect.writer.connect() as connection, connection.begin():
                transaction = Transaction(connection, self.dialect.now(connection))
                faults.point("store.begin.after")
                while True:
                    answers.append(self._piece(transaction, items[-1]))
                    item = self._next(len(items), began)
                    if item is None or isinstance(item, _End):
                        ending = item is not None
                        break
                    items.append(item)
                transaction.finish()
                faults.point("store.commit.before")
            faults.point("store.commit.after")
        except (SQLAlchemyError, OSError) as error:
            self._fail(items, transaction, error)
            return ending
        self.on_commit(
            Committed(
                frozenset(transaction.touched), transaction.wake, time.perf_counter() - began, len(items)
            )
        )
        faults.point("store.answer.before")
        for item, value, failure in answers:
            if failure is None:
                item.future.set_result(value)
            else:
                item.future.set_exception(failure)
        return ending

    def _next(self, taken: int, began: float) -> _Item[Any] | _End | None:
        if taken >= GROUP or time.perf_counter() - began > GROUP_SECONDS:
            return None
        try:
            item = self._queue.get_nowait()
        except queue.Empty:
            return None
        return _End() if item is None else item

    @staticmethod
    def _piece(transaction: Transaction, item: _Item[T]) -> tuple[_Item[T], T | None, BaseException | None]:
        """Run one piece within a savepoint, so that its failure harms nobody else's."""
        run = transaction.connection.exec_driver_sql
        run("SAVEPOINT piece")
        faults.point("store.item.before")
        try:
            value = item.work(transaction)
            transaction.settle()
        except Exception as error:
            transaction.abandon()
            if isinstance(error, OSError) or (
                isinstance(error, DBAPIError) and not isinstance(error, IntegrityError)
            ):
                raise  # the database itself is in trouble: nothing of this group may count
            run("ROLLBACK TO SAVEPOINT piece")
            run("RELEASE SAVEPOINT piece")
            return item, None, error
        run("RELEASE SAVEPOINT piece")
        faults.point("store.item.after")
        return item, value, None

    @staticmethod
    def _fail(items: list[_Item[Any]], transaction: Transaction | None, error: Exception) -> None:
        """Nothing was committed: say so to everyone in the group."""
        if transaction is not None:
            transaction.abandon()
        text = _plain(error)
        log.warning("a group of %d writes was rolled back: %s", len(items), text)
        for item in items:
            item.future.set_exception(UnavailableError(text))


class _End:
    """The writer was asked to end."""


def _plain(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return f"the database cannot be used now: {str(cause).strip() or type(cause).__name__}"
