"""Writes of agents and their leases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Table, bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from caviar.exchange.wire import Agent, InTraining
from caviar.service.ids import TrialId
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import HELD, agents, searches, trials
from caviar.service.store.transaction import Transaction

a, t = agents.c, trials.c
_CREDENTIALS = select(a.id, a.credential).where(a.id.in_(bindparam("ids", expanding=True)))
_BIND = (
    update(agents)
    .where(a.id == bindparam("b_agent"), a.credential.is_(None))
    .values(credential=bindparam("b_credential"))
)


_FRESH = ("state", "reason", "seen", "lease_until", "training", "training_since", "epoch_since")
_LIFE = select(a.started, a.seen, a.training, a.training_since).where(a.id == bindparam("agent"))


class Standing(NamedTuple):
    """What is known of an agent that exchanges: who proves to be it, and how its trials came out."""

    credential: str | None  # None: it has shown nothing yet
    streak: int  # trials in a row that have failed on it
    suspended: str | None  # why it is given no more


class LostAgent(NamedTuple):
    """What was last heard of an agent; `training` is a trial and an attempt as 3.17/1."""

    started: float
    seen: float
    training: str | None
    training_since: float | None


def _renewal(insert: Callable[[Table], Any]) -> Any:
    statement = insert(agents)
    fresh = {name: statement.excluded[name] for name in _FRESH}
    renewed = statement.on_conflict_do_update(index_elements=["id"], set_=fresh)
    return renewed.returning(a.id, *(a[name] for name in Standing._fields))


_RENEW = {"sqlite": _renewal(sqlite.insert), "postgresql": _renewal(postgresql.insert)}


def renew(
    tx: Transaction, alive: Iterable[tuple[Agent, InTraining | None]], lease: float
) -> dict[str, Standing]:
    """Renew the leases of agents, with what each trains; one that is not known yet is made known.

    Returns by agent what is known of it: a statement less for each exchange.
    """
    times = {"started": tx.now, "seen": tx.now, "lease_until": tx.now + lease}
    rows = [
        {
            "id": agent.id,
            "host": agent.host,
            "pid": agent.pid,
            "engine": agent.engine,
            "version": agent.version,
            "trainers": orjson.dumps(agent.trainers).decode(),
            "slot": None if agent.slot is None else agent.slot.model_dump_json(),
            "device": agent.device,
            "state": "alive",
            "reason": None,  # of an earlier loss: it is there again
            "training": training and f"{training.trial}/{training.attempt}",
            "training_since": training and tx.now - training.seconds,
            "epoch_since": None if training is None or training.quiet is None else tx.now - training.quiet,
            **times,
        }
        for agent, training in alive
    ]
    return {name: Standing._make(rest) for name, *rest in tx.execute(_RENEW[tx.dialect], rows)}


def renew_living(tx: Transaction, agent: str, lease: float) -> bool:
    """Renew the lease of an agent that has one; return whether it has."""
    times = {"seen": tx.now, "lease_until": tx.now + lease}
    done = tx.execute(update(agents).where(a.id == agent, a.state == "alive").values(**times))
    return bool(done.rowcount)


def last_heard(tx: Transaction, agent: str) -> LostAgent | None:
    """Return what was last heard of an agent, None of one that never spoke."""
    row = tx.execute(_LIFE, {"agent": agent}).first()
    return None if row is None else LostAgent._make(row)


class Training(NamedTuple):
    """What an agent alive trains, with what its search says; times in seconds since 1970."""

    agent: str
    trial: TrialId
    attempt: int
    since: float
    epoch_since: float | None
    trained: float  # seconds, in attempts before
    epoch: int
    started: float | None
    seen: float  # when the agent was last heard
    spec: str  # JSON


def training_with_limits(snapshot: Snapshot) -> list[Training]:
    """Return what agents alive train of searches whose trials have limits of time."""
    trial = (t.search_id, t.number, t.attempt, t.trained, t.epoch, t.started, searches.c.spec)
    query = (
        select(a.id, a.engine, a.seen, a.training, a.training_since, a.epoch_since, *trial)
        .join_from(trials, agents, a.id == t.agent)
        .join(searches, searches.c.id == t.search_id)
        .where(t.agent.is_not(None), HELD, a.state == "alive", searches.c.spec.contains('"limits"'))
    )
    found = []
    for row in snapshot.execute(query):
        name = TrialId.of(row)
        since, epoch_since = row.training_since, row.epoch_since
        if row.training != f"{name}/{row.attempt}":
            if row.engine != "script":  # it waits behind the one in training
                continue
            since = epoch_since = row.started  # not heard since it was claimed
        times = (since, epoch_since, row.trained or 0.0)
        found.append(Training(row.id, name, row.attempt, *times, row.epoch, row.started, row.seen, row.spec))
    return found


def expired(tx: Transaction) -> Sequence[str]:
    """Name the agents whose lease has run out."""
    query = select(a.id).where(a.state == "alive", a.lease_until < tx.now)
    return tx.execute(query).scalars().all()


def any_alive(tx: Transaction) -> bool:
    """Return whether there is a lease to watch."""
    return tx.execute(select(a.id).where(a.state == "alive").limit(1)).first() is not None


def mark(tx: Transaction, agent: str, state: str, reason: str) -> None:
    """Write that an agent is lost, or has left."""
    tx.execute(update(agents).where(a.id == agent).values(state=state, reason=reason))


def last_sign_of_life(tx: Transaction) -> float | None:
    """Return when any server last heard any agent that lives; None where there is none."""
    return tx.execute(select(func.max(a.seen)).where(a.state == "alive")).scalar()


def extend_all(tx: Transaction, seconds: float, lease: float) -> None:
    """Add to the lease of every agent; none has more than a full one from now, or was heard in the future."""
    longer, full = a.lease_until + seconds, tx.now + lease
    new = case((longer > full, full), else_=longer)
    seen = case((a.seen > tx.now, tx.now), else_=a.seen)
    tx.execute(update(agents).where(a.state == "alive").values(lease_until=new, seen=seen))


def credentials(snapshot: Snapshot, ids: Collection[str]) -> dict[str, str | None]:
    """Return what proves each agent that is known; None of one that has shown nothing yet."""
    return {row.id: row.credential for row in snapshot.execute(_CREDENTIALS, {"ids": list(ids)})}


def bind(tx: Transaction, shown: Mapping[str, str]) -> None:
    """Keep what agents have shown first; what one is bound to already stays."""
    rows = [{"b_agent": agent, "b_credential": credential} for agent, credential in shown.items()]
    tx.execute(_BIND, rows)


def holder(snapshot: Snapshot, trial: TrialId) -> tuple[str, str | None] | None:
    """Return the agent in whose hands a running trial is, and what proves it."""
    query = select(a.id, a.credential).join(trials, t.agent == a.id)
    row = snapshot.execute(
        query.where(t.search_id == trial.search, t.number == trial.number, t.state == "running")
    ).first()
    return None if row is None else (row.id, row.credential)


def held(snapshot: Snapshot, credential: str) -> list[tuple[TrialId, str | None]]:
    """Return the trials in the hands of the agents that this proves, with where each branched off."""
    query = select(t.search_id, t.number, t.change_log).join(agents, t.agent == a.id)
    found = snapshot.execute(query.where(a.credential == credential, t.state == "running"))
    return [(TrialId(search, number), log) for search, number, log in found]


def change_log_of(snapshot: Snapshot, trial: TrialId) -> str | None:
    """Return where a trial branched off; None for one that did not, or is gone."""
    query = select(t.change_log).where(t.search_id == trial.search, t.number == trial.number)
    return snapshot.execute(query).scalar()


def alive_of(snapshot: Snapshot, engine: str, host: str) -> list[tuple[str, int]]:
    """Return id and process number of the living agents that an engine started on a host."""
    query = select(a.id, a.pid).where(a.state == "alive", a.engine == engine, a.host == host)
    return [(row.id, row.pid) for row in snapshot.execute(query)]


def lost_among(snapshot: Snapshot, agents: Collection[str]) -> Sequence[str]:
    """Return which of these agents are lost."""
    query = select(a.id).where(a.state == "lost", a.id.in_(agents))
    return snapshot.execute(query).scalars().all()
