"""The audit trail: what people changed, row after row. Rows are added and read, never changed or removed.

They outlive their search, whose number is never used again. Edits of a search, on which proposals and budgets
depend, are those rows of it that have a version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import orjson
from sqlalchemy import func, insert, select

from caviar.service.ids import TrialId
from caviar.service.store.people_tables import audit
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction

Action = Literal[
    "submit", "edit", "pause", "resume", "cancel", "archive", "unarchive", "delete", "enqueue", "rerun",
    "command", "withdraw", "exclude", "include", "test", "verify", "tag rows",
    "retest", "schedule retests", "unschedule retests",
    "upload data set", "delete data set", "trust agent",
    "create token", "revoke token", "create link", "revoke link",
    "create webhook", "remove webhook",
]  # fmt: skip
ACTIONS: tuple[str, ...] = get_args(Action)
a = audit.c
_EDITS = a.version.is_not(None)


class AuditRow(NamedTuple):
    """A row of `audit`; `before` and `after` are JSON objects."""

    id: int
    created: float
    who: str | None  # NULL: the server itself, or a person before this was recorded
    what: str
    search_id: int | None
    number: int | None  # of a trial
    subject: str | None  # data set, token, agent, link or webhook; kind of a command; verdict of verify
    version: int | None  # of the search since this edit
    proposed: int | None  # trials it had by then
    before: str | None
    after: str | None


class StoredEdit(NamedTuple):
    """A change of a search by a person; `before` and `after` are JSON text."""

    version: int
    created: float
    proposed: int
    before: str
    after: str


@dataclass(frozen=True)
class Wanted:
    """Which rows to return: the newest below an id."""

    search: int | None = None
    who: str | None = None
    what: str | None = None
    below: int | None = None
    limit: int = 100


def record(
    tx: Transaction,
    what: Action,
    on: int | TrialId | None = None,
    subject: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    **edit: int,
) -> None:
    """Record what the person of a transaction does, to a search or a trial; an edit has version, proposed."""
    search, number = on if isinstance(on, TrialId) else (on, None)
    place = {"search_id": search, "number": number, "subject": subject, **edit}
    add(tx, tx.now, tx.who, what, **place, before=_text(before), after=_text(after))


def add(snapshot: Snapshot, created: float, who: str | None, what: Action, **columns: Any) -> None:
    """Add a row where no transaction of the writer is at hand."""
    snapshot.execute(insert(audit).values(created=created, who=who, what=what, **columns))


def newest(snapshot: Snapshot, wanted: Wanted) -> list[AuditRow]:
    """Return rows, newest first."""
    query = select(audit).order_by(a.id.desc()).limit(wanted.limit)
    for column, value in ((a.search_id, wanted.search), (a.who, wanted.who), (a.what, wanted.what)):
        if value is not None:
            query = query.where(column == value)
    if wanted.below is not None:
        query = query.where(a.id < wanted.below)
    return list(map(AuditRow._make, snapshot.execute(query)))


def edits_of(snapshot: Snapshot, search: int) -> list[StoredEdit]:
    """Return the edits of a search, oldest first."""
    columns = [a[name] for name in StoredEdit._fields]
    query = select(*columns).where(a.search_id == search, _EDITS).order_by(a.id)
    return list(map(StoredEdit._make, snapshot.execute(query)))


def proposed_when_edited(snapshot: Snapshot, search: int) -> int:
    """Return how many trials a search had when a person last edited it; 0 where nobody has."""
    last = select(func.max(a.proposed)).where(a.search_id == search, _EDITS)
    return int(snapshot.execute(last).scalar() or 0)


def proposed_under_another_budget(snapshot: Snapshot, search: int) -> int:
    """Return how many trials a search had when its budget was last changed; 0 where it never was."""
    rows = snapshot.execute(select(a.proposed, a.before).where(a.search_id == search, _EDITS))
    return max((row.proposed for row in rows if "budget" in orjson.loads(row.before)), default=0)


def _text(document: Mapping[str, Any] | None) -> str | None:
    return None if document is None else orjson.dumps(document).decode()
