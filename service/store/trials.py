"""Trials by name, new ones, and what a person does to them; what agents write is in `attempts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Update, bindparam, func, insert, select, update

from caviar.search.space import Space
from caviar.service.errors import NotFoundError
from caviar.service.ids import TrialId, in_pieces
from caviar.service.store import commands
from caviar.service.store.rows import TrialNews
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import trials
from caviar.service.store.transaction import Transaction
from caviar.trial_fields import ENDED, STATES, StoredTrial

t = trials.c
_THIS = (t.search_id == bindparam("b_search"), t.number == bindparam("b_number"))
_ONE = select(trials).where(*_THIS)
_NEWS = select(*(t[name] for name in TrialNews._fields)).where(
    t.search_id == bindparam("search"), t.revision > bindparam("after")
)
_INSERT = insert(trials)
_OPEN = tuple(state for state in STATES if state not in ENDED)
_REQUEUE = (
    update(trials)
    .where(*_THIS, t.state == "paused")
    .values(state="queued", agent=None, revision=bindparam("new_revision"))
)
_CANCEL = (
    update(trials)
    .where(*_THIS)
    .values(
        state="cancelled",
        agent=None,
        reason=bindparam("new_reason"),
        ended=bindparam("new_ended"),
        revision=bindparam("new_revision"),
    )
)
BY_HAND = ("fork", "rerun")  # origins of trials that a person made beyond the budget
_DISCOUNT = (
    update(trials)
    .where(*_THIS)
    .values(
        state="cancelled",
        value=None,
        withheld=None,
        reason=bindparam("new_reason"),
        revision=bindparam("new_revision"),
    )
)
_EXCLUDE = (
    update(trials)
    .where(*_THIS)
    .values(
        value=bindparam("new_value"),
        withheld=bindparam("new_withheld"),
        excluded=bindparam("new_excluded"),
        excluded_by=bindparam("new_excluded_by"),
        excluded_at=bindparam("new_excluded_at"),
        revision=bindparam("new_revision"),
    )
)
_RECODE = update(trials).where(*_THIS).values(unit=bindparam("new_unit"), revision=bindparam("new_revision"))
_NOTHING: dict[str, Any] = dict.fromkeys(StoredTrial._fields)
_NOT_BEGUN = StoredTrial(**_NOTHING)._replace(state="queued", attempt=0, epoch=0, branch=0, revision=0)


def new_trial(
    tx: Transaction,
    name: TrialId,
    *,
    params: str,
    unit: bytes | None,
    seed: int,
    epochs: int | None,
    origin: str,
    why: str,
) -> StoredTrial:
    """Return the row of a new trial: queued, nothing done yet. `insert` stores it.

    What only some trials have is put in by `_replace`.
    """
    return _NOT_BEGUN._replace(
        search_id=name.search,
        number=name.number,
        params=params,
        unit=unit,
        seed=seed,
        epochs=epochs,
        origin=origin,
        why=why,
        created=tx.now,
    )


def insert_trials(tx: Transaction, rows: Sequence[StoredTrial]) -> None:
    """Store new trials, each with a revision of its own, and count them by state."""
    if not rows:
        return
    # Most columns are NULL in most new trials: what is not bound costs nothing.
    columns = enumerate(zip(*rows, strict=True))
    used = itemgetter(*(place for place, column in columns if column.count(None) < len(rows)))
    names = used(StoredTrial._fields)
    bound = [dict(zip(names, used(row), strict=True), revision=tx.revision()) for row in rows]
    tx.execute(_INSERT, bound)
    for (search, state), count in Counter((row.search_id, row.state) for row in rows).items():
        tx.move(search, None, state, count)


def find(snapshot: Snapshot, name: TrialId) -> StoredTrial | None:
    """Return a trial, or None."""
    row = snapshot.execute(_ONE, {"b_search": name.search, "b_number": name.number}).first()
    return None if row is None else StoredTrial._make(row)


def get(snapshot: Snapshot, name: TrialId) -> StoredTrial:
    """Return a trial. Raises NotFoundError."""
    found = find(snapshot, name)
    if found is None:
        raise NotFoundError(f"there is no trial {name}")
    return found


def several(snapshot: Snapshot, names: Iterable[TrialId]) -> list[StoredTrial]:
    """Return trials by name; those that do not exist are left out."""
    return [
        StoredTrial._make(row)
        for search, some in in_pieces(names)
        for row in snapshot.execute(select(trials).where(t.search_id == search, t.number.in_(some)))
    ]


def states_of(snapshot: Snapshot, names: Iterable[TrialId]) -> dict[TrialId, tuple[str, int]]:
    """Return state and attempt of trials by name; those that do not exist are left out."""
    return {TrialId.of(row): (row.state, row.attempt) for row in several(snapshot, names)}


def in_state(snapshot: Snapshot, search: int, state: str) -> list[StoredTrial]:
    """Return the trials of a search that are in a state, by number."""
    query = select(trials).where(t.search_id == search, t.state == state).order_by(t.number)
    return [StoredTrial._make(row) for row in snapshot.execute(query)]


def begun(snapshot: Snapshot, search: int) -> list[StoredTrial]:
    """Return the trials of a strategy that have begun and not ended, by number."""
    query = (
        select(trials)
        .where(t.search_id == search, t.attempt > 0, t.origin.not_in(BY_HAND))
        .where(t.state.in_(("queued", "running", "paused")))
        .order_by(t.number)
    )
    return [StoredTrial._make(row) for row in snapshot.execute(query)]


def run_again(snapshot: Snapshot, search: int) -> set[str]:
    """Name the trials of a search that another one repeats."""
    query = select(t.parent).where(t.search_id == search, t.origin == "rerun")
    return set(snapshot.execute(query).scalars())


def reasons_of_failures(snapshot: Snapshot, search: int, first: int, count: int) -> list[str | None]:
    """Return why the newest trials of a search failed, `count` at most, of those numbered from `first` on."""
    query = select(t.reason).where(t.search_id == search, t.state == "failed", t.number >= first)
    return list(snapshot.execute(query.order_by(t.number.desc()).limit(count)).scalars())


def news(snapshot: Snapshot, search: int, after: int) -> list[TrialNews]:
    """Return what changed in a search after a revision, each trial once, in any order."""
    return list(map(TrialNews._make, snapshot.execute(_NEWS, {"search": search, "after": after})))


def first_open(snapshot: Snapshot, searches: Sequence[int]) -> dict[int, int]:
    """Return the lowest number of a trial that has not ended, for each of some searches that has one."""
    query = select(t.search_id, func.min(t.number)).where(t.state.in_(_OPEN)).group_by(t.search_id)
    return {
        search: number
        for start in range(0, len(searches), 500)
        for search, number in snapshot.execute(query.where(t.search_id.in_(searches[start : start + 500])))
    }


def note_changed(tx: Transaction, name: TrialId, settings: Mapping[str, Any]) -> None:
    """Write which settings of a trial were changed on its way, and to what."""
    tx.execute(
        update(trials)
        .where(t.search_id == name.search, t.number == name.number)
        .values(changed=orjson.dumps(settings).decode() if settings else None, revision=tx.revision())
    )
    tx.touched.add(name.search)


def put_aside(tx: Transaction, row: StoredTrial, excluded: str | None, who: str | None) -> None:
    """Write whether a person takes a trial's result out, with the reason; its value is kept aside then."""
    told = row.value if row.withheld is None else row.withheld
    counts = excluded is None and row.broken is None
    tx.execute(
        _EXCLUDE,
        {
            "b_search": row.search_id,
            "b_number": row.number,
            "new_value": told if counts else None,
            "new_withheld": None if counts else told,
            "new_excluded": excluded,
            "new_excluded_by": None if excluded is None else who,
            "new_excluded_at": None if excluded is None else tx.now,
            "new_revision": tx.revision(),
        },
    )
    tx.touched.add(row.search_id)


