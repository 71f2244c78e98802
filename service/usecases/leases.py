"""Agents that are lost: their trials go back to the queue, or fail when they have been tried too often."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

from caviar.exchange.wire import AgentEnd
from caviar.service.errors import NotFoundError
from caviar.service.ids import TrialId, trial_id
from caviar.service.store import agents as agent_rows
from caviar.service.store import attempts
from caviar.service.store import commands as command_rows
from caviar.service.store.attempts import SERVER_ENDED, EndedAttempt, Release
from caviar.service.store.database import Database
from caviar.service.store.rows import LostTrial
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import agent_identity
from caviar.trial_fields import GIVEN_UP

BLAMED = 3  # losses without progress that a trial caused: a crash, out of memory, a process that hangs
SUDDEN = 8  # losses without progress of unknown cause, all so soon after its start that chance is ruled out
UNHEARD = 1.0  # seconds that an agent may have lived on after it was last heard
log = logging.getLogger(__name__)


class Sweeper:
    """The sweep, again and again; where it could not work for long, perhaps nobody could renew a lease.

    The database was away, or this process stood still: then every lease first gets that time back. Else
    trials would be taken from agents that did nothing wrong. Several servers may sweep one database.
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
        if pause > self._longest:
            given = give_back(tx, self._lease, pause)
            log.warning("nothing could be written for %.0f s: every lease is %.0f s longer", pause, given)
        elif pause < 0:
            agent_rows.extend_all(tx, 0.0, self._lease)
            log.warning("the database's clock was set back by %.0f s: no lease lasts longer for it", -pause)
        return sweep(tx), tx.now


def give_back(tx: Transaction, lease: float, pause: float = math.inf) -> float:
    """Add to every lease the time in which nobody could renew, `pause` at most; return it, in seconds.

    While any server hears any agent, the others could renew too: so a server that starts again and again
    beside another one keeps no dead agent's trials.
    """
    heard = agent_rows.last_sign_of_life(tx)
    if heard is None:
        return 0.0
    silence = max(0.0, min(pause, tx.now - heard))
    agent_rows.extend_all(tx, silence, lease)
    return silence


def renew(tx: Transaction, agent: str, credential: str, lease: float) -> None:
    """Renew the lease of an agent for the process beside it, while the agent itself cannot speak.

    Raises ForbiddenError for who is not that agent, NotFoundError for one that has no lease (any more).
    """
    agent_identity.check(tx, agent, credential)
    if not agent_rows.renew_living(tx, agent, lease):
        raise NotFoundError(f"There is no living agent {agent}")


def sweep(tx: Transaction) -> int:
    """Take back the trials of agents whose lease has run out; tell how many agents."""
    lost = agent_rows.expired(tx)
    for agent in lost:
        agent_lost(tx, agent, AgentEnd(reason="the lease ran out"))
    return len(lost)


def agent_lost(tx: Transaction, agent: str, end: AgentEnd) -> int:
    """Take back the trials of an agent that is gone; tell how many.

    A loss counts for the trial that was in training alone, and only where that can be the cause
    (docs/decisions/lost-agents.md). Attempt and state are part of the statement: a trial that has ended
    meanwhile stays as it is.
    """
    agent_rows.mark(tx, agent, "lost", end.reason)
    lost = attempts.lost_with(tx, agent)
    suspect = _suspect(tx, agent, end)
    if suspect is not None and suspect.trial not in {TrialId.of(one) for one in lost}:
        attempts.blame(tx, agent, suspect.trial, suspect.attempt, suspect.cause, end.reason)
    if not lost:
        return 0
    ended = [_ended(tx, one, end.reason, suspect) for one in lost]
    given_up = {TrialId.of(one) for one, row in zip(lost, ended, strict=True) if _given_up(one, row)}
    attempts.record(tx, ended)
    released = [_released(one, end.reason, TrialId.of(one) in given_up) for one in lost]
    if suspect is not None:
        released = [_in_training(row, suspect, end) for row in released]
        given_up |= {TrialId.of(row) for row in released if row.state == "failed"}
    attempts.release(tx, released)
    for one in lost:
        tx.move(one.search_id, "running", "failed" if TrialId.of(one) in given_up else "queued")
        log.warning(
            "agent %s was lost (%s)",
            agent,
            end.reason,
            extra={"search": one.search_id, "trial": str(TrialId.of(one)), "attempt": one.attempt},
        )
    failed = {TrialId.of(one): command_rows.Ended("failed", one.epoch) for one in lost}
    command_rows.refuse_waiting(tx, {trial: failed[trial] for trial in given_up})
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


@dataclass(frozen=True)
class _Suspect:
    """The trial that a lost agent was training: how long it did, and had lived before."""

    trial: TrialId
    attempt: int
    cause: str
    trained: float
    lived: float


def _suspect(tx: Transaction, agent: str, end: AgentEnd) -> _Suspect | None:
    """Return what was in training, as a supervisor knows it, or else as the agent itself last said."""
    known = agent_rows.last_heard(tx, agent)
    if known is None:
        return None
    if end.training is not None:
        one = end.training
        lived = tx.now - one.seconds - known.started
        return _Suspect(trial_id(one.trial), one.attempt, end.cause, one.seconds, lived)
    if known.training is None or known.training_since is None or end.cause == "outside":
        return None
    name, _, attempt = known.training.partition("/")
    trained = known.seen + UNHEARD - known.training_since
    lived = known.training_since - known.started
    cause = "server" if end.reason == SERVER_ENDED else "unknown"
    return _Suspect(trial_id(name), int(attempt), cause, trained, lived)


def _given_up(one: LostTrial, ended: EndedAttempt) -> bool:
    """Return whether a trial that is lost once more has cost too many agents without getting any further."""
    sudden = ended.cause in ("unknown", "server") and _is_sudden(ended)
    return one.blamed + (ended.cause == "trial") >= BLAMED or one.sudden + sudden >= SUDDEN


def _is_sudden(ended: EndedAttempt) -> bool:
    trained, lived = ended.trained, ended.lived
    return trained is not None and lived is not None and trained * attempts.SUDDEN <= lived


def _ended(tx: Transaction, one: LostTrial, reason: str, suspect: _Suspect | None) -> EndedAttempt:
    ended = EndedAttempt(
        *TrialId.of(one),
        attempt=one.attempt,
        agent=one.agent,
        epoch=one.epoch,
        started=one.started,
        ended=tx.now,
        reason=reason,
    )
    if suspect is None or (suspect.trial, suspect.attempt) != (TrialId.of(one), one.attempt):
        return ended
    return ended._replace(
        cause=suspect.cause, branch=one.branch, step=one.step, trained=suspect.trained, lived=suspect.lived
    )


def _in_training(row: Release, suspect: _Suspect, end: AgentEnd) -> Release:
    """Return a release with the seconds that are over of a trial; failed where it broke a limit."""
    if TrialId.of(row) != suspect.trial:
        return row
    row = row._replace(trained=suspect.trained)
    return row if end.limit is None else row._replace(state="failed", reason=end.limit)


def _released(one: LostTrial, reason: str, given_up: bool) -> Release:
    if not given_up:
        return Release(*TrialId.of(one), one.attempt, "queued")
    times = max(one.blamed, one.sudden) + 1
    why = (
        f"{GIVEN_UP}: {times} agents were lost soon after they began to train it, without progress: {reason}"
    )
    return Release(*TrialId.of(one), one.attempt, "failed", why)
