"""Reads of searches, trials and agents, as frozen values: times in seconds since 1970, documents as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row, Select, and_, func, select

from caviar.exchange.wire import Slot
from caviar.service.errors import NotFoundError
from caviar.service.ids import TrialId
from caviar.service.store import bulk, datasets, slots, starting_models
from caviar.service.store import searches as search_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import HELD, agents, attempts, searches, trials
from caviar.trial_fields import STATES, StoredTrial

s, t = searches.c, trials.c
RATE_SECONDS = 10.0
FAILURES = 100  # trials looked at for the reasons why a search fails
REASONS = 5
_BEST = and_(t.search_id == s.id, t.number == s.best_number)
SEARCH = select(searches, t.params.label("best_params")).select_from(searches.outerjoin(trials, _BEST))


@dataclass(frozen=True)
class SearchSummary:
    """A search and what its trials and the agents say of it."""

    row: StoredSearch
    best_params: str | None
    rate: float | None  # trials ended per second
    failures: tuple[tuple[str, int], ...]  # reasons and how many, the commonest first
    trainers: frozenset[str]  # of the agents that it waits for; empty where one takes any
    slots: Sequence[Slot | None]  # of the same
    target: datasets.Target  # of the data set of an `mlp`, as far as it tells
    ran: float | None  # seconds, pauses left out; None before it starts
    start: starting_models.Start | None  # what its trials start from


class StoredAttempt(NamedTuple):
    """An attempt that did not end its trial, or ended it as failed."""

    attempt: int
    agent: str | None
    epoch: int
    started: float | None
    ended: float
    reason: str
    log: str | None


@dataclass(frozen=True)
class AgentSeen:
    """An agent and the trials in its hands."""

    id: str
    host: str
    pid: int
    engine: str
    version: str
    trainers: list[str]
    state: str
    started: float
    seen: float
    holding: list[str]
    reason: str | None
    suspended: str | None
    slot: Slot | None
    device: str | None


def search(snapshot: Snapshot, number: int, now: float) -> SearchSummary:
    """Return a search with its summary. Raises NotFoundError."""
    found = find_search(snapshot, number, now)
    if found is None:
        raise NotFoundError(f"there is no search {number}")
    return found


def find_search(snapshot: Snapshot, number: int, now: float) -> SearchSummary | None:
    """Return a search with its summary, or None."""
    row = snapshot.execute(SEARCH.where(s.id == number)).first()
    return None if row is None else summary(snapshot, row, now)


def summary(snapshot: Snapshot, found: Row[*tuple[Any, ...]], now: float) -> SearchSummary:
    """Return the summary of a row that `SEARCH` gave."""
    row = StoredSearch._make(found[:-1])
    spec = orjson.loads(row.spec)
    mlp = spec.get("trainer", "mlp") == "mlp"
    return SearchSummary(
        row,
        found.best_params,
        _rate(snapshot, row, now),
        _failures(snapshot, row),
        _can(snapshot, row),
        _slots(snapshot, row),
        datasets.target_of_search(snapshot, spec),
        None if row.started is None else round(search_rows.time_run(row, now), 3),
        starting_models.start_of(snapshot, spec.get("settings") or {}) if mlp else None,
    )


def _can(snapshot: Snapshot, row: StoredSearch) -> frozenset[str]:
    """Name the trainers of the agents alive, for a search that waits; none where an agent takes any."""
    if row.switch != "active" or row.ended is not None or row.running:
        return frozenset()
    alive = snapshot.execute(select(agents.c.trainers).where(agents.c.state == "alive").distinct())
    lists = [orjson.loads(text) for text in alive.scalars()]
    return frozenset().union(*lists) - {"external"} if all(lists) else frozenset()


def _slots(snapshot: Snapshot, row: StoredSearch) -> list[Slot | None]:
    """Return the slots of the agents alive, for a search that waits."""
    if row.switch != "active" or row.ended is not None or row.running:
        return []
    return slots.alive(snapshot)


def _failures(snapshot: Snapshot, row: StoredSearch) -> tuple[tuple[str, int], ...]:
    """Return the commonest reasons why the newest trials that failed did so."""
    if not row.failed:
        return ()
    newest = select(t.reason).where(t.search_id == row.id, t.state == "failed").order_by(t.number.desc())
    reasons = Counter(snapshot.execute(newest.limit(FAILURES)).scalars())
    return tuple((reason or "no reason given", count) for reason, count in reasons.most_common(REASONS))


def _rate(snapshot: Snapshot, row: StoredSearch, now: float) -> float | None:
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


def best(snapshot: Snapshot, number: int, count: int) -> list[StoredTrial]:
    """Return the best trials of a search, best first; of equal values the lower number first.

    Raises NotFoundError.
    """
    row = search_rows.get(snapshot, number)
    maximize = orjson.loads(row.spec).get("objective", {}).get("direction") == "maximize"
    order = (t.value.desc(), t.number) if maximize else (t.value, t.number)
    query = select(trials).where(
        t.search_id == number, t.value.is_not(None), t.state.in_(("completed", "stopped"))
    )
    return trials_of(snapshot, query.order_by(*order).limit(count))


def all_trials(snapshot: Snapshot, number: int) -> list[StoredTrial]:
    """Return all trials of a search by number."""
    return trials_of(snapshot, select(trials).where(t.search_id == number).order_by(t.number))


def reevaluations(snapshot: Snapshot, number: int, first: int) -> list[StoredTrial]:
    """Return the fresh trainings of a search's leaders by number; those numbered from `first` on are."""
    query = select(trials).where(t.search_id == number, t.number >= first, t.origin == "reevaluation")
    return trials_of(snapshot, query.order_by(t.number))


