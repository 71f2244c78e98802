"""The writer: one thread that runs pieces of work one after the other and commits many of them at once."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    InterfaceError,
    NoResultFound,
    OperationalError,
    SQLAlchemyError,
)

from caviar.service.errors import DamagedError, RefusedError, ServiceError, UnavailableError
from caviar.service.store import faults, postgres, sqlite
from caviar.service.store.soundness import Soundness
from caviar.service.store.transaction import Notice, Transaction

T = TypeVar("T")
A = TypeVar("A")
Shared = Callable[[Transaction, Sequence[A]], Sequence[T]]  # does for many at once what each of them asks
Dialect = sqlite.Dialect | postgres.Dialect
log = logging.getLogger(__name__)

GROUP = 256  # items in one commit
PIECE = 64  # items in one piece
GROUP_SECONDS = 0.02  # after this long a group is committed even if more is waiting
BEYOND = (DataError, OverflowError)  # what SQLite's driver and Postgres say of too large numbers
OUT_OF_RANGE = RefusedError("a number or text of the request is beyond what the database can hold")
TROUBLE = (OperationalError, InterfaceError, OSError)  # the database itself: nothing of a group may count


@dataclass
class Item(Generic[T]):
    """What somebody asks of a work, and the future of the answer."""

    work: Shared[Any, T]
    ask: Any = None
    future: Future[T] = field(default_factory=Future)
    value: T | None = None
    failure: Exception | None = None

    def answer(self) -> None:
        """Hand over the result, which is committed by now, or why there is none."""
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
    """Takes items from a queue; each piece of work has a savepoint, each group of pieces one commit.

    Items that wait one behind the other for the same work are one piece: the work takes all of them at once.
    """

    def __init__(
        self,
        dialect: Dialect,
        soundness: Soundness,
        on_commit: Callable[[Committed], None],
        notice: Notice | None = None,
    ) -> None:
        """Make a writer; `notice` writes what other servers are to hear of a commit."""
        self._dialect = dialect
        self._soundness = soundness
        self._on_commit = on_commit
        self._notice = notice
        self._queue: queue.SimpleQueue[Item[Any] | None] = queue.SimpleQueue()
        self._ahead: Item[Any] | None = None  # taken from the queue, not begun
        self._ending = False
        self.failed = False  # the last group that wrote, for the database could not be written
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
        return self.submit_shared(lambda tx, asks: [work(tx)], None)

    def submit_shared(self, work: Shared[A, T], ask: A) -> Future[T]:
        """Queue an item for a work that does many at once, in the order in which they came."""
        item = Item(work, ask)
        self._queue.put(item)
        return item.future

    def _serve(self) -> None:
        while piece := self._next(GROUP, wait=True):
            self._group(piece)

    def _group(self, first: list[Item[Any]]) -> None:
        """Run and commit one group, beginning with `first`; then answer, or say that nothing was done."""
        items = [*first]
        transaction: Transaction | None = None
        began = time.perf_counter()
        try:
            self._soundness.check()
            with self._dialect.writer.connect() as connection, connection.begin():
                transaction = self._begin(connection)
                faults.point("store.begin.after")
                _run(transaction, first, self._soundness)
                while time.perf_counter() - began <= GROUP_SECONDS:
                    piece = self._next(GROUP - len(items))
                    if not piece:
                        break
                    items += piece
                    _run(transaction, piece, self._soundness)
                transaction.finish(self._notice)
                faults.point("store.commit.before")
            faults.point("store.commit.after")
            self._soundness.committed(transaction.newest)
            self._tell(transaction, time.perf_counter() - began, len(items))
            faults.point("store.answer.before")
        except (SQLAlchemyError, OSError, DamagedError) as error:
            self.failed = True
            _fail(items, transaction, self._soundness.judge(error) or error)
            return
        self.failed = self.failed and not transaction.counted  # without a write nothing has shown that it can
        for item in items:
            item.answer()

    def _begin(self, connection: Connection) -> Transaction:
        self._soundness.admit(connection)
        try:
            transaction = Transaction(connection, self._dialect.now(connection))
        except NoResultFound:
            self._soundness.begun(None)
            raise
        self._soundness.begun(transaction.newest)
        return transaction

    def _next(self, most: int, wait: bool = False) -> list[Item[Any]]:
        """Take the next piece, up to `most` items; none at the end, or where the queue is empty now."""
        piece: list[Item[Any]] = []
        while len(piece) < min(most, PIECE) and (item := self._ahead or self._get(wait and not piece)):
            self._ahead = item
            if piece and item.work != piece[0].work:
                break
            self._ahead = None
            piece.append(item)
        return piece

    def _get(self, wait: bool) -> Item[Any] | None:
        """Take an item that somebody waits for from the queue."""
        while not self._ending:
            try:
                item = self._queue.get(block=wait)
            except queue.Empty:
                return None
            self._ending = item is None
            if item is not None and item.future.set_running_or_notify_cancel():
                return item
        return None

    def _tell(self, transaction: Transaction, seconds: float, items: int) -> None:
        self._on_commit(Committed(frozenset(transaction.touched), transaction.wake, seconds, items))


def _run(transaction: Transaction, piece: Sequence[Item[Any]], soundness: Soundness) -> None:
    """Run one piece after a savepoint, so that its failure harms nobody else's.

    Of several items each is then run by itself, so that only the one at fault fails. Savepoints are left to
    the commit: to release each would cost every piece one more round trip.
    """
    execute = transaction.connection.exec_driver_sql
    execute("SAVEPOINT piece")
    faults.point("store.item.before")
    try:
        values = piece[0].work(transaction, [item.ask for item in piece])
        transaction.settle()
        faults.point("store.item.after")
        for item, value in zip(piece, values, strict=True):
            item.value = value
    except TROUBLE:
        raise
    except Exception as error:
        if not isinstance(error, ServiceError) and (damaged := soundness.judge(error)):
            raise damaged from error
        transaction.abandon()
        execute("ROLLBACK TO SAVEPOINT piece")
        if len(piece) > 1:
            for item in piece:
                _run(transaction, [item], soundness)
        else:
            piece[0].failure = OUT_OF_RANGE if isinstance(error, BEYOND) else error


def _fail(items: list[Item[Any]], transaction: Transaction | None, error: Exception) -> None:
    """Answer everyone in a group that it was rolled back, or that nobody knows: requests may be repeated."""
    if transaction is not None:
        transaction.abandon()
    if not isinstance(error, DamagedError):  # which is logged once
        log.warning("a group of %d writes was rolled back: %s", len(items), plain(error))
        error = UnavailableError(plain(error))
    for item in items:
        item.future.set_exception(error)


def plain(error: Exception) -> str:
    """Say in one line what the database said."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return f"the database cannot be used now: {str(cause).strip() or type(cause).__name__}"
