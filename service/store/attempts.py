"""Attempts of agents at trials. A write names the attempt; its own statement refuses one that is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Double, and_, bindparam, case, delete, exists, func, insert, or_, select, update

from caviar.service.ids import TrialId
from caviar.service.store.rows import HeldTrial, LostTrial
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import HELD, agents, attempts, checkpoints, searches, trials
from caviar.service.store.transaction import Transaction
from caviar.trial_fields import StoredTrial

SERVER_ENDED = "its server ended"  # the reason for losses together with the server
t = trials.c

_MINE = and_(
    t.search_id == bindparam("b_search"),
    t.number == bindparam("b_number"),
    t.attempt == bindparam("b_attempt"),
    HELD,
)
_HELD_BY = (
    select(*(t[name] for name in HeldTrial._fields[:-1]), searches.c.version)
    .join_from(trials, searches, searches.c.id == t.search_id)
    .where(t.agent.in_(bindparam("agents", expanding=True)), HELD)
)
_CLAIM = (
    update(trials)
    .where(t.search_id == bindparam("b_search"), t.number == bindparam("b_number"), t.state == "queued")
    .values(
        state="running",
        attempt=bindparam("new_attempt"),
        agent=bindparam("new_agent"),
        started=bindparam("new_started"),
        revision=bindparam("new_revision"),
    )
)
_ADVANCE = (
    update(trials)
    .where(_MINE)
    .values(
        epoch=bindparam("new_epoch"),
        branch=bindparam("new_branch"),
        started=bindparam("new_started"),
        revision=bindparam("new_revision"),
    )
)
_RESULT: dict[str, Any] = {
    "state": bindparam("new_state"),
    "value": bindparam("new_value"),
    "metrics": bindparam("new_metrics"),
    "epoch": bindparam("new_epoch"),
    "branch": bindparam("new_branch"),
    "reason": bindparam("new_reason"),
    "withheld": bindparam("new_withheld"),
    "broken": bindparam("new_broken"),
    "started": bindparam("new_started"),
    "ended": bindparam("new_ended"),
    "revision": bindparam("new_revision"),
}
_FINISH = update(trials).where(_MINE).values(_RESULT)
_CONCLUDE = (
    update(trials)
    .where(
        t.search_id == bindparam("b_search"),
        t.number == bindparam("b_number"),
        t.attempt == bindparam("b_attempt"),
        t.state.in_(("queued", "paused")),
    )
    .values(_RESULT)
)
_RELEASE = (
    update(trials)
    .where(_MINE)
    .values(
        state=bindparam("new_state"),
        agent=None,
        reason=bindparam("new_reason"),
        ended=bindparam("new_ended"),
        trained=func.coalesce(t.trained, 0.0) + bindparam("new_trained"),
        revision=bindparam("new_revision"),
    )
)
_LOST_ATTEMPT = and_(
    attempts.c.search_id == bindparam("b_search"),
    attempts.c.number == bindparam("b_number"),
    attempts.c.attempt == bindparam("b_attempt"),
    attempts.c.agent == bindparam("b_agent"),
)
_TRAINED_THEN = (
    select(func.coalesce(func.max(attempts.c.trained), 0.0)).where(_LOST_ATTEMPT).scalar_subquery()
)
_RETAKE = (
    update(trials)
    .where(
        t.search_id == bindparam("b_search"),
        t.number == bindparam("b_number"),
        t.attempt == bindparam("b_attempt"),
        t.state == "queued",
        exists().where(_LOST_ATTEMPT),
    )
    .values(
        state="running",
        agent=bindparam("b_agent"),
        trained=t.trained - _TRAINED_THEN,  # the attempt goes on, with its own clock
        revision=bindparam("new_revision"),
    )
)
SUDDEN = 8  # times as long as it trained the trial must an agent have lived before
UNSUSPECTED = 3  # losses of unknown cause make a trial a suspect
PATIENCE = 60.0  # seconds, the most that a suspect waits for an agent that lives
STARTING = 10.0  # seconds, for an agent that is replaced
_STEP = (
    select(func.coalesce(func.max(checkpoints.c.step), 0))
    .where(
        checkpoints.c.search_id == t.search_id,
        checkpoints.c.number == t.number,
        checkpoints.c.branch == t.branch,
        checkpoints.c.kind != "model",
    )
    .correlate(trials)
    .scalar_subquery()
)
# Losses count while the trial gets no further: one that takes its agent down at the same place each time must
# not do so for ever, but a long one on machines that come and go advances from checkpoint to checkpoint.
_WITHOUT_PROGRESS = and_(
    attempts.c.search_id == t.search_id,
    attempts.c.number == t.number,
    attempts.c.branch == t.branch,
    attempts.c.epoch >= t.epoch,
    attempts.c.step >= _STEP,
)
_LOSSES = select(func.count()).where(_WITHOUT_PROGRESS).correlate(trials)
_LOST = (
    select(
        *(t[name] for name in LostTrial._fields[:-3]),
        _STEP.label("step"),
        _LOSSES.where(attempts.c.cause == "trial").scalar_subquery().label("blamed"),
        _LOSSES.where(
            attempts.c.cause.in_(("unknown", "server")),
            attempts.c.trained * SUDDEN <= attempts.c.lived,
        )
        .scalar_subquery()
        .label("sudden"),
    )
    .where(t.agent == bindparam("agent"), HELD)
    .with_for_update(of=trials)
)
_UNKNOWN = and_(_WITHOUT_PROGRESS, attempts.c.cause == "unknown")
_LONG = func.max(attempts.c.trained) * 2 * SUDDEN
_HOLD = (
    select(case((func.count() < UNSUSPECTED, 0.0), (_LONG > PATIENCE, PATIENCE), else_=_LONG))
    .where(_UNKNOWN)
    .correlate(trials)
    .scalar_subquery()
)
_BORN = select(agents.c.started).where(agents.c.id == bindparam("agent")).scalar_subquery()
_NOW: Any = bindparam("now", type_=Double)
_GIVEN_BACK = select(func.max(attempts.c.ended)).where(_UNKNOWN).correlate(trials).scalar_subquery()
_QUEUED = (
    select(trials)
    .where(
        t.search_id == bindparam("search"),
        t.state == "queued",
        # A suspect goes to an agent that has lived without it; where none lives so long, it is no suspect.
        or_(t.attempt < UNSUSPECTED, _HOLD <= _NOW - _BORN, 2 * _HOLD + STARTING <= _NOW - _GIVEN_BACK),
    )
    .order_by(t.number)
    .limit(bindparam("count"))
    .with_for_update(skip_locked=True)
)


class FenceError(AssertionError):
    """A write that the transaction had found allowed was refused by its own statement."""


class Progress(NamedTuple):
    """How far an attempt has come."""

    search_id: int
    number: int
    attempt: int
    branch: int
    epoch: int
    started: float | None

    def bound(self) -> dict[str, Any]:
        """Return it as a statement's values."""
        return {
            "b_search": self.search_id,
            "b_number": self.number,
            "b_attempt": self.attempt,
            "new_branch": self.branch,
            "new_epoch": self.epoch,
            "new_started": self.started,
        }


