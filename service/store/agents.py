"""Writes of agents and their leases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from caviar.exchange.wire import Agent
from caviar.service.store.tables import agents
from caviar.service.store.transaction import Transaction

a = agents.c


def _renewal(insert: Callable[[Table], Any]) -> Any:
    statement = insert(agents)
    fresh = {name: statement.excluded[name] for name in ("state", "seen", "lease_until")}
    return statement.on_conflict_do_update(index_elements=["id"], set_=fresh)


_RENEW = {"sqlite": _renewal(sqlite.insert), "postgresql": _renewal(postgresql.insert)}


def renew(tx: Transaction, alive: Iterable[Agent], lease: float) -> None:
    """Renew the leases of agents; one that is not known yet is made known."""
    times = {"started": tx.now, "seen": tx.now, "lease_until": tx.now + lease}
    rows = [
        {
            "id": agent.id,
            "host": agent.host,
            "pid": agent.pid,
            "engine": agent.engine,
            "version": agent.version,
            "trainers": orjson.dumps(agent.trainers).decode(),
            "state": "alive",
            **times,
        }
        for agent in alive
    ]
    tx.execute(_RENEW[tx.dialect], rows)


def expired(tx: Transaction) -> Sequence[str]:
    """Name the agents whose lease has run out."""
    query = select(a.id).where(a.state == "alive", a.lease_until < tx.now)
    return tx.execute(query).scalars().all()


def any_alive(tx: Transaction) -> bool:
    """Tell whether there is a lease to watch."""
    return tx.execute(select(a.id).where(a.state == "alive").limit(1)).first() is not None


def mark(tx: Transaction, agent: str, state: str, reason: str) -> None:
    """Write that an agent is lost, or has left."""
    tx.execute(update(agents).where(a.id == agent).values(state=state, reason=reason))


def extend_all(tx: Transaction, lease: float) -> None:
    """Give every agent a full lease from now: after a time in which nobody could have renewed."""
    tx.execute(update(agents).where(a.state == "alive").values(lease_until=tx.now + lease))
