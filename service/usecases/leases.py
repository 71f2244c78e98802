"""Agents that are lost: their trials go back to the queue, or fail when they have been tried too often."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, func, select

from caviar.service.ids import TrialId
from caviar.service.store import agents as agent_rows
from caviar.service.store import commands as command_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.database import Database
from caviar.service.store.tables import HELD, attempts, trials
from caviar.service.store.transaction import Transaction

ATTEMPTS = 3  # lost without an epoch of progress; a trial that its agent hands back does not count
SERVER_ENDED = "its server ended"
WITH_SERVER = 20  # the same for losses together with the server: a trial is hardly ever what ended it
log = logging.getLogger(__name__)
t = trials.c
# Losses count while the trial gets no further: one that takes its agent down at the same place each time must
# not do so for ever, but a long one on machines that come and go advances from checkpoint to checkpoint.
_LOST = (
    select(func.count())
    .where(
        attempts.c.search_id == t.search_id,
        attempts.c.number == t.number,
        attempts.c.epoch >= t.epoch,
    )
    .correlate(trials)
)
_ALONE = _LOST.where(attempts.c.reason != SERVER_ENDED)
_COUNTS = (_LOST.scalar_subquery().label("lost"), _ALONE.scalar_subquery().label("lost_alone"))


class Sweeper:
    """The sweep, again and again; where it could not work for long, nobody could have renewed a lease either.

    The database was away, or this process stood still: then every agent first gets a full lease to come back.
    Else trials would be taken from agents that did nothing wrong, and fail after a few outages.
    """

    def __init__(self, lease: float, every: float) -> None:
        self._lease = lease
        self._longest = max(lease / 2, 3 * every)
        self._last: float | None = None  # on the database's clock

    async def sweep(self, store: Database) -> int:
        """Take back the trials of agents whose lease has run out; tell how many agents.

        Raises UnavailableError.
        """
        lost, self._last = await store.write(self._sweep)
        return lost

    def _sweep(self, tx: Transaction) -> tuple[int, float]:
        """Sweep; give the time too, which counts once this is committed."""
        if agent_rows.any_alive(tx):
            tx.revision()  # something to write: on a full disk a commit without it would succeed
        pause = 0.0 if self._last is None else tx.now - self._last
        if pause <= self._longest:
            return sweep(tx), tx.now
        log.warning("nothing could be written for %.0f s: every agent gets a new lease", pause)
        agent_rows.extend_all(tx, self._lease)
        return 0, tx.now


def sweep(tx: Transaction) -> int:
    """Take back the trials of agents whose lease has run out; tell how many agents."""
    lost = agent_rows.expired(tx)
    for agent in lost:
        agent_lost(tx, agent, "the lease ran out")
    return len(lost)


def agent_lost(tx: Transaction, agent: str, reason: str) -> int:
    """Take back the trials of an agent that is gone; tell how many.

    Attempt and state are part of the statement: a trial that has ended meanwhile stays as it is.
    """
    agent_rows.mark(tx, agent, "lost", reason)
    rows = tx.execute(select(trials, *_COUNTS).where(t.agent == agent, HELD).with_for_update(of=trials)).all()
    if not rows:
        return 0
    trial_rows.record_attempts(tx, [_attempt(tx, row, reason) for row in rows])
    trial_rows.release(tx, [_released(tx, row, reason) for row in rows])
    for row in rows:
        tx.move(row.search_id, row.state, "failed" if _given_up(row, reason) else "queued")
        log.warning(
            "agent %s was lost (%s)",
            agent,
            reason,
            extra={
                "search": row.search_id,
                "trial": f"{row.search_id}.{row.number}",
                "attempt": row.attempt,
            },
        )
    failed = [row for row in rows if _given_up(row, reason)]
    command_rows.refuse_waiting(tx, {TrialId(row.search_id, row.number): "failed" for row in failed})
    tx.wake = True
    return len(rows)


def agent_left(tx: Transaction, agent: str) -> int:
    """Take back the trials of an agent that says goodbye; tell how many. None of them counts as lost."""
    agent_rows.mark(tx, agent, "left", "it ended")
    held = trial_rows.held_by(tx, [agent])[agent]
    hand_back(tx, {trial: row.attempt for trial, row in held.items()})
    return len(held)


def hand_back(tx: Transaction, held: Mapping[TrialId, int]) -> None:
    """Queue trials again that were in agents' hands, with the attempt; none of them counts as lost."""
    nothing = {"new_state": "queued", "new_reason": None, "new_ended": None}
    trial_rows.release(
        tx,
        [
            {"b_search": trial.search, "b_number": trial.number, "b_attempt": attempt, **nothing}
            for trial, attempt in held.items()
        ],
    )
    for trial in held:
        tx.move(trial.search, "running", "queued")
    tx.wake |= bool(held)


def _given_up(row: Row[Any], reason: str) -> bool:
    """Tell whether a trial that is lost once more has been tried too often."""
    alone = int(row.lost_alone) + (reason != SERVER_ENDED)
    return alone >= ATTEMPTS or int(row.lost) + 1 >= WITH_SERVER


def _attempt(tx: Transaction, row: Row[Any], reason: str) -> dict[str, Any]:
    return {
        "search_id": row.search_id,
        "number": row.number,
        "attempt": row.attempt,
        "agent": row.agent,
        "epoch": row.epoch,
        "started": row.started,
        "ended": tx.now,
        "reason": reason,
    }


def _released(tx: Transaction, row: Row[Any], reason: str) -> dict[str, Any]:
    failed = _given_up(row, reason)
    return {
        "b_search": row.search_id,
        "b_number": row.number,
        "b_attempt": row.attempt,
        "new_state": "failed" if failed else "queued",
        "new_reason": f"given up after {row.lost + 1} attempts lost without progress: {reason}"
        if failed
        else None,
        "new_ended": tx.now if failed else None,
    }
