"""Writes of trials. A write of an agent names the attempt; the statement itself refuses an old one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Row, and_, bindparam, func, insert, select, update

from caviar.search.space import Space
from caviar.service.ids import TrialId, in_pieces
from caviar.service.store import commands
from caviar.service.store.curves import pack_costs
from caviar.service.store.tables import HELD, attempts, costs, curve_columns, curves, searches, trials
from caviar.service.store.transaction import Transaction

t = trials.c
Rows = Sequence[Mapping[str, Any]]

_MINE = and_(
    t.search_id == bindparam("b_search"),
    t.number == bindparam("b_number"),
    t.attempt == bindparam("b_attempt"),
    HELD,
)
_HELD = (t.search_id, t.number, t.attempt, t.agent, t.branch, t.epoch, t.started, t.line, t.continues)
_HELD_BY = (
    select(*_HELD, searches.c.version)
    .join_from(trials, searches, searches.c.id == t.search_id)
    .where(t.agent.in_(bindparam("agents", expanding=True)), HELD)
)
_INSERT, _INSERT_CURVES = insert(trials), insert(curves)
_COLUMNS_ID = select(curve_columns.c.id).where(curve_columns.c.digest == bindparam("digest"))
_QUEUED = (
    select(trials)
    .where(t.search_id == bindparam("search"), t.state == "queued")
    .order_by(t.number)
    .limit(bindparam("count"))
    .with_for_update(skip_locked=True)
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
        state=bindparam("new_state"),
        epoch=bindparam("new_epoch"),
        branch=bindparam("new_branch"),
        started=bindparam("new_started"),
        revision=bindparam("new_revision"),
    )
)
_FINISH = (
    update(trials)
    .where(_MINE)
    .values(
        state=bindparam("new_state"),
        value=bindparam("new_value"),
        metrics=bindparam("new_metrics"),
        epoch=bindparam("new_epoch"),
        branch=bindparam("new_branch"),
        reason=bindparam("new_reason"),
        started=bindparam("new_started"),
        ended=bindparam("new_ended"),
        revision=bindparam("new_revision"),
    )
)
_RELEASE = (
    update(trials)
    .where(_MINE)
    .values(
        state=bindparam("new_state"),
        agent=None,
        reason=bindparam("new_reason"),
        ended=bindparam("new_ended"),
        revision=bindparam("new_revision"),
    )
)

_CANCEL = (
    update(trials)
    .where(t.search_id == bindparam("b_search"), t.number == bindparam("b_number"))
    .values(
        state="cancelled",
        agent=None,
        reason=bindparam("new_reason"),
        ended=bindparam("new_ended"),
        revision=bindparam("new_revision"),
    )
)
_RECODE = (
    update(trials)
    .where(t.search_id == bindparam("b_search"), t.number == bindparam("b_number"))
    .values(unit=bindparam("new_unit"), revision=bindparam("new_revision"))
)


@dataclass(frozen=True)
class CostPiece:
    """Costs of mini-batches of one branch: (step, cost) pairs in ascending order."""

    key: tuple[int, int, int]  # search, number, branch
    pairs: Sequence[tuple[float, float | None]]


class FenceError(AssertionError):
    """A write that the transaction had found allowed was refused by its own statement."""


def insert_trials(tx: Transaction, rows: Rows) -> None:
    """Add trials; every row is complete but for its revision."""
    if not rows:
        return
    tx.execute(_INSERT, [{**row, "revision": tx.revision()} for row in rows])
    for row in rows:
        tx.move(row["search_id"], None, row["state"])


def held_by(tx: Transaction, agents: Sequence[str]) -> dict[str, dict[TrialId, Row[Any]]]:
    """Give the trials in the hands of each of some agents, with the version of their search."""
    held: dict[str, dict[TrialId, Row[Any]]] = {agent: {} for agent in agents}
    found: Sequence[Any] = tx.execute(_HELD_BY, {"agents": list(held)}).all()
    for row in found:
        held[row.agent][TrialId(row.search_id, row.number)] = row
    return held


def queued(tx: Transaction, search: int, count: int) -> Sequence[Row[Any]]:
    """Give the first queued trials of a search: those handed back come first, their numbers being lower."""
    return tx.execute(_QUEUED, {"search": search, "count": count}).all()


def claim(tx: Transaction, agent: str, rows: Sequence[Row[Any]]) -> None:
    """Hand queued trials to an agent: the attempt grows by one."""
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


def advance(tx: Transaction, rows: Rows) -> None:
    """Write how far trials in hand have come: epoch, branch, running or paused."""
    _fenced(tx, _ADVANCE, [{**row, "new_revision": tx.revision()} for row in rows])


def note_changed(tx: Transaction, trial: TrialId, settings: Mapping[str, Any]) -> None:
    """Write which settings of a trial were changed on its way, and to what."""
    tx.execute(
        update(trials)
        .where(t.search_id == trial.search, t.number == trial.number)
        .values(changed=orjson.dumps(settings).decode() if settings else None, revision=tx.revision())
    )
    tx.touched.add(trial.search)


def finish(tx: Transaction, rows: Rows) -> None:
    """Write results; at most one per trial, since only a held trial takes one."""
    _fenced(tx, _FINISH, [{**row, "new_revision": tx.revision()} for row in rows])


def release(tx: Transaction, rows: Rows) -> None:
    """Take trials out of an agent's hands: back to the queue, failed, or cancelled."""
    _fenced(tx, _RELEASE, [{**row, "new_revision": tx.revision()} for row in rows])


