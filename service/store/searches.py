"""Writes and locked reads of searches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Row, Update, bindparam, delete, func, insert, select, update

from caviar.service.errors import NotFoundError
from caviar.service.store.tables import HELD, edits, idempotency, searches, trials
from caviar.service.store.transaction import Transaction

s, t = searches.c, trials.c
# By agent first: SQLite then reads the index of the trials in hand, where it would walk through all trials.
_BY_AGENT = select(t.search_id, t.agent).where(t.agent.is_not(None), HELD).distinct().subquery()
_IN_HANDS = (
    select(_BY_AGENT.c.search_id, func.count().label("agents")).group_by(_BY_AGENT.c.search_id).subquery()
)
_OPEN = (
    select(searches, func.coalesce(_IN_HANDS.c.agents, 0).label("agents"))
    .outerjoin(_IN_HANDS, _IN_HANDS.c.search_id == s.id)
    .where(s.switch == "active", s.ended.is_(None))
    .order_by(s.id)
)
_ONE = select(searches).where(s.id == bindparam("search"))


def insert_search(tx: Transaction, **values: Any) -> int:
    """Add a search and give its id."""
    statement = insert(searches).values(**values, revision=tx.revision()).returning(s.id)
    search = int(tx.execute(statement).scalar_one())
    tx.touched.add(search)
    return search


def get(tx: Transaction, search: int) -> Row[Any]:
    """Give the row of a search. Raises NotFoundError."""
    row = tx.execute(_ONE, {"search": search}).first()
    if row is None:
        raise NotFoundError(f"there is no search {search}")
    return row


def open_searches(tx: Transaction) -> Sequence[Row[Any]]:
    """Give the searches that may have work: switched on and not ended.

    With each comes how many agents have trials of it in hand (`agents`).
    """
    return tx.execute(_OPEN).all()


def change(tx: Transaction, search: int, **values: Any) -> None:
    """Write columns of a search."""
    new = {f"new_{name}": value for name, value in values.items()}
    tx.execute(_change(tuple(values)), {"b_search": search, "new_revision": tx.revision(), **new})
    tx.touched.add(search)


def pause(tx: Transaction, row: Row[Any], problem: str) -> None:
    """Pause a search that cannot go on, with the reason."""
    change(tx, row.id, switch="paused", problem=problem, version=row.version + 1)


@cache
def _change(names: tuple[str, ...]) -> Update:
    """Give the statement that writes some columns: to build one takes longer than to run it."""
    new: dict[str, BindParameter[Any]] = {name: bindparam(f"new_{name}") for name in (*names, "revision")}
    return update(searches).where(s.id == bindparam("b_search")).values(new)


def add_by_hand(tx: Transaction, row: Row[Any], count: int) -> None:
    """Count trials that a person made beyond the budget; an ended search wakes up for them."""
    change(
        tx,
        row.id,
        proposed=row.proposed + count,
        total=row.total + count,
        by_hand=row.by_hand + count,
        ended=None,
    )


def remove(tx: Transaction, search: int) -> None:
    """Remove a search with all that belongs to it; its id is never used again."""
    tx.execute(delete(idempotency).where(idempotency.c.search_id == search))
    tx.execute(delete(searches).where(s.id == search))
    tx.touched.add(search)


def record_edit(tx: Transaction, **values: Any) -> None:
    """Keep what a person changed."""
    tx.execute(insert(edits).values(**values, created=tx.now))


def key_used(tx: Transaction, key: str) -> Row[Any] | None:
    """Give what an idempotency key was used for."""
    return tx.execute(select(idempotency).where(idempotency.c.key == key)).first()


def use_key(tx: Transaction, key: str, digest: str, search: int) -> None:
    """Remember an idempotency key."""
    tx.execute(insert(idempotency).values(key=key, digest=digest, search_id=search, created=tx.now))