class Outcome(NamedTuple):
    """What a trial came to; `metrics` is a JSON document."""

    progress: Progress
    state: str
    value: float | None
    metrics: str | None
    reason: str | None
    withheld: float | None = None
    broken: str | None = None


class Release(NamedTuple):
    """An attempt that is over while its trial goes on, or is given up."""

    search_id: int
    number: int
    attempt: int
    state: str  # of the trial: queued, paused, failed
    reason: str | None = None
    trained: float = 0.0  # seconds, of this attempt


class EndedAttempt(NamedTuple):
    """A row of `attempts`: one that did not end its trial, or ended it as failed."""

    search_id: int
    number: int
    attempt: int
    agent: str | None
    epoch: int
    started: float | None
    ended: float
    reason: str
    log: str | None = None
    cause: str | None = None
    branch: int | None = None
    step: int | None = None
    trained: float | None = None
    lived: float | None = None


def held_by(snapshot: Snapshot, agents: Iterable[str]) -> dict[str, dict[TrialId, HeldTrial]]:
    """Return the trials in the hands of each of some agents."""
    held: dict[str, dict[TrialId, HeldTrial]] = {agent: {} for agent in agents}
    for one in map(HeldTrial._make, snapshot.execute(_HELD_BY, {"agents": list(held)})):
        held[one.agent][TrialId.of(one)] = one
    return held


