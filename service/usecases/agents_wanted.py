"""How many agents the searches could use now: for those who start some, and let them go again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from caviar.search.resources import Resources
from caviar.search.spec import SearchSpec
from caviar.service.store import reads
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases.trial_cache import ended_before


@dataclass(frozen=True)
class AgentsWanted:
    """Agents that are wanted besides those that have trials in hand, and those."""

    wanted: int
    busy: int
    slots: Mapping[Resources, int] = field(default_factory=dict)  # `wanted` by what the trials need


def agents_wanted(snapshot: Snapshot) -> AgentsWanted:
    """Count the trials that could start now, queued or yet to be proposed, within what searches allow."""
    found = search_rows.open_searches(snapshot)
    first_open = trial_rows.first_open(snapshot, [row.id for row, _ in found])
    slots: Counter[Resources] = Counter()
    for row, agents in found:
        limited = row.mode != "panda"  # there a fork is wanted beside its parent, whatever `parallel` says
        places = max(0, row.parallel - agents) if limited else row.total
        wanted = row.queued if not limited else min(row.queued, places)
        wanted += _may_be_proposed(row, first_open.get(row.id, row.proposed), places - row.queued)
        if wanted:
            slots[_parsed(row.spec).resources] += wanted
    return AgentsWanted(slots.total(), reads.busy_agents(snapshot), slots)


def _may_be_proposed(row: StoredSearch, frontier: int, most: int) -> int:
    """Count the next trials of which everything has ended that their proposals look at, up to a number."""
    spec = _parsed(row.spec)
    numbers = range(row.proposed, min(row.total, row.proposed + max(0, most)))
    if not spec.reproducible:
        return len(numbers)
    count = 0
    while count < len(numbers) and ended_before(spec, numbers[count], row.by_hand) <= frontier:
        count += 1
    return count


@lru_cache(maxsize=1000)
def _parsed(text: str) -> SearchSpec:
    return SearchSpec.parse(orjson.loads(text))
