"""Which agents have a slot for the trials of which searches."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from caviar.exchange.wire import Agent, Slot
from caviar.search.resources import ONE_CPU, Resources
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import HELD, agents, trials

a, t = agents.c, trials.c


def resources_of(slot: Slot | None) -> Resources:
    """Return what a slot has; an agent that says nothing has one CPU."""
    if slot is None:
        return ONE_CPU
    return Resources.model_construct(cpus=slot.cpus, gpus=slot.gpus, custom=dict(sorted(slot.custom.items())))


def has_slot(agent: Agent, wanted: Resources) -> bool:
    """Return whether an agent may take trials that need so much.

    A script that was started for its searches is asked for nothing: a person chose the machine.
    """
    return agent.searches is not None or fits(agent.slot, wanted)


def fits(slot: Slot | None, wanted: Resources) -> bool:
    """Return whether a slot is for trials that need so much."""
    found = resources_of(slot)
    return found == wanted if slot is not None and slot.exact else wanted.within(found)


def read_slot(text: str | None) -> Slot | None:
    """Return a slot as the table of agents keeps it."""
    return None if text is None else Slot.model_validate_json(text)


def alive(snapshot: Snapshot) -> list[Slot | None]:
    """Return the slots that the agents alive have, each once."""
    rows = snapshot.execute(select(a.slot).where(a.state == "alive").distinct())
    return [read_slot(text) for text in rows.scalars()]


def busy(snapshot: Snapshot, engine: str) -> Counter[Resources]:
    """Count the agents of an engine that have trials in hand, by what their slots have."""
    query = select(a.id, a.slot).join(trials, t.agent == a.id)
    rows = snapshot.execute(query.where(a.engine == engine, t.agent.is_not(None), HELD).distinct())
    return Counter(resources_of(read_slot(row.slot)) for row in rows)
