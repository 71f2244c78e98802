"""Studies of Optuna and their trials: what Optuna knows of them beyond searches and trials."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from caviar.service.errors import NotFoundError
from caviar.service.ids import TrialId, in_pieces
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import revisions, studies, study_trials, trials
from caviar.service.store.transaction import Transaction

s, d, t = studies.c, study_trials.c, trials.c
_TRIALS = trials.join(study_trials, (d.search_id == t.search_id) & (d.number == t.number))
_THIS = (t.search_id == bindparam("b_search"), t.number == bindparam("b_number"))
_WRITTEN = (
    "state",
    "value",
    "metrics",
    "params",
    "epoch",
    "reason",
    "started",
    "ended",
    "withheld",
    "broken",
)
_WRITE = (
    update(trials).where(*_THIS).values({name: bindparam(f"new_{name}") for name in (*_WRITTEN, "revision")})
)
_OWN = (d.search_id == bindparam("b_search"), d.number == bindparam("b_number"))
_DESCRIBE = (
    update(study_trials)
    .where(*_OWN)
    .values(key=bindparam("new_key"), seen=bindparam("new_seen"), document=bindparam("new_document"))
)


class StoredStudy(NamedTuple):
    """A row of `studies`."""

    search_id: int
    name: str
    document: str


class StudyTrial(NamedTuple):
    """A trial of a study, from both tables."""

    search_id: int
    number: int
    state: str
    value: float | None
    metrics: str | None
    params: str
    epoch: int
    reason: str | None
    started: float | None
    ended: float | None
    withheld: float | None
    broken: str | None
    key: str
    seen: float | None
    document: str


_COLUMNS = [d[name] if name in ("key", "seen", "document") else t[name] for name in StudyTrial._fields]
_CHANGED = (
    select(*_COLUMNS)
    .select_from(_TRIALS)
    .where(t.search_id == bindparam("search"), t.revision > bindparam("after"))
)


def insert_study(tx: Transaction, search: int, name: str, document: str) -> None:
    """Make a search a study."""
    tx.execute(insert(studies).values(search_id=search, name=name, document=document))


def find(snapshot: Snapshot, search: int) -> StoredStudy | None:
    """Return a study, or None."""
    row = snapshot.execute(select(studies).where(s.search_id == search)).first()
    return None if row is None else StoredStudy._make(row)


def get(snapshot: Snapshot, search: int) -> StoredStudy:
    """Return a study. Raises NotFoundError."""
    found = find(snapshot, search)
    if found is None:
        raise NotFoundError(f"there is no study {search}")
    return found


def named(snapshot: Snapshot, name: str | None) -> list[StoredStudy]:
    """Return the study of a name; all by id where none is given."""
    query = select(studies).order_by(s.search_id)
    rows = snapshot.execute(query if name is None else query.where(s.name == name))
    return list(map(StoredStudy._make, rows))


def describe(tx: Transaction, search: int, document: str) -> None:
    """Write the document of a study."""
    tx.execute(update(studies).where(s.search_id == search).values(document=document))


def insert_trials(tx: Transaction, rows: Sequence[tuple[TrialId, str, str]]) -> None:
    """Add what Optuna knows of new trials: name, key, document."""
    tx.execute(
        insert(study_trials),
        [
            {"search_id": name.search, "number": name.number, "key": key, "document": document}
            for name, key, document in rows
        ],
    )


def first_of(snapshot: Snapshot, search: int, key: str) -> int | None:
    """Return the first trial of a study whose last write had a key."""
    query = select(d.number).where(d.search_id == search, d.key == key).order_by(d.number)
    return snapshot.execute(query.limit(1)).scalar()


def several(snapshot: Snapshot, names: Iterable[TrialId]) -> dict[TrialId, StudyTrial]:
    """Return trials of studies by name; those that do not exist are left out."""
    query = select(*_COLUMNS).select_from(_TRIALS)
    return {
        TrialId(search, row.number): StudyTrial._make(row)
        for search, some in in_pieces(names)
        for row in snapshot.execute(query.where(t.search_id == search, t.number.in_(some)))
    }


def changed(snapshot: Snapshot, search: int, after: int) -> tuple[int, list[StudyTrial]]:
    """Return the revision now, and the trials of a study that changed after another one, in any order."""
    now = int(snapshot.execute(select(revisions.c.value)).scalar_one())
    rows = snapshot.execute(_CHANGED, {"search": search, "after": after})
    return now, list(map(StudyTrial._make, rows))


def write(tx: Transaction, rows: Sequence[StudyTrial]) -> None:
    """Write trials of studies, both tables."""
    if not rows:
        return
    values = [_values(tx, row) for row in rows]
    tx.execute(_WRITE, [_only(value, (*_WRITTEN, "revision")) for value in values])
    tx.execute(_DESCRIBE, [_only(value, ("key", "seen", "document")) for value in values])


def _values(tx: Transaction, row: StudyTrial) -> dict[str, Any]:
    named = {f"new_{name}": value for name, value in row._asdict().items()}
    return {**named, "b_search": row.search_id, "b_number": row.number, "new_revision": tx.revision()}


def _only(values: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    wanted = ("b_search", "b_number", *(f"new_{name}" for name in names))
    return {name: values[name] for name in wanted}


def silent(snapshot: Snapshot, search: int, since: float) -> list[int]:
    """Return the running trials of a study whose last heartbeat came before a time, by number."""
    query = select(t.number).select_from(_TRIALS)
    late = query.where(t.search_id == search, t.state == "running", d.seen < since)
    return list(snapshot.execute(late.order_by(t.number)).scalars())
