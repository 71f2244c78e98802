"""Queries behind the pictures: which trials to draw where there are very many, courses, timelines, units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import func, select

from caviar.service.errors import RefusedError
from caviar.service.store import bulk, curves, reads
from caviar.service.store import searches as search_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import STATES, trials

t = trials.c
LEADING_SHARE = 10  # a tenth of a thinned sample are the best trials, the rest an even spread
MOST_CURVES = 500


def thinned(snapshot: Snapshot, search: int, points: int) -> list[int] | None:
    """Choose about `points` trials: the best and an even spread of all; None: there are no more."""
    row = search_rows.get(snapshot, search)
    if row.proposed <= points:
        return None
    spread = np.linspace(0, row.proposed - 1, points - points // LEADING_SHARE, dtype=np.int64)
    order = t.value.desc() if _maximizes(row) else t.value
    best = snapshot.execute(
        select(t.number)
        .where(t.search_id == search, t.value.is_not(None))
        .order_by(order, t.number)
        .limit(points // LEADING_SHARE)
    ).scalars()
    return sorted({*spread.tolist(), *best})


def ended_since(snapshot: Snapshot, search: int, revision: int) -> tuple[Sequence[Any], int]:
    """Return number, value and time of what ended after a revision, in order of ending, and the revision now.

    From the beginning (revision 0) an index alone answers, without touching the wide rows.
    """
    query = select(t.number, t.value, t.ended).where(t.search_id == search, t.ended.is_not(None))
    if revision:
        query = query.where(t.revision > revision)
    now = latest(snapshot, search)
    number, value, ended = bulk.read(snapshot, query)
    order = np.lexsort((number, ended)).tolist()
    return [(number[place], value[place], ended[place]) for place in order], now


def latest(snapshot: Snapshot, search: int) -> int:
    """Return the revision of the last change of any trial of a search: the end of an index."""
    return snapshot.execute(select(func.max(t.revision)).where(t.search_id == search)).scalar() or 0


@dataclass(frozen=True)
class Timeline:
    """Trials that began, as columns; agents and states are places in their lists."""

    origin: float
    agents: list[str]
    states: list[str]
    number: list[int]
    agent: list[int]
    state: list[int]
    started: list[float]  # seconds after origin
    ended: list[float | None]  # the same; None: it still runs


@dataclass(frozen=True)
class TrialCurve:
    """One metric of the newest branch of a trial, epoch 1 first; NaN where unknown."""

    number: int
    state: str
    leading: bool
    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Curves of one metric; `total`: trials of the search."""

    metric: str
    items: list[TrialCurve]
    total: int


def timeline(snapshot: Snapshot, search: int) -> Timeline:
    """Return who trained what when: agents and states by place in their lists, seconds after `origin`."""
    row = search_rows.get(snapshot, search)
    query = select(t.number, t.agent, t.state, t.started, t.ended)
    found = bulk.read(snapshot, query.where(t.search_id == search, t.started.is_not(None)))
    origin = row.started or row.created
    order = sorted(range(len(found[0])), key=found[0].__getitem__)
    number, agent, state, started, ended = ([column[place] for place in order] for column in found)
    first: dict[str, float] = {}
    for name, moment in zip(agent, started, strict=True):
        first[name or ""] = min(moment, first.get(name or "", moment))
    agents = sorted(first, key=first.__getitem__)
    places = {name: place for place, name in enumerate(agents)}
    states = {name: place for place, name in enumerate(STATES)}
    return Timeline(
        origin=origin,
        agents=agents,
        states=list(STATES),
        number=number,
        agent=[places[name or ""] for name in agent],
        state=[states[name] for name in state],
        started=[round(moment - origin, 3) for moment in started],
        ended=[None if moment is None else round(moment - origin, 3) for moment in ended],
    )


def leading_and_others(
    snapshot: Snapshot, search: int, metric: str | None, leading: int, others: int
) -> Curves:
    """Return one metric of the curves of the best trials, best first, and of an even spread of the others.

    Without a name it is that of the objective.
    """
    if leading + others > MOST_CURVES:
        raise RefusedError.of(
            "others",
            f"{leading + others} curves are too many",
            f"at most {MOST_CURVES} with the leading ones",
        )
    row = search_rows.get(snapshot, search)
    total, objective = row.proposed, orjson.loads(row.spec).get("objective", {})
    metric = metric or objective.get("metric", "dev_error")
    first = [row.number for row in reads.best(snapshot, search, leading)] if leading else []
    spread = np.linspace(0, max(0, total - 1), min(total, others), dtype=np.int64).tolist()
    numbers = list(dict.fromkeys([*first, *spread]))
    rows = snapshot.execute(
        select(t.number, t.state, t.branch).where(t.search_id == search, t.number.in_(numbers))
    ).all()
    found = curves.metric_of(snapshot, search, [(row.number, row.branch) for row in rows], metric)
    states = {row.number: row.state for row in rows}
    items = [
        TrialCurve(number, states[number], number in first, found[number])
        for number in numbers
        if number in found
    ]
    return Curves(metric, items, total)


def units(snapshot: Snapshot, search: int, most: int) -> tuple[list[int], list[bytes], list[float]]:
    """Return numbers, unit coordinates and values of the last `most` trials that have both, by number."""
    rows = snapshot.execute(
        select(t.number, t.unit, t.value)
        .where(t.search_id == search, t.value.is_not(None), t.unit.is_not(None))
        .order_by(t.number.desc())
        .limit(most)
    ).all()[::-1]
    return [row.number for row in rows], [row.unit for row in rows], [row.value for row in rows]


def points(snapshot: Snapshot, search: int, most: int) -> list[tuple[int, dict[str, Any], float]]:
    """Return numbers, points and values of the last `most` trials that have a value, by number."""
    query = select(t.number, t.params, t.value).where(t.search_id == search, t.value.is_not(None))
    rows = snapshot.execute(query.order_by(t.number.desc()).limit(most)).all()[::-1]
    return [(row.number, orjson.loads(row.params), row.value) for row in rows]


def _maximizes(row: StoredSearch) -> bool:
    return bool(orjson.loads(row.spec).get("objective", {}).get("direction") == "maximize")
