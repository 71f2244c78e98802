"""Writes and reads of commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from service.ids import TrialId
from service.store.tables import WAITS, commands, trials
from service.store.transaction import Transaction

c = commands.c
_WAITING = select(commands).where(WAITS).order_by(c.id)


def trial(connection: Connection, name: TrialId) -> Row[Any] | None:
    """Give the row of a trial, or None."""
    t = trials.c
    return connection.execute(
        select(trials).where(t.search_id == name.search, t.number == name.number)
    ).first()


def of_trial(connection: Connection, name: TrialId) -> Sequence[Row[Any]]:
    """Give the commands of a trial in the order they were given."""
    query = select(commands).where(c.search_id == name.search, c.number == name.number)
    return connection.execute(query.order_by(c.id)).all()


def applied(connection: Connection, name: TrialId) -> Sequence[Row[Any]]:
    """Give the commands that took effect on a trial, in the order in which they did."""
    query = select(commands).where(c.search_id == name.search, c.number == name.number, c.state == "applied")
    return connection.execute(query.order_by(c.revision)).all()


def waiting(connection: Connection, name: TrialId) -> Sequence[Row[Any]]:
    """Give the commands that wait for their moment."""
    query = select(commands).where(c.search_id == name.search, c.number == name.number, c.state == "waiting")
    return connection.execute(query.order_by(c.id)).all()


def waiting_in(connection: Connection, names: Iterable[TrialId]) -> Sequence[Row[Any]]:
    """Give the commands that wait for any of several trials."""
    wanted = frozenset(names)
    if not wanted:
        return []
    # Few commands wait at any time, so reading them all is quicker than naming the trials.
    return [row for row in connection.execute(_WAITING) if TrialId(row.search_id, row.number) in wanted]


def version(connection: Connection, name: TrialId) -> int:
    """Give the number of the trial's newest command: what If-Match compares."""
    query = select(func.max(c.id)).where(c.search_id == name.search, c.number == name.number)
    return int(connection.execute(query).scalar() or 0)


def by_key(connection: Connection, name: TrialId, key: str) -> Sequence[Row[Any]]:
    """Give the commands that were given under an idempotency key."""
    query = select(commands).where(c.search_id == name.search, c.number == name.number, c.idempotency == key)
    return connection.execute(query.order_by(c.id)).all()


def add(tx: Transaction, name: TrialId, values: Mapping[str, Any]) -> int:
    """Add a command and give its id."""
    row = {"search_id": name.search, "number": name.number, "created": tx.now, "revision": tx.revision()}
    tx.touched.add(name.search)
    statement = insert(commands).values(**row, **values).returning(c.id)
    return int(tx.connection.execute(statement).scalar_one())


def answer(tx: Transaction, name: TrialId, number: int, values: Mapping[str, Any]) -> bool:
    """Write what became of a waiting command; False if it does not wait any more."""
    done = tx.connection.execute(
        update(commands)
        .where(
            c.id == number,
            c.search_id == name.search,
            c.number == name.number,
            c.state == "waiting",
        )
        .values(**values, answered=tx.now, revision=tx.revision())
    )
    tx.touched.add(name.search)
    return bool(done.rowcount)
