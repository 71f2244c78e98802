"""Writes of agents and their leases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from service.store.tables import agents
from service.store.transaction import Transaction

a = agents.c
_RENEW = (
    update(agents)
    .where(a.id == bindparam("b_id"))
    .values(state="alive", seen=bindparam("now"), lease_until=bindparam("until"))
)


def renew(tx: Transaction, agent: Mapping[str, Any], lease: float) -> None:
    """Renew the lease of an agent, making it known first if it is new."""
    times = {"now": tx.now, "until": tx.now + lease}
    if tx.connection.execute(_RENEW, {"b_id": agent["id"], **times}).rowcount:
        return
    tx.connection.execute(
        insert(agents).values(**agent, state="alive", started=tx.now, seen=tx.now, lease_until=tx.now + lease)
    )


def expired(tx: Transaction) -> Sequence[str]:
    """Name the agents whose lease has run out."""
    query = select(a.id).where(a.state == "alive", a.lease_until < tx.now)
    return tx.connection.execute(query).scalars().all()


def mark(tx: Transaction, agent: str, state: str, reason: str) -> None:
    """Write that an agent is lost, or has left."""
    tx.connection.execute(update(agents).where(a.id == agent).values(state=state, reason=reason))


def extend_all(tx: Transaction, lease: float) -> None:
    """Give every agent a full lease from now: after a time in which nobody could have renewed."""
    tx.connection.execute(update(agents).where(a.state == "alive").values(lease_until=tx.now + lease))
