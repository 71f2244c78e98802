"""What is ended by the clock: searches whose seconds are used up, and trials far beyond their own limits.

Agents end a trial at its limit by themselves, and supervisors end agents that do not. What is left are
scripts that hang, and machines that nobody supervises: their trials fail a lease later.
"""

from __future__ import annotations

import logging

import orjson

from caviar.exchange.limit_reasons import too_long, too_silent
from caviar.search.limits import Limits
from caviar.service.store import agents as agent_rows
from caviar.service.store import attempts
from caviar.service.store import commands as command_rows
from caviar.service.store import searches as search_rows
from caviar.service.store.agents import Training
from caviar.service.store.attempts import EndedAttempt, Release
from caviar.service.store.database import Database
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import budgets
from caviar.service.usecases.proposer import Proposer

SHORTEST = 0.05  # seconds between two looks
log = logging.getLogger(__name__)


async def enforce(store: Database, proposer: Proposer, lease: float, longest: float) -> float:
    """End what is due; return the seconds until the next look, `longest` at most.

    Raises UnavailableError.
    """

    def due(snapshot: Snapshot) -> tuple[float | None, bool]:
        deadline, now = search_rows.next_deadline(snapshot), store.now(snapshot)
        return None if deadline is None else deadline - now, bool(_overdue(snapshot, now, lease))

    left, late = await store.read(due)
    if late:
        await store.write(lambda tx: fail_overdue(tx, proposer, lease))
    if left is not None and left <= 0:
        await store.write(lambda tx: budgets.end_by_time(tx, proposer))
        return SHORTEST
    return longest if left is None else min(longest, max(SHORTEST, left))


def _overdue(snapshot: Snapshot, now: float, lease: float) -> list[tuple[Training, str]]:
    """Return the trials that have let a limit of time pass by more than a lease, with what to say of each.

    Their agents told how far they are until they were last heard: while no server could hear them, they may
    have trained on, ended the trial and begun another.
    """
    found = []
    for one in agent_rows.training_with_limits(snapshot):
        limits = Limits.model_validate(orjson.loads(one.spec).get("limits") or {})
        seconds, silent = limits.seconds, limits.silent_seconds
        known = min(now, one.seen + lease)
        if seconds is not None and one.trained + known - one.since > seconds + lease:
            found.append((one, too_long(seconds)))
        elif silent is not None and one.epoch_since is not None and known - one.epoch_since > silent + lease:
            found.append((one, too_silent(silent)))
    return found


def fail_overdue(tx: Transaction, proposer: Proposer, lease: float) -> None:
    """Fail these trials; their agents are told to drop them, and late results are refused."""
    overdue = _overdue(tx, tx.now, lease)
    for one, reason in overdue:
        trained = tx.now - one.since
        release = Release(*one.trial, one.attempt, "failed", reason, trained)
        failed = EndedAttempt(*one.trial, one.attempt, one.agent, one.epoch, one.started, tx.now, reason)
        attempts.record(tx, [failed])
        attempts.release(tx, [release])
        tx.move(one.trial.search, "running", "failed")
        log.warning("trial %s failed: %s, and its agent did not end it", one.trial, reason)
    command_rows.refuse_waiting(
        tx, {one.trial: command_rows.Ended("failed", one.epoch) for one, _ in overdue}
    )
    tx.settle()
    budgets.enforce(tx, proposer, sorted({one.trial.search for one, _ in overdue}))
    tx.wake = True
