"""How the trials of a search came out on each agent, and which agents are given no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import and_, bindparam, select, update

from caviar.search.resources import Resources
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.summary import agents_alive
from caviar.service.store.tables import ENDED, agents, attempts, trials
from caviar.service.store.transaction import Transaction

MACHINE = "machine"  # the cause of an attempt that failed and is tried elsewhere before it counts
NEWEST = 500  # trials of a search that are looked at
PATIENCE = 60.0  # seconds for which an agent waits until a trial that failed on it has been tried elsewhere

a, t, k = agents.c, trials.c, attempts.c
_SET_STREAK = update(agents).where(a.id == bindparam("b_agent")).values(streak=bindparam("new_streak"))
_DOUBTFUL = select(a.id, a.suspended).where(
    a.id.in_(bindparam("asking", expanding=True)),
    a.suspended.is_not(None) | (a.streak >= bindparam("streaks")),
)
_ELSEWHERE = select(k.agent).where(
    k.search_id == bindparam("search"), k.number == bindparam("number"), k.cause == MACHINE
)


class Record(NamedTuple):
    """How many trials an agent has trained to an end, and how many of them failed by its doing, maybe."""

    trials: int
    failures: int


def set_streaks(tx: Transaction, streaks: Mapping[str, int]) -> None:
    """Write how many trials in a row have failed on agents."""
    if streaks:
        tx.execute(_SET_STREAK, [{"b_agent": agent, "new_streak": count} for agent, count in streaks.items()])


def failed_on(snapshot: Snapshot, search: int, number: int) -> list[str]:
    """Return the agents on which a trial has failed that was then tried elsewhere."""
    return list(snapshot.execute(_ELSEWHERE, {"search": search, "number": number}).scalars())


def others_can(snapshot: Snapshot, agent: str, trainer: str, wanted: Resources) -> bool:
    """Return whether another agent, alive and not suspended, has the trainer and a slot."""
    able = set(agents_alive(snapshot, trainer, wanted)) - {agent}
    return bool(able - set(snapshot.execute(select(a.id).where(a.suspended.is_not(None))).scalars()))


def records(snapshot: Snapshot, search: int) -> dict[str, Record]:
    """Return how the newest trials of a search came out on each agent.

    One that failed on an agent and not elsewhere counts against the agent; one that failed there too, which
    is the point's doing, counts for nobody. Neither does what was before a person trusted an agent again.
    """
    newest = (
        select(t.number, t.agent, t.state, t.ended)
        .where(t.search_id == search, t.state.in_(ENDED), t.state != "cancelled")
        .order_by(t.ended.desc())
        .limit(NEWEST)
    )
    found = {row.number: row for row in snapshot.execute(newest)}
    again = select(k.number, k.agent, k.ended).where(k.search_id == search, k.cause == MACHINE)
    retried = [row for row in snapshot.execute(again) if row.number in found]
    trusted = snapshot.execute(select(a.id, a.trusted).where(a.trusted.is_not(None)))
    since = {row.id: row.trusted for row in trusted}
    numbers = {row.number for row in retried}
    ends = [
        (row.agent, row.ended, row.state == "failed")
        for row in found.values()
        if row.agent is not None and not (row.number in numbers and row.state == "failed")
    ]
    ends += [(row.agent, row.ended, True) for row in retried if found[row.number].state != "failed"]
    kept = [(agent, failed) for agent, ended, failed in ends if ended > since.get(agent, 0.0)]
    all_of, failed_of = Counter(agent for agent, _ in kept), Counter(agent for agent, bad in kept if bad)
    return {agent: Record(count, failed_of[agent]) for agent, count in all_of.items()}


def given_nothing(tx: Transaction, asking: Collection[str], streaks: int) -> set[str]:
    """Return which of these agents are suspended, or wait until a trial has been tried elsewhere."""
    if not asking:
        return set()
    doubtful = tx.execute(_DOUBTFUL, {"asking": list(asking), "streaks": streaks})
    found = {row.id: row.suspended for row in doubtful}
    nothing = {agent for agent, suspended in found.items() if suspended is not None}
    if len(nothing) < len(found):
        same = and_(t.search_id == k.search_id, t.number == k.number)
        waiting = (
            select(k.agent)
            .join(trials, same)
            .where(k.agent.in_(list(found)), k.cause == MACHINE, t.state.not_in(ENDED))
            .where(k.ended > tx.now - PATIENCE)
        )
        nothing |= set(tx.execute(waiting).scalars())
    return nothing


def suspend(tx: Transaction, agent: str, why: str) -> bool:
    """Give an agent no more trials, with the reason; return whether that is new."""
    alive = and_(a.id == agent, a.state == "alive", a.suspended.is_(None))
    return bool(tx.execute(update(agents).where(alive).values(suspended=why)).rowcount)


def trust(tx: Transaction, agent: str) -> bool:
    """Give an agent trials again, its record forgotten; return whether there is such an agent."""
    values = {"suspended": None, "trusted": tx.now, "streak": 0}
    tx.wake = True
    return bool(tx.execute(update(agents).where(a.id == agent).values(values)).rowcount)


def suspended(snapshot: Snapshot) -> int:
    """Count the agents alive that are given no trials."""
    query = select(a.id).where(a.state == "alive", a.suspended.is_not(None))
    return len(snapshot.execute(query).all())