def _fenced(tx: Transaction, statement: Any, rows: Rows) -> None:
    if not rows:
        return
    result = tx.execute(statement, rows)
    if result.rowcount != len(rows):
        raise FenceError(f"{len(rows)} writes of trials, {result.rowcount} applied")


def record_attempts(tx: Transaction, rows: Rows) -> None:
    """Keep what became of attempts that did not end their trial."""
    if rows:
        tx.execute(insert(attempts), rows)


def append_curves(tx: Transaction, rows: Rows) -> None:
    """Add pieces of learning curves; one epoch exists once per branch."""
    if rows:
        tx.execute(_INSERT_CURVES, rows)


def append_costs(tx: Transaction, pieces: Sequence[CostPiece]) -> None:
    """Add costs of mini-batches: those of steps beyond the last one known of each branch."""
    if not pieces:
        return
    k = costs.c
    key = (k.search_id, k.number, k.branch)
    last: dict[tuple[int, ...], int] = {}
    for search, some in in_pieces({TrialId(*piece.key[:2]) for piece in pieces}):
        known = select(*key, func.max(k.last)).where(k.search_id == search, k.number.in_(some))
        last |= {tuple(row[:3]): row[3] for row in tx.execute(known.group_by(*key))}
    rows = []
    for piece in pieces:
        fresh = [pair for pair in piece.pairs if pair[0] > last.get(piece.key, -1)]
        if fresh:
            rows.append(
                {
                    "search_id": piece.key[0],
                    "number": piece.key[1],
                    "branch": piece.key[2],
                    "first": int(fresh[0][0]),
                    "last": int(fresh[-1][0]),
                    "data": pack_costs(fresh),
                }
            )
            last[piece.key] = int(fresh[-1][0])
    if rows:
        tx.execute(insert(costs), rows)


def columns_id(tx: Transaction, names: str) -> int:
    """Give the id of a list of column names (JSON), new or known."""
    k, digest = curve_columns.c, hashlib.sha256(names.encode()).hexdigest()
    found = tx.execute(_COLUMNS_ID, {"digest": digest}).scalar()
    if found is None:
        values = {"digest": digest, "names": names}
        found = tx.execute(insert(curve_columns).values(values).returning(k.id)).scalar_one()
    return int(found)


def rows_of(tx: Transaction, ids: Iterable[TrialId]) -> Iterator[Row[Any]]:
    """Give trials by id; those that do not exist are left out."""
    for search, some in in_pieces(ids):
        yield from tx.execute(select(trials).where(t.search_id == search, t.number.in_(some)))


def states_of(tx: Transaction, ids: Iterable[TrialId]) -> dict[TrialId, tuple[str, int]]:
    """Give state and attempt of trials by id; those that do not exist are left out."""
    return {TrialId(r.search_id, r.number): (r.state, r.attempt) for r in rows_of(tx, ids)}


def unended(tx: Transaction, search: int) -> Sequence[Any]:
    """Give number and state of the trials of a search that have not ended."""
    query = select(t.number, t.state).where(
        t.search_id == search, t.state.in_(("queued", "running", "paused"))
    )
    return tx.execute(query).all()


def cancel(tx: Transaction, search: int, reason: str) -> None:
    """Cancel the trials of a search that have not ended, those in agents' hands too, and their commands."""
    rows = unended(tx, search)
    if rows:
        tx.execute(
            _CANCEL,
            [
                {
                    "b_search": search,
                    "b_number": row.number,
                    "new_reason": reason,
                    "new_ended": tx.now,
                    "new_revision": tx.revision(),
                }
                for row in rows
            ],
        )
    for row in rows:
        tx.move(search, row.state, "cancelled")
    commands.refuse_waiting(tx, {TrialId(search, row.number): "cancelled" for row in rows})


def recode(tx: Transaction, search: int, space: Space) -> None:
    """Write the coordinates of all trials of a search anew after its space was edited.

    Points that the new space does not hold keep their results but have no coordinates any more.
    """
    rows = tx.execute(select(t.number, t.params).where(t.search_id == search)).all()
    changes = [
        {
            "b_search": search,
            "b_number": row.number,
            "new_unit": coordinates(space, orjson.loads(row.params)),
            "new_revision": tx.revision(),
        }
        for row in rows
    ]
    if changes:
        tx.execute(_RECODE, changes)


def coordinates(space: Space, point: Mapping[str, Any]) -> bytes | None:
    """Give the coordinates of a point as stored; None when the space does not hold it."""
    if space.check(point):
        return None
    return np.asarray(space.to_unit(point), dtype="<f8").tobytes()