def values(snapshot: Snapshot, number: int, below: int) -> tuple[list[int], list[float]]:
    """Return numbers and values of the trials numbered below a bound that have a value, in any one order."""
    query = select(t.number, t.value).where(t.search_id == number, t.value.is_not(None), t.number < below)
    numbers, found = bulk.read(snapshot, query)
    return numbers, found


def results(snapshot: Snapshot, number: int, most: int) -> Sequence[Any]:
    """Return number, value and metrics of the first `most` trials that have a value, by number."""
    query = select(t.number, t.value, t.metrics).where(t.search_id == number, t.value.is_not(None))
    return snapshot.execute(query.order_by(t.number).limit(most)).all()


def params_of(snapshot: Snapshot, number: int, which: Sequence[int]) -> dict[int, str]:
    """Return the points of some trials by number, as JSON."""
    found: dict[int, str] = {}
    for start in range(0, len(which), 500):
        query = select(t.number, t.params).where(
            t.search_id == number, t.number.in_(which[start : start + 500])
        )
        found |= {row.number: row.params for row in snapshot.execute(query)}
    return found


def changed_trials(snapshot: Snapshot, number: int, after: int, limit: int) -> list[StoredTrial]:
    """Return the trials of a search that changed after a revision, in the order of their last change."""
    query = select(trials).where(t.search_id == number, t.revision > after)
    return trials_of(snapshot, query.order_by(t.revision).limit(limit))


def trials_of(snapshot: Snapshot, query: Select[*tuple[Any, ...]]) -> list[StoredTrial]:
    """Return what a `select(trials)` finds."""
    return list(map(StoredTrial._make, snapshot.execute(query)))


def attempts_of(snapshot: Snapshot, trial: TrialId) -> list[StoredAttempt]:
    """Return the attempts of a trial that did not end it, or ended it as failed, in order."""
    a = attempts.c
    columns = [a[name] for name in StoredAttempt._fields]
    query = select(*columns).where(a.search_id == trial.search, a.number == trial.number)
    return list(map(StoredAttempt._make, snapshot.execute(query.order_by(a.attempt))))


def agents_seen(snapshot: Snapshot, since: float) -> list[AgentSeen]:
    """Return the agents that are alive, and those lost since a time, with what they hold."""
    a = agents.c
    rows = snapshot.execute(
        select(agents).where((a.state == "alive") | (a.seen > since)).order_by(a.started, a.id)
    ).all()
    held: dict[str, list[str]] = {}
    for one in snapshot.execute(select(t.agent, t.search_id, t.number).where(t.agent.is_not(None), HELD)):
        held.setdefault(one.agent, []).append(f"{one.search_id}.{one.number}")
    return [
        AgentSeen(
            id=row.id,
            host=row.host,
            pid=row.pid,
            engine=row.engine,
            version=row.version,
            trainers=orjson.loads(row.trainers),
            state=row.state,
            started=row.started,
            seen=row.seen,
            holding=held.get(row.id, []),
            reason=row.reason,
            suspended=row.suspended,
            slot=slots.read_slot(row.slot),
            device=row.device,
        )
        for row in rows
    ]


def busy_agents(snapshot: Snapshot) -> int:
    """Return how many agents have trials in hand."""
    query = select(func.count(t.agent.distinct())).where(t.agent.is_not(None), HELD)
    return int(snapshot.execute(query).scalar_one())


def counts(snapshot: Snapshot) -> tuple[dict[str, int], int]:
    """Return how many trials of all searches are in each state, and how many agents are alive."""
    columns = [func.coalesce(func.sum(s[state]), 0) for state in STATES]
    found = map(int, snapshot.execute(select(*columns)).one())
    alive = select(func.count()).select_from(agents).where(agents.c.state == "alive")
    return dict(zip(STATES, found, strict=True)), int(snapshot.execute(alive).scalar_one())
