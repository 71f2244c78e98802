"""A search whose trials all fail alike pauses itself: the rest of its budget would fail too."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from caviar.service.store import searches as search_rows
from caviar.service.store.tables import edits, trials
from caviar.service.store.transaction import Transaction

MOST = 5  # trials that may fail for one reason while none comes to anything
t = trials.c


def paused(tx: Transaction, row: Row[Any]) -> bool:
    """Pause a search of which nothing but one and the same failure has come; say whether that was done.

    Resumed or edited, it is given as many trials again.
    """
    if row.failed < MOST or row.completed or row.stopped or row.diverged:
        return False
    newest = (
        select(t.reason)
        .where(t.search_id == row.id, t.state == "failed", t.number >= _begun(tx, row.id))
        .order_by(t.number.desc())
    )
    reasons = list(tx.execute(newest.limit(MOST)).scalars())
    if len(reasons) < MOST or len(set(reasons)) > 1:
        return False
    problem = f"{row.failed} trials failed and none came to anything: {reasons[0]}"
    search_rows.pause(tx, row, problem)
    return True


def _begun(tx: Transaction, search: int) -> int:
    """Give the number of the first trial after what a person last changed."""
    last = select(func.max(edits.c.proposed)).where(edits.c.search_id == search)
    return int(tx.execute(last).scalar() or 0)
