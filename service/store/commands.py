"""Writes and reads of commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, insert, select, update

from caviar.service.ids import TrialId, in_pieces
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import WAITS, commands, trials
from caviar.service.store.transaction import Transaction

c = commands.c
FEW = 200  # waiting commands that are read quicker than their trials are named
_WAITING = select(commands).where(WAITS)
_FIRST_WAITING = _WAITING.order_by(c.search_id, c.number).limit(FEW + 1)  # as in their index
_REFUSE = (
    update(commands)
    .where(c.id == bindparam("b_id"))
    .values(
        state="refused",
        reason=bindparam("new_reason"),
        answered=bindparam("new_answered"),
        revision=bindparam("new_revision"),
    )
)


def trial(snapshot: Snapshot, name: TrialId) -> Row[Any] | None:
    """Give the row of a trial, or None."""
    t = trials.c
    return snapshot.execute(select(trials).where(t.search_id == name.search, t.number == name.number)).first()


def of_trial(snapshot: Snapshot, name: TrialId) -> Sequence[Row[Any]]:
    """Give the commands of a trial in the order they were given."""
    query = select(commands).where(c.search_id == name.search, c.number == name.number)
    return snapshot.execute(query.order_by(c.id)).all()


def applied(snapshot: Snapshot, name: TrialId) -> Sequence[Row[Any]]:
    """Give the commands that took effect on a trial, in the order in which they did."""
    query = select(commands).where(c.search_id == name.search, c.number == name.number, c.state == "applied")
    return snapshot.execute(query.order_by(c.revision)).all()


def waiting(snapshot: Snapshot, name: TrialId) -> Sequence[Row[Any]]:
    """Give the commands that wait for their moment."""
    query = select(commands).where(c.search_id == name.search, c.number == name.number, c.state == "waiting")
    return snapshot.execute(query.order_by(c.id)).all()


def waiting_in(snapshot: Snapshot, names: Iterable[TrialId]) -> Sequence[Row[Any]]:
    """Give the commands that wait for any of several trials, in the order they were given."""
    wanted = frozenset(names)
    if not wanted:
        return []
    rows: Sequence[Row[Any]] = snapshot.execute(_FIRST_WAITING).all()  # mostly these are all
    if len(rows) > FEW:
        named = [and_(c.search_id == search, c.number.in_(some)) for search, some in in_pieces(wanted)]
        rows = [row for where in named for row in snapshot.execute(_WAITING.where(where))]
    found = (row for row in rows if TrialId(row.search_id, row.number) in wanted)
    return sorted(found, key=lambda row: int(row.id))


def refuse_waiting(tx: Transaction, ended: Mapping[TrialId, str]) -> None:
    """Refuse what still waits for trials that have ended, each with the state it ended in."""
    rows = waiting_in(tx, ended)
    if rows:
        tx.execute(
            _REFUSE,
            [
                {
                    "b_id": row.id,
                    "new_reason": f"the trial is {ended[trial]} now; fork or extend it",
                    "new_answered": tx.now,
                    "new_revision": tx.revision(),
                }
                for row in rows
                for trial in (TrialId(row.search_id, row.number),)
            ],
        )
    tx.touched.update(row.search_id for row in rows)


def version(snapshot: Snapshot, name: TrialId) -> int:
    """Give the number of the trial's newest command: what If-Match compares."""
    query = select(func.max(c.id)).where(c.search_id == name.search, c.number == name.number)
    return int(snapshot.execute(query).scalar() or 0)


def by_key(snapshot: Snapshot, name: TrialId, digest: str) -> Sequence[Row[Any]]:
    """Give the commands that were given under an idempotency key, which is kept as its digest."""
    query = select(commands).where(c.search_id == name.search, c.number == name.number)
    return snapshot.execute(query.where(c.idempotency.startswith(digest)).order_by(c.id)).all()


def add(tx: Transaction, name: TrialId, values: Mapping[str, Any]) -> int:
    """Add a command and give its id."""
    row = {"search_id": name.search, "number": name.number, "created": tx.now, "revision": tx.revision()}
    tx.touched.add(name.search)
    statement = insert(commands).values(**row, **values).returning(c.id)
    return int(tx.execute(statement).scalar_one())


def answer(tx: Transaction, name: TrialId, number: int, values: Mapping[str, Any]) -> bool:
    """Write what became of a waiting command; False if it does not wait any more."""
    done = tx.execute(
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
