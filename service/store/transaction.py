"""One write transaction: time, revisions, and the counters of searches kept exact."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from sqlalchemy import Boolean, Connection, Double, and_, bindparam, case, func, or_, select, update

from caviar.service.store.other_servers import CHANNEL
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import ENDED, STATES, revisions, searches

T = TypeVar("T")
Notice = Callable[[Collection[int], bool], str]  # of searches that changed, and whether agents may go on
_LOCK = select(revisions.c.value).where(revisions.c.id == 1).with_for_update()
_SAVE = update(revisions).where(revisions.c.id == 1).values(value=bindparam("v"))
_SAVE_AND_TELL = _SAVE.returning(func.pg_notify(CHANNEL, bindparam("notice")))  # without a round trip more
_COUNTED = (*STATES, "proposed")
_AFTER = {name: searches.c[name] + bindparam(f"d_{name}") for name in _COUNTED}
_OVER = and_(
    bindparam("ends", type_=Boolean),  # some trial has ended
    searches.c.ended.is_(None),
    _AFTER["queued"] + _AFTER["running"] + _AFTER["paused"] == 0,
    or_(_AFTER["proposed"] >= searches.c.total, searches.c.switch == "cancelled"),
)
_COUNT = (
    update(searches)
    .where(searches.c.id == bindparam("search"))
    .values(_AFTER)
    .values(
        revision=bindparam("new_revision"),
        ended=case((_OVER, bindparam("now", type_=Double)), else_=searches.c.ended),
    )
)


class Transaction(Snapshot):
    """What a use case writes through. All writes of all servers run one after the other.

    The first statement takes the row of the revision counter: on Postgres too a transaction sees all that
    has a lower revision, and a reader that has seen revision r never misses a lower one that commits later.
    """

    def __init__(self, connection: Connection, now: float) -> None:
        super().__init__(connection)
        self.now = now
        self.who: str | None = None  # the person on whose behalf it writes; None: the server's own doing
        self.touched: set[int] = set()  # searches that changed: whom to wake
        self.wake = False  # agents may find something new
        self.undo: list[Callable[[], object]] = []  # run when what was done is rolled back
        self._first = self._revision = int(connection.execute(_LOCK).scalar_one())
        self._moves: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def on_behalf(self, who: str | None, work: Callable[[Transaction], T]) -> T:
        """Run a piece of work in the name of a person."""
        self.who = who
        try:
            return work(self)
        finally:
            self.who = None

    def revision(self) -> int:
        """Return the next revision, for one changed row."""
        self._revision += 1
        return self._revision

    @property
    def newest(self) -> int:
        """Return the highest revision so far."""
        return self._revision

    @property
    def counted(self) -> bool:
        """Return whether a revision was drawn, so that the commit writes one row at least."""
        return self._revision != self._first

    def move(self, search: int, before: str | None, after: str | None, count: int = 1) -> None:
        """Count trials of a search that change state (None: there was none, or is none any more)."""
        moves = self._moves[search]
        if before is not None:
            moves[before] -= count
        if after is not None:
            moves[after] += count
        self.touched.add(search)

    def propose(self, search: int, count: int) -> None:
        """Count trials that a strategy has proposed."""
        self._moves[search]["proposed"] += count

    def settle(self) -> None:
        """Write the counters of the searches touched; called at the end of each piece of work."""
        rows: list[dict[str, Any]] = [
            {
                "search": search,
                "new_revision": self.revision(),
                "now": self.now,
                "ends": any(moves[state] > 0 for state in ENDED),
                **{f"d_{name}": moves[name] for name in _COUNTED},
            }
            for search, moves in self._moves.items()
        ]
        if rows:
            self.execute(_COUNT, rows)
        self._moves.clear()

    def abandon(self) -> None:
        """Forget what a rolled back piece of work wanted to count, and undo what it changed in memory."""
        self._moves.clear()
        for action in self.undo:
            action()
        self.undo = []

    def finish(self, notice: Notice | None = None) -> None:
        """Store the revision counter, just before the commit, and tell other servers what changed."""
        if notice is not None and (self.touched or self.wake):
            self.execute(_SAVE_AND_TELL, {"v": self._revision, "notice": notice(self.touched, self.wake)})
        elif self.counted:
            self.execute(_SAVE, {"v": self._revision})
