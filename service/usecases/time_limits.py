"""What is ended by the clock: searches whose seconds are used up, and trials far beyond their own limits."""

from __future__ import annotations

from caviar.service.store import searches as search_rows
from caviar.service.store.database import Database
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import budgets
from caviar.service.usecases.proposer import Proposer

SHORTEST = 0.05  # seconds between two looks


async def enforce(store: Database, proposer: Proposer, lease: float, longest: float) -> float:
    """End what is due; return the seconds until the next look, `longest` at most.

    Raises UnavailableError.
    """

    def due(snapshot: Snapshot) -> float | None:
        deadline = search_rows.next_deadline(snapshot)
        return None if deadline is None else deadline - store.now(snapshot)

    left = await store.read(due)
    if left is not None and left <= 0:
        await store.write(lambda tx: budgets.end_by_time(tx, proposer))
        return SHORTEST
    return longest if left is None else min(longest, max(SHORTEST, left))
