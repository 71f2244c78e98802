"""One write transaction: time, revisions, and the counters of searches kept exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from service.store.tables import ENDED, STATES, revisions, searches

_LOCK = select(revisions.c.value).where(revisions.c.id == 1).with_for_update()
_SAVE = update(revisions).where(revisions.c.id == 1).values(value=bindparam("v"))
_COUNT = (
    update(searches)
    .where(searches.c.id == bindparam("search"))
    .values(
        {state: searches.c[state] + bindparam(f"d_{state}") for state in STATES}
        | {"revision": bindparam("new_revision")}
    )
)
_END = (
    update(searches)
    .where(
        searches.c.id == bindparam("search"),
        searches.c.ended.is_(None),
        searches.c.queued + searches.c.running + searches.c.paused == 0,
        or_(
            searches.c.proposed >= searches.c.total,
            searches.c.exhausted,
            searches.c.switch == "cancelled",
        ),
    )
    .values(ended=bindparam("now"))
)


class Transaction:
    """What a use case writes through. All writes of all servers run one after the other.

    The first statement takes the row of the revision counter: on Postgres too a transaction sees all that
    has a lower revision, and a reader that has seen revision r never misses a lower one that commits later.
    """

    def __init__(self, connection: Connection, now: float) -> None:
        self.connection = connection
        self.now = now
        self.touched: set[int] = set()  # searches that changed: whom to wake
        self.wake = False  # agents may find something new
        self.undo: list[Callable[[], object]] = []  # run when what was done is rolled back
        self._first = self._revision = int(connection.execute(_LOCK).scalar_one())
        self._moves: dict[int, Counter[str]] = {}

    def revision(self) -> int:
        """Give the next revision, for one changed row."""
        self._revision += 1
        return self._revision

    def move(self, search: int, before: str | None, after: str | None, count: int = 1) -> None:
        """Count trials of a search that change state (None: there was none, or is none any more)."""
        moves = self._moves.setdefault(search, Counter())
        if before is not None:
            moves[before] -= count
        if after is not None:
            moves[after] += count
        self.touched.add(search)

    def settle(self) -> None:
        """Write the counters of the searches touched; called at the end of each piece of work."""
        if not self._moves:
            return
        rows: list[dict[str, Any]] = [
            {"search": search, "new_revision": self.revision(), **{f"d_{s}": moves[s] for s in STATES}}
            for search, moves in self._moves.items()
        ]
        ending = [
            {"search": search, "now": self.now}
            for search, moves in self._moves.items()
            if any(moves[state] > 0 for state in ENDED)
        ]
        self._moves = {}
        self.connection.execute(_COUNT, rows)
        if ending:
            self.connection.execute(_END, ending)

    def abandon(self) -> None:
        """Forget what a rolled back piece of work wanted to count, and undo what it changed in memory."""
        self._moves = {}
        for action in self.undo:
            action()
        self.undo = []

    def finish(self) -> None:
        """Store the revision counter, just before the commit."""
        if self._revision != self._first:
            self.connection.execute(_SAVE, {"v": self._revision})
