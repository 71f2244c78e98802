"""Models that the trials of a search start from: a copy of their file for each search, found by its hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import insert, select

from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import searches, starting_models
from caviar.service.store.transaction import Transaction

c = starting_models.c


class StoredStartingModel(NamedTuple):
    """A row of `starting_models`."""

    search_id: int
    trial: str  # that it is of, which may be gone
    digest: str
    size: int
    file: str


class Start(NamedTuple):
    """A trial whose model others start from, and what it was trained on, as its search has it."""

    trial: str
    dataset: Mapping[str, Any]


def add(tx: Transaction, model: StoredStartingModel) -> None:
    """Store the model that a search starts from."""
    tx.execute(insert(starting_models).values(**model._asdict()))


def of_search(snapshot: Snapshot, search: int) -> StoredStartingModel | None:
    """Return the model that a search starts from, None for one that starts from none."""
    row = snapshot.execute(select(starting_models).where(c.search_id == search)).first()
    return None if row is None else StoredStartingModel._make(row)


def by_digest(snapshot: Snapshot, digest: str) -> StoredStartingModel | None:
    """Return a copy of a model, that of the oldest search that has one; None where none is kept."""
    query = select(starting_models).where(c.digest == digest).order_by(c.search_id).limit(1)
    row = snapshot.execute(query).first()
    return None if row is None else StoredStartingModel._make(row)


def start_of(snapshot: Snapshot, settings: Mapping[str, Any]) -> Start | None:
    """Return what the `init_from` of settings names; None without one, and where its search is gone."""
    trial, _, _ = str(settings.get("init_from") or "").partition("@")
    search, _, _ = trial.partition(".")
    if not search.isdecimal():
        return None
    spec = snapshot.execute(select(searches.c.spec).where(searches.c.id == int(search))).scalar()
    return None if spec is None else Start(trial, orjson.loads(spec).get("dataset") or {})


def files(snapshot: Snapshot, search: int | None = None) -> list[str]:
    """Return the names of all files, or of that of one search."""
    query = select(c.file) if search is None else select(c.file).where(c.search_id == search)
    return list(snapshot.execute(query).scalars())
