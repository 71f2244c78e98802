"""Agents that are lost: their trials go back to the queue, or fail when they have been tried too often."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from caviar.service.ids import TrialId
from caviar.service.store import agents as agent_rows
from caviar.service.store import attempts
from caviar.service.store import commands as command_rows
from caviar.service.store.attempts import SERVER_ENDED, EndedAttempt, Release
from caviar.service.store.database import Database
from caviar.service.store.rows import LostTrial
from caviar.service.store.transaction import Transaction

ATTEMPTS = 3  # lost without an epoch of progress; a trial that its agent hands back does not count
WITH_SERVER = 20  # the same for losses together with the server: a trial is hardly ever what ended it
log = logging.getLogger(__name__)


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
    lost = attempts.lost_with(tx, agent)
    if not lost:
        return 0
    attempts.record(tx, [_ended(tx, one, reason) for one in lost])
    attempts.release(tx, [_released(one, reason) for one in lost])
    for one in lost:
        tx.move(one.search_id, "running", "failed" if _given_up(one, reason) else "queued")
        log.warning(
            "agent %s was lost (%s)",
            agent,
            reason,
            extra={"search": one.search_id, "trial": str(TrialId.of(one)), "attempt": one.attempt},
        )
    command_rows.refuse_waiting(tx, {TrialId.of(one): "failed" for one in lost if _given_up(one, reason)})
    tx.wake = True
    return len(lost)


def agent_left(tx: Transaction, agent: str) -> int:
    """Take back the trials of an agent that says goodbye; tell how many. None of them counts as lost."""
    agent_rows.mark(tx, agent, "left", "it ended")
    held = attempts.held_by(tx, [agent])[agent]
    hand_back(tx, {trial: row.attempt for trial, row in held.items()})
    return len(held)


def hand_back(tx: Transaction, held: Mapping[TrialId, int]) -> None:
    """Queue trials again that were in agents' hands, with the attempt; none of them counts as lost."""
    attempts.release(tx, [Release(*trial, attempt, "queued") for trial, attempt in held.items()])
    for trial in held:
        tx.move(trial.search, "running", "queued")
    tx.wake |= bool(held)


def _given_up(one: LostTrial, reason: str) -> bool:
    """Return whether a trial that is lost once more has been tried too often."""
    alone = one.lost_alone + (reason != SERVER_ENDED)
    return alone >= ATTEMPTS or one.lost + 1 >= WITH_SERVER


def _ended(tx: Transaction, one: LostTrial, reason: str) -> EndedAttempt:
    return EndedAttempt(
        *TrialId.of(one),
        attempt=one.attempt,
        agent=one.agent,
        epoch=one.epoch,
        started=one.started,
        ended=tx.now,
        reason=reason,
    )


def _released(one: LostTrial, reason: str) -> Release:
    if not _given_up(one, reason):
        return Release(*TrialId.of(one), one.attempt, "queued")
    why = f"given up after {one.lost + 1} attempts lost without progress: {reason}"
    return Release(*TrialId.of(one), one.attempt, "failed", why)
