"""Rows of attributes and artifacts: what a script notes of a trial, and files that it attaches."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select, update

from caviar.service.ids import TrialId
from caviar.service.store.rows import StoredArtifact, StoredAttribute
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import artifacts, attributes
from caviar.service.store.transaction import Transaction

n, f = attributes.c, artifacts.c


def note(tx: Transaction, trial: TrialId, key: str, value: str) -> None:
    """Set an attribute, in place of what it was; `value` is JSON."""
    own = (n.search_id == trial.search, n.number == trial.number, n.key == key)
    told = {"value": value, "changed": tx.now}
    if not tx.execute(update(attributes).where(*own).values(**told)).rowcount:
        row = {"search_id": trial.search, "number": trial.number, "key": key, **told}
        tx.execute(insert(attributes).values(**row))
    tx.touched.add(trial.search)


def attributes_of(snapshot: Snapshot, trial: TrialId) -> list[StoredAttribute]:
    """Return the attributes of a trial by their keys."""
    columns = [n[name] for name in StoredAttribute._fields]
    query = select(*columns).where(n.search_id == trial.search, n.number == trial.number).order_by(n.key)
    return [StoredAttribute._make(row) for row in snapshot.execute(query)]


def attach(tx: Transaction, new: StoredArtifact) -> str | None:
    """Add an artifact; return the file of the one that it replaces, which nothing names any more."""
    own = (f.search_id == new.search_id, f.number == new.number, f.name == new.name)
    before = tx.execute(delete(artifacts).where(*own).returning(f.file)).scalar()
    tx.execute(insert(artifacts).values(**new._asdict()))
    tx.touched.add(new.search_id)
    return before


def artifacts_of(snapshot: Snapshot, trial: TrialId) -> list[StoredArtifact]:
    """Return the artifacts of a trial by their names."""
    columns = [f[name] for name in StoredArtifact._fields]
    query = select(*columns).where(f.search_id == trial.search, f.number == trial.number).order_by(f.name)
    return [StoredArtifact._make(row) for row in snapshot.execute(query)]


def counted(snapshot: Snapshot, trial: TrialId, name: str) -> int:
    """Return how many artifacts of other names a trial has."""
    query = select(func.count()).where(f.search_id == trial.search, f.number == trial.number, f.name != name)
    return int(snapshot.execute(query).scalar_one())


def files(snapshot: Snapshot) -> list[str]:
    """Return the names of all files."""
    return list(snapshot.execute(select(f.file)).scalars())
