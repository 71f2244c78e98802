"""Searches: their rows, the record of edits, and the keys under which they were submitted."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from caviar.service.errors import NotFoundError
from caviar.service.store.rows import StoredSearch
from caviar.service.store.search_labels import words_of
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import HELD, idempotency, searches, studies, trials
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
    .where(~exists().where(studies.c.search_id == s.id))  # their scripts make the trials themselves
    .order_by(s.id)
)
_ONE = select(searches).where(s.id == bindparam("search"))
_VALUE: BindParameter[Any] = bindparam("b_value")
_NUMBER: BindParameter[Any] = bindparam("b_number")


def _improvement(better: ColumnElement[bool]) -> Update:
    equal = and_(s.best_value == _VALUE, s.best_number > _NUMBER)
    wanted = and_(s.id == bindparam("b_search"), or_(s.best_value.is_(None), better, equal))
    return update(searches).where(wanted).values(best_value=_VALUE, best_number=_NUMBER)


_LOWER, _HIGHER = _improvement(s.best_value > _VALUE), _improvement(s.best_value < _VALUE)


def insert_search(tx: Transaction, **values: Any) -> int:
    """Add a search of the person who writes, to be found by its name, labels and data; give its id."""
    spec = {**orjson.loads(values["spec"]), "name": values["name"]}
    found_by = {"owner": tx.who, "words": words_of(spec, tx.who), "project": spec.get("project")}
    statement = insert(searches).values(**values, **found_by, revision=tx.revision()).returning(s.id)
    search = int(tx.execute(statement).scalar_one())
    tx.touched.add(search)
    return search


def get(snapshot: Snapshot, search: int) -> StoredSearch:
    """Return a search. Raises NotFoundError."""
    row = find(snapshot, search)
    if row is None:
        raise NotFoundError(f"there is no search {search}")
    return row


def find(snapshot: Snapshot, search: int) -> StoredSearch | None:
    """Return a search, or None."""
    row = snapshot.execute(_ONE, {"search": search}).first()
    return None if row is None else StoredSearch._make(row)


def open_searches(snapshot: Snapshot) -> list[tuple[StoredSearch, int]]:
    """Return the searches that may have work, switched on and not ended, by id.

    With each comes how many agents have trials of it in hand.
    """
    return [(StoredSearch._make(row[:-1]), row.agents) for row in snapshot.execute(_OPEN)]


def note_best(tx: Transaction, search: int, number: int, value: float, direction: str) -> None:
    """Write a trial as the best of a search, unless that has a better one.

    Of equal values the lower number is better. This alone does not count as a change of the search: its
    counters change with every result.
    """
    better = {"b_search": search, "b_value": value, "b_number": number}
    tx.execute(_HIGHER if direction == "maximize" else _LOWER, better)


def renew_best(tx: Transaction, search: int, direction: str) -> None:
    """Find the best trial of a search anew, after results were taken out of it."""
    order = t.value.desc() if direction == "maximize" else t.value
    query = select(t.number, t.value).where(t.search_id == search, t.value.is_not(None))
    found = tx.execute(query.order_by(order, t.number).limit(1)).first()
    number, value = (found.number, found.value) if found else (None, None)
    change(tx, search, best_number=number, best_value=value)


def change(tx: Transaction, search: int, **values: Any) -> None:
    """Write columns of a search."""
    new = {f"new_{name}": value for name, value in values.items()}
    tx.execute(_change(tuple(values)), {"b_search": search, "new_revision": tx.revision(), **new})
    tx.touched.add(search)


def pause(tx: Transaction, row: StoredSearch, problem: str) -> None:
    """Pause a search that cannot go on, with the reason."""
    values = {"switch": "paused", "problem": problem, "version": row.version + 1}
    change(tx, row.id, **values, **clock_off(row, tx.now))


def clock_on(row: StoredSearch, now: float, seconds: float | None) -> dict[str, Any]:
    """Return the columns of a search whose clock goes on; `seconds` is its budget."""
    ran = time_run(row, now)
    return {"ran": ran, "ran_since": now, "deadline": None if seconds is None else now + seconds - ran}


def clock_off(row: StoredSearch, now: float) -> dict[str, Any]:
    """Return the columns of a search whose clock stands still."""
    return {"ran": time_run(row, now), "ran_since": None, "deadline": None}


def time_run(row: StoredSearch, now: float) -> float:
    """Return the seconds for which a search has run: pauses, and the time since its end, left out."""
    until = now if row.ended is None else row.ended
    return row.ran + (0.0 if row.ran_since is None else max(0.0, until - row.ran_since))


def next_deadline(snapshot: Snapshot) -> float | None:
    """Return the earliest moment at which the seconds of a running search are used up."""
    query = select(func.min(s.deadline)).where(s.ended.is_(None), s.over.is_(None))
    found = snapshot.execute(query).scalar()
    return None if found is None else float(found)


def past_deadline(snapshot: Snapshot, now: float) -> list[StoredSearch]:
    """Return the running searches whose seconds are used up."""
    query = select(searches).where(s.ended.is_(None), s.over.is_(None), s.deadline <= now)
    return list(map(StoredSearch._make, snapshot.execute(query)))


@cache
def _change(names: tuple[str, ...]) -> Update:
    """Return the statement that writes some columns: to build one takes longer than to run it."""
    new: dict[str, BindParameter[Any]] = {name: bindparam(f"new_{name}") for name in (*names, "revision")}
    return update(searches).where(s.id == bindparam("b_search")).values(new)


def add_by_hand(tx: Transaction, row: StoredSearch, count: int) -> None:
    """Count trials that a person made beyond the budget; an ended search wakes up for them."""
    change(
        tx,
        row.id,
        proposed=row.proposed + count,
        total=row.total + count,
        by_hand=row.by_hand + count,
        ended=None,
        archived=None,
        # A person's trials after the end are not held to a budget that the search has kept.
        **(clock_on(row, tx.now, None) if row.ended is not None else {}),
    )


def remove(tx: Transaction, search: int) -> None:
    """Remove a search with all that belongs to it; its id is never used again."""
    tx.execute(delete(idempotency).where(idempotency.c.search_id == search))
    tx.execute(delete(searches).where(s.id == search))
    tx.touched.add(search)


def key_used(snapshot: Snapshot, key: str) -> tuple[str, int] | None:
    """Return the digest of the request and the search that an idempotency key was used for, or None."""
    k = idempotency.c
    row = snapshot.execute(select(k.digest, k.search_id).where(k.key == key)).first()
    return None if row is None else (row.digest, row.search_id)


def use_key(tx: Transaction, key: str, digest: str, search: int) -> None:
    """Remember an idempotency key."""
    tx.execute(insert(idempotency).values(key=key, digest=digest, search_id=search, created=tx.now))
