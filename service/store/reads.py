"""Reads of searches, trials and agents, for REST and event streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Row, and_, func, select

from caviar.service.api import records
from caviar.service.errors import NotFoundError
from caviar.service.ids import TrialId
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import HELD, agents, attempts, edits, searches, trials
from caviar.trial_fields import StoredTrial

s, t = searches.c, trials.c
RATE_SECONDS = 10.0
FAILURES = 100  # trials looked at for the reasons why a search fails
REASONS = 5
_BEST = and_(t.search_id == s.id, t.number == s.best_number)
SEARCH = select(searches, t.params.label("best_params")).select_from(searches.outerjoin(trials, _BEST))


def search(snapshot: Snapshot, number: int, now: float) -> dict[str, Any]:
    """Give a search as REST shows it. Raises NotFoundError."""
    row = snapshot.execute(SEARCH.where(s.id == number)).first()
    if row is None:
        raise NotFoundError(f"there is no search {number}")
    return shown(snapshot, row, now)


def shown(snapshot: Snapshot, row: Row[Any], now: float) -> dict[str, Any]:
    """Give a row of a search as REST shows it."""
    return records.search(
        row, row.best_params, _rate(snapshot, row, now), _failures(snapshot, row), _can(snapshot, row)
    )


def _can(snapshot: Snapshot, row: Row[Any]) -> frozenset[str]:
    """Name the trainers of the agents alive, for a search that waits; none where an agent takes any."""
    if row.switch != "active" or row.ended is not None or row.running:
        return frozenset()
    alive = snapshot.execute(select(agents.c.trainers).where(agents.c.state == "alive").distinct())
    lists = [orjson.loads(text) for text in alive.scalars()]
    return frozenset().union(*lists) - {"external"} if all(lists) else frozenset()


def _failures(snapshot: Snapshot, row: Row[Any]) -> list[dict[str, Any]]:
    """Give the commonest reasons why the newest trials that failed did so."""
    if not row.failed:
        return []
    newest = select(t.reason).where(t.search_id == row.id, t.state == "failed").order_by(t.number.desc())
    reasons = Counter(snapshot.execute(newest.limit(FAILURES)).scalars())
    return [
        {"reason": reason or "no reason was given", "count": count}
        for reason, count in reasons.most_common(REASONS)
    ]


def _rate(snapshot: Snapshot, row: Row[Any], now: float) -> float | None:
    if row.started is None:
        return None
    if row.ended is not None:
        finished = row.completed + row.stopped + row.diverged + row.failed
        return float(round(finished / max(row.ended - row.started, 1e-3), 3))
    window = min(RATE_SECONDS, max(now - row.started, 1e-3))
    recent = snapshot.execute(
        select(func.count()).where(t.search_id == row.id, t.ended > now - window)
    ).scalar_one()
    return float(round(recent / window, 3))


def search_row(snapshot: Snapshot, number: int) -> StoredSearch:
    """Give the row of a search. Raises NotFoundError."""
    return search_rows.get(snapshot, number)


def trial_row(snapshot: Snapshot, trial: TrialId) -> StoredTrial:
    """Give the row of a trial. Raises NotFoundError."""
    return trial_rows.get(snapshot, trial)


def best(snapshot: Snapshot, number: int, count: int) -> Sequence[Row[Any]]:
    """Give the best trials of a search, best first; equal values: the lower number first."""
    row = search_row(snapshot, number)
    maximize = orjson.loads(row.spec).get("objective", {}).get("direction") == "maximize"
    order = (t.value.desc(), t.number) if maximize else (t.value, t.number)
    query = select(trials).where(
        t.search_id == number, t.value.is_not(None), t.state.in_(("completed", "stopped"))
    )
    return snapshot.execute(query.order_by(*order).limit(count)).all()


def changed_trials(snapshot: Snapshot, number: int, after: int, limit: int) -> Sequence[Row[Any]]:
    """Give the trials of a search that changed after a revision, in the order of their last change."""
    query = select(trials).where(t.search_id == number, t.revision > after)
    return snapshot.execute(query.order_by(t.revision).limit(limit)).all()


def attempts_of(snapshot: Snapshot, trial: TrialId) -> list[dict[str, Any]]:
    """Give the attempts of a trial that did not end it, or ended it as failed."""
    a = attempts.c
    rows = snapshot.execute(
        select(attempts).where(a.search_id == trial.search, a.number == trial.number).order_by(a.attempt)
    )
    return [
        {
            "attempt": row.attempt,
            "agent": row.agent,
            "epoch": row.epoch,
            "started": records.iso(row.started),
            "ended": records.iso(row.ended),
            "reason": row.reason,
            "log": row.log,
        }
        for row in rows
    ]


def edits_of(snapshot: Snapshot, number: int) -> list[dict[str, Any]]:
    """Give the edits of a search, oldest first."""
    rows = snapshot.execute(select(edits).where(edits.c.search_id == number).order_by(edits.c.id))
    return [
        {
            "version": row.version,
            "created": records.iso(row.created),
            "proposed": row.proposed,
            "before": orjson.loads(row.before),
            "after": orjson.loads(row.after),
        }
        for row in rows
    ]


def agents_seen(snapshot: Snapshot, since: float) -> list[dict[str, Any]]:
    """Give the agents that are alive, and those lost since a time, with what they hold."""
    a = agents.c
    rows = snapshot.execute(
        select(agents).where((a.state == "alive") | (a.seen > since)).order_by(a.started, a.id)
    ).all()
    held: dict[str, list[str]] = {}
    for one in snapshot.execute(select(t.agent, t.search_id, t.number).where(t.agent.is_not(None), HELD)):
        held.setdefault(one.agent, []).append(f"{one.search_id}.{one.number}")
    return [
        {
            "id": row.id,
            "host": row.host,
            "pid": row.pid,
            "engine": row.engine,
            "version": row.version,
            "trainers": orjson.loads(row.trainers),
            "state": row.state,
            "started": records.iso(row.started),
            "seen": records.iso(row.seen),
            "holding": held.get(row.id, []),
            "reason": row.reason,
        }
        for row in rows
    ]