def put_by(snapshot: Snapshot, search: int, most: int) -> list[StoredTrial]:
    """Return the trials of a search whose values do not count, by number, `most` of them at most."""
    query = select(trials).where(t.search_id == search, t.withheld.is_not(None)).order_by(t.number)
    return [StoredTrial._make(row) for row in snapshot.execute(query.limit(most))]


def metrics_of(snapshot: Snapshot, search: int, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the results of some trials by number, of those that have any."""
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        query = select(t.number, t.metrics).where(
            t.search_id == search, t.number.in_(some), t.metrics.is_not(None)
        )
        found |= {row.number: orjson.loads(row.metrics) for row in snapshot.execute(query)}
    return found


def requeue(tx: Transaction, name: TrialId) -> None:
    """Put a paused trial back into the queue; one in any other state stays as it is."""
    values = {"b_search": name.search, "b_number": name.number, "new_revision": tx.revision()}
    if tx.execute(_REQUEUE, values).rowcount:
        tx.move(name.search, "paused", "queued")


def cancel(
    tx: Transaction, search: int, reason: str, above: int | None = None, *, only_unbegun: bool = False
) -> None:
    """Cancel the trials of a search that have not ended, those in agents' hands too, and their commands.

    Above a number, forks and trials that are run again are left alone: a person wants them.
    """
    unended = select(t.number, t.state, t.epoch).where(
        t.search_id == search, t.state.in_(("queued", "running", "paused"))
    )
    if above is not None:
        unended = unended.where(t.number > above, t.origin.not_in(BY_HAND))
    if only_unbegun:
        unended = unended.where(t.state == "queued", t.attempt == 0, t.origin.not_in(BY_HAND))
    rows = tx.execute(unended).all()
    _to_cancelled(tx, search, _CANCEL, [(row, {"new_reason": reason, "new_ended": tx.now}) for row in rows])
    ended = {TrialId(search, row.number): commands.Ended("cancelled", row.epoch) for row in rows}
    commands.refuse_waiting(tx, ended)


def discount(tx: Transaction, search: int, above: int, reason: str) -> int:
    """Take the value from the trials above a number that have ended, for whom the search was over before.

    They count as cancelled. What they came to stays in their metrics and curves. Returns how many.
    """
    beyond = (
        select(t.number, t.state)
        .where(t.search_id == search, t.number > above, t.state.in_(ENDED), t.state != "cancelled")
        .where(t.origin.not_in(BY_HAND))
    )
    rows = tx.execute(beyond).all()
    why = "it does not count, though it had"
    _to_cancelled(
        tx, search, _DISCOUNT, [(row, {"new_reason": f"{why} {row.state}: {reason}"}) for row in rows]
    )
    return len(rows)


def _to_cancelled(
    tx: Transaction, search: int, statement: Update, changes: Sequence[tuple[Any, Mapping[str, Any]]]
) -> None:
    """Write trials as cancelled, each with its values, and count them."""
    if changes:
        named = [
            {"b_search": search, "b_number": row.number, "new_revision": tx.revision(), **values}
            for row, values in changes
        ]
        tx.execute(statement, named)
    for row, _ in changes:
        tx.move(search, row.state, "cancelled")


def recode(tx: Transaction, search: int, space: Space) -> None:
    """Write the coordinates of all trials of a search anew after its space was edited.

    Points that the new space does not hold keep their results but have no coordinates any more.
    """
    rows = tx.execute(select(t.number, t.params).where(t.search_id == search)).all()
    changes = [
        {
            "b_search": search,
            "b_number": row.number,
            "new_unit": coordinates(space, orjson.loads(row.params)),
            "new_revision": tx.revision(),
        }
        for row in rows
    ]
    if changes:
        tx.execute(_RECODE, changes)


def coordinates(space: Space, point: Mapping[str, Any]) -> bytes | None:
    """Return the coordinates of a point as stored; None when the space does not hold it."""
    if space.check(point):
        return None
    return np.asarray(space.to_unit(point), dtype="<f8").tobytes()
