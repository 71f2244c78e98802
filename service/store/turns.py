"""The turns of a population, for its picture."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select

from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import trials

t = trials.c


class Turn(NamedTuple):
    """A trial of a population."""

    number: int
    state: str
    value: float | None
    epoch: int
    continues: str | None
    origin: str
    params: str


_TURNS = select(*(t[name] for name in Turn._fields)).order_by(t.number)


def turns(snapshot: Snapshot, search: int) -> list[Turn]:
    """Return the trials of a search as turns, by number; those made by hand too."""
    return list(map(Turn._make, snapshot.execute(_TURNS.where(t.search_id == search))))