def lost_with(tx: Transaction, agent: str) -> list[LostTrial]:
    """Return the trials in the hands of an agent that is gone, locked until the commit."""
    return list(map(LostTrial._make, tx.execute(_LOST, {"agent": agent})))


def claim(tx: Transaction, agent: str, search: int, count: int) -> list[StoredTrial]:
    """Hand the first queued trials of a search to an agent; those handed back have the lowest numbers.

    Returns them as they were in the queue, but with the new attempt. Raises FenceError.
    """
    wanted = {"search": search, "count": count, "agent": agent, "now": tx.now}
    rows = list(map(StoredTrial._make, tx.execute(_QUEUED, wanted)))
    _fenced(
        tx,
        _CLAIM,
        [
            {
                "b_search": row.search_id,
                "b_number": row.number,
                "new_attempt": row.attempt + 1,
                "new_agent": agent,
                "new_started": tx.now,
                "new_revision": tx.revision(),
            }
            for row in rows
        ],
    )
    for row in rows:
        tx.move(row.search_id, "queued", "running")
    return [row._replace(attempt=row.attempt + 1) for row in rows]


def retake(tx: Transaction, agent: str, trial: TrialId, attempt: int) -> bool:
    """Hand a trial back to the agent that lost this attempt at it; return whether nobody else has had it.

    The loss is forgotten: the attempt goes on.
    """
    named = {"b_search": trial.search, "b_number": trial.number, "b_attempt": attempt, "b_agent": agent}
    if not tx.execute(_RETAKE, {**named, "new_revision": tx.revision()}).rowcount:
        return False
    tx.execute(delete(attempts).where(_LOST_ATTEMPT), named)
    tx.move(trial.search, "queued", "running")
    return True


def advance(tx: Transaction, come: Sequence[Progress]) -> None:
    """Write how far trials in hand have come. Raises FenceError when one is not in that attempt's hands."""
    _fenced(tx, _ADVANCE, [{**one.bound(), "new_revision": tx.revision()} for one in come])


def finish(tx: Transaction, outcomes: Sequence[Outcome]) -> None:
    """Write results; at most one for each trial, since only a held trial takes one. Raises FenceError."""
    _write_results(tx, _FINISH, outcomes)


def conclude(tx: Transaction, outcomes: Sequence[Outcome]) -> None:
    """Write the results of trials that nobody holds: they wait for another attempt, or are paused.

    Raises FenceError.
    """
    _write_results(tx, _CONCLUDE, outcomes)


def _write_results(tx: Transaction, statement: Any, outcomes: Sequence[Outcome]) -> None:
    _fenced(
        tx,
        statement,
        [
            {
                **one.progress.bound(),
                "new_state": one.state,
                "new_value": one.value,
                "new_metrics": one.metrics,
                "new_reason": one.reason,
                "new_withheld": one.withheld,
                "new_broken": one.broken,
                "new_ended": tx.now,
                "new_revision": tx.revision(),
            }
            for one in outcomes
        ],
    )


def release(tx: Transaction, over: Sequence[Release]) -> None:
    """Take trials out of agents' hands: to the queue, to pause, or failed. Raises FenceError."""
    _fenced(
        tx,
        _RELEASE,
        [
            {
                "b_search": one.search_id,
                "b_number": one.number,
                "b_attempt": one.attempt,
                "new_state": one.state,
                "new_reason": one.reason,
                "new_ended": tx.now if one.state == "failed" else None,
                "new_trained": one.trained,
                "new_revision": tx.revision(),
            }
            for one in over
        ],
    )


def _fenced(tx: Transaction, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    result = tx.execute(statement, rows)
    if result.rowcount != len(rows):
        raise FenceError(f"{len(rows)} writes of trials, {result.rowcount} applied")


def record(tx: Transaction, ended: Sequence[EndedAttempt]) -> None:
    """Keep what became of attempts that did not end their trial well."""
    if ended:
        tx.execute(insert(attempts), [one._asdict() for one in ended])


def blame(tx: Transaction, agent: str, trial: TrialId, attempt: int, cause: str, reason: str) -> None:
    """Write what is known by now of why an agent was lost, which its silence alone did not tell."""
    a = attempts.c
    mine = and_(a.search_id == trial.search, a.number == trial.number, a.attempt == attempt, a.agent == agent)
    tx.execute(update(attempts).where(mine, a.cause == "unknown").values(cause=cause, reason=reason))
