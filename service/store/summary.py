"""Counts and samples of the trials of a search, for what is said of its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import func, select

from caviar.search.resources import Resources
from caviar.service.store.slots import fits, read_slot
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import HELD, agents, trials

a, t = agents.c, trials.c
NEWEST = 100  # failed trials whose reasons are counted


def tied(snapshot: Snapshot, search: int, value: float | None) -> int:
    """Count the trials with exactly this value."""
    query = select(func.count()).where(t.search_id == search, t.value == value)
    return int(snapshot.execute(query).scalar_one())


def params_of(snapshot: Snapshot, search: int, states: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """Return the parameters of up to `limit` trials in these states, the newest of each first."""
    query = select(t.params).where(t.search_id == search, t.state.in_(states)).order_by(t.number.desc())
    return [orjson.loads(text) for text in snapshot.execute(query.limit(limit)).scalars()]


def commonest_failure(snapshot: Snapshot, search: int) -> tuple[str, int] | None:
    """Return the commonest reason of the newest failed trials, and how many of those had it."""
    query = select(t.reason).where(t.search_id == search, t.state == "failed").order_by(t.number.desc())
    reasons = Counter(snapshot.execute(query.limit(NEWEST)).scalars())
    return next(((reason or "no reason given", count) for reason, count in reasons.most_common(1)), None)


def agents_alive(snapshot: Snapshot, trainer: str, wanted: Resources) -> list[str]:
    """Name the agents alive that have a trainer and a slot; one that names no trainers takes any."""
    rows = snapshot.execute(select(a.id, a.trainers, a.slot).where(a.state == "alive"))
    return [
        row.id
        for row in rows
        if (not (known := orjson.loads(row.trainers)) or trainer in known)
        and fits(read_slot(row.slot), wanted)
    ]


def agents_and_idle(snapshot: Snapshot, trainer: str, wanted: Resources) -> tuple[int, int]:
    """Count the agents alive that have a trainer and a slot, and those of them with no trial in hand."""
    alive = agents_alive(snapshot, trainer, wanted)
    busy = set(snapshot.execute(select(t.agent).where(t.agent.is_not(None), HELD).distinct()).scalars())
    return len(alive), sum(agent not in busy for agent in alive)
