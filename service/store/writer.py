"""The writer: one thread that runs pieces of work one after the other and commits many of them at once."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from service import faults
from service.errors import RefusedError, UnavailableError
from service.store import postgres, sqlite
from service.store.transaction import Transaction

T = TypeVar("T")
Dialect = sqlite.Dialect | postgres.Dialect
log = logging.getLogger(__name__)

GROUP = 256  # pieces of work in one commit
GROUP_SECONDS = 0.02  # after this long a group is committed even if more is waiting
BEYOND = (DataError, OverflowError)  # what SQLite's driver and Postgres say of too large numbers
OUT_OF_RANGE = RefusedError("a number or text of the request is beyond what the database can hold")
TROUBLE = (OperationalError, InterfaceError, OSError)  # the database itself: nothing of a group may count


@dataclass
class Item(Generic[T]):
    """A piece of work and the future of its result."""

    work: Callable[[Transaction], T]
    future: Future[T] = field(default_factory=Future)
    value: T | None = None
    failure: Exception | None = None

    def answer(self) -> None:
        """Tell the result, which is committed by now, or why there is none."""
        if self.failure is not None:
            self.future.set_exception(self.failure)
        else:
            self.future.set_result(self.value)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Committed:
    """What a commit changed: the searches, and whether agents may find something new."""

    searches: frozenset[int]
    wake: bool
    seconds: float
    items: int


class Writer:
    """Takes work from a queue; each piece has a savepoint, each group of pieces one commit."""

    def __init__(self, dialect: Dialect, on_commit: Callable[[Committed], None]) -> None:
        self._dialect = dialect
        self._on_commit = on_commit
        self._queue: queue.SimpleQueue[Item[Any] | None] = queue.SimpleQueue()
        self._ending = False
        self._thread = threading.Thread(target=self._serve, name="caviar-writer", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def end(self) -> None:
        """Commit what was submitted, then end."""
        self._queue.put(None)
        self._thread.join()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a piece of work."""
        item = Item(work)
        self._queue.put(item)
        return item.future

    def _serve(self) -> None:
        while not self._ending:
            item = self._queue.get()
            if item is None:
                return
            if item.future.set_running_or_notify_cancel():  # else nobody waits for it any more
                self._group(item)

    def _group(self, first: Item[Any]) -> None:
        """Run and commit one group, beginning with `first`; then answer, or say that nothing was done."""
        items = [first]
        transaction: Transaction | None = None
        began = time.perf_counter()
        try:
            with self._dialect.writer.connect() as connection, connection.begin():
                transaction = Transaction(connection, self._dialect.now(connection))
                faults.point("store.begin.after")
                _run(transaction, first)
                while item := self._next(len(items), began):
                    items.append(item)
                    _run(transaction, item)
                transaction.finish()
                faults.point("store.commit.before")
            faults.point("store.commit.after")
            self._tell(transaction, time.perf_counter() - began, len(items))
            faults.point("store.answer.before")
        except (SQLAlchemyError, OSError) as error:
            _fail(items, transaction, error)
            return
        for item in items:
            item.answer()

    def _next(self, taken: int, began: float) -> Item[Any] | None:
        while taken < GROUP and time.perf_counter() - began <= GROUP_SECONDS:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return None
            self._ending = item is None
            if item is None or item.future.set_running_or_notify_cancel():
                return item
        return None

    def _tell(self, transaction: Transaction, seconds: float, items: int) -> None:
        self._on_commit(Committed(frozenset(transaction.touched), transaction.wake, seconds, items))


def _run(transaction: Transaction, item: Item[Any]) -> None:
    """Run one piece after a savepoint, so that its failure harms nobody else's.

    Savepoints are left to the commit: to release each would cost every piece one more round trip.
    """
    execute = transaction.connection.exec_driver_sql
    execute("SAVEPOINT piece")
    faults.point("store.item.before")
    try:
        item.value = item.work(transaction)
        transaction.settle()
        faults.point("store.item.after")
    except TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to this piece alone
        transaction.abandon()
        item.failure = OUT_OF_RANGE if isinstance(error, BEYOND) else error
        execute("ROLLBACK TO SAVEPOINT piece")


def _fail(items: list[Item[Any]], transaction: Transaction | None, error: Exception) -> None:
    """Tell everyone in a group that it was rolled back, or that nobody knows: requests may be repeated."""
    if transaction is not None:
        transaction.abandon()
    log.warning("a group of %d writes was rolled back: %s", len(items), plain(error))
    for item in items:
        item.future.set_exception(UnavailableError(plain(error)))


def plain(error: Exception) -> str:
    """Say in one line what the database said."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return f"the database cannot be used now: {str(cause).strip() or type(cause).__name__}"
