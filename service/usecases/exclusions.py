"""Results that a person takes out, because they are wrong, and puts back.

The trial keeps its state, its curve and its files. Its value does not count any more: strategies, leaders,
stopping rules and pictures see a trial without one. What is proposed from then on is a function of the search
and of its edits, in which every exclusion stands.
"""

from __future__ import annotations

from typing import Any

from caviar.service.errors import ConflictError
from caviar.service.ids import TrialId
from caviar.service.store import audit
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.audit import Action
from caviar.service.store.transaction import Transaction
from caviar.service.usecases.proposer import Proposer
from caviar.trial_fields import ENDED


def exclude(tx: Transaction, proposer: Proposer, trial: TrialId, why: str, who: str) -> None:
    """Take a trial's result out. Raises NotFoundError, ConflictError where there is none, or it is out."""
    row = trial_rows.get(tx, trial)
    if row.state not in ENDED:
        raise ConflictError(f"trial {trial} is {row.state}: no result yet; stop it, or wait for its end")
    if row.state == "cancelled":
        raise ConflictError(f"trial {trial} was cancelled: it has no result")
    if row.excluded is not None:
        raise ConflictError(f"trial {trial} is excluded already: {row.excluded}")
    trial_rows.put_aside(tx, row, why, who)
    _follow(tx, proposer, trial, "exclude", None, {"why": why, "by": who})


def include(tx: Transaction, proposer: Proposer, trial: TrialId, who: str) -> None:
    """Put a result that was taken out back. Raises NotFoundError, ConflictError where it is not out."""
    row = trial_rows.get(tx, trial)
    if row.excluded is None:
        raise ConflictError(f"trial {trial} is not excluded")
    trial_rows.put_aside(tx, row, None, who)
    before = {"why": row.excluded, "by": row.excluded_by}
    _follow(tx, proposer, trial, "include", before, {"included": True, "by": who})


def _follow(
    tx: Transaction,
    proposer: Proposer,
    trial: TrialId,
    what: Action,
    before: dict[str, Any] | None,
    after: dict[str, Any],
) -> None:
    """Record it as an edit, find the best anew, and have proposals start from what counts now."""
    search = search_rows.get(tx, trial.search)
    field = f"trial {trial.number}"
    audit.record(
        tx,
        what,
        trial,
        before={field: before},
        after={field: after},
        version=search.version + 1,
        proposed=search.proposed,
    )
    search_rows.renew_best(tx, search.id, proposer.spec(tx, search).objective.direction)
    search_rows.change(tx, search.id, version=search.version + 1)
    proposer.forget(search.id)
    tx.wake = True
