"""A search whose trials all fail alike pauses itself: the rest of its budget would fail too."""

from __future__ import annotations

from caviar.service.store import audit
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredSearch
from caviar.service.store.transaction import Transaction

MOST = 5  # trials that may fail for one reason while none comes to anything


def pause_if_all_fail(tx: Transaction, row: StoredSearch) -> bool:
    """Pause a search of which nothing but one and the same failure has come; return whether that was done.

    Resumed or edited, it is given as many trials again.
    """
    if row.failed < MOST or row.completed or row.stopped or row.diverged:
        return False
    first = audit.proposed_when_edited(tx, row.id)
    reasons = trial_rows.reasons_of_failures(tx, row.id, first, MOST)
    if len(reasons) < MOST or len(set(reasons)) > 1:
        return False
    search_rows.pause(tx, row, f"{row.failed} trials failed and none succeeded: {reasons[0]}")
    return True
