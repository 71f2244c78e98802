"""Writes of what attempts measure: pieces of learning curves, costs of mini-batches; and how far both reach.

`curves` puts them together again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, delete, func, insert, select, update

from caviar.service.ids import TrialId, in_pieces
from caviar.service.store.curves import pack, pack_costs
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import costs, curve_columns, curves
from caviar.service.store.transaction import Transaction

_INSERT_CURVES = insert(curves)
_COLUMNS_ID = select(curve_columns.c.id).where(curve_columns.c.digest == bindparam("digest"))
Branch = tuple[int, int, int]  # search, number, branch


class CurvePiece(NamedTuple):
    """Rows of a learning curve, one for each epoch from `first` on; None: not finite."""

    branch: Branch
    first: int
    names: tuple[str, ...]
    rows: Sequence[Sequence[float | None]]


class CostPiece(NamedTuple):
    """Costs of mini-batches: (step, cost) pairs in ascending order."""

    branch: Branch
    pairs: Sequence[tuple[float, float | None]]


def append_curves(tx: Transaction, pieces: Sequence[CurvePiece]) -> None:
    """Add pieces of learning curves; one epoch exists once for each branch."""
    if not pieces:
        return
    ids = {names: _columns_id(tx, names) for names in {piece.names for piece in pieces}}
    rows = [
        {
            "search_id": piece.branch[0],
            "number": piece.branch[1],
            "branch": piece.branch[2],
            "first": piece.first,
            "rows": len(piece.rows),
            "columns_id": ids[piece.names],
            "data": pack(piece.rows),
        }
        for piece in pieces
    ]
    tx.execute(_INSERT_CURVES, rows)


def cut(tx: Transaction, branch: Branch, first: int) -> None:
    """Forget the epochs of a branch from `first` on: they are trained again."""
    c = curves.c
    own = (c.search_id == branch[0], c.number == branch[1], c.branch == branch[2])
    tx.execute(delete(curves).where(*own, c.first >= first))
    for row in tx.execute(select(c.first, c.rows, c.data).where(*own, c.first + c.rows > first)).all():
        kept = first - row.first
        data = row.data[: len(row.data) // row.rows * kept]
        tx.execute(update(curves).where(*own, c.first == row.first).values(rows=kept, data=data))


def shortened(pieces: Sequence[CurvePiece], branch: Branch, first: int) -> list[CurvePiece]:
    """Return pieces without the epochs of a branch from `first` on."""
    kept = [
        one._replace(rows=one.rows[: max(0, first - one.first)]) if one.branch == branch else one
        for one in pieces
    ]
    return [one for one in kept if one.rows]


def _columns_id(tx: Transaction, names: Sequence[str]) -> int:
    """Return the id of a list of column names, new or known."""
    text = orjson.dumps(names).decode()
    digest = hashlib.sha256(text.encode()).hexdigest()
    found = tx.execute(_COLUMNS_ID, {"digest": digest}).scalar()
    if found is None:
        fresh = insert(curve_columns).values(digest=digest, names=text).returning(curve_columns.c.id)
        found = tx.execute(fresh).scalar_one()
    return int(found)


def append_costs(tx: Transaction, pieces: Sequence[CostPiece]) -> None:
    """Add costs of mini-batches: those of steps beyond the last one known of each branch."""
    if not pieces:
        return
    k = costs.c
    key = (k.search_id, k.number, k.branch)
    last: dict[tuple[int, ...], int] = {}
    for search, some in in_pieces({TrialId(*piece.branch[:2]) for piece in pieces}):
        known = select(*key, func.max(k.last)).where(k.search_id == search, k.number.in_(some))
        last |= {tuple(row[:3]): row[3] for row in tx.execute(known.group_by(*key))}
    rows = []
    for piece in pieces:
        fresh = [pair for pair in piece.pairs if pair[0] > last.get(piece.branch, -1)]
        if fresh:
            rows.append(
                {
                    "search_id": piece.branch[0],
                    "number": piece.branch[1],
                    "branch": piece.branch[2],
                    "first": int(fresh[0][0]),
                    "last": int(fresh[-1][0]),
                    "data": pack_costs(fresh),
                }
            )
            last[piece.branch] = int(fresh[-1][0])
    if rows:
        tx.execute(insert(costs), rows)


def last_step(snapshot: Snapshot, trial: TrialId, branch: int) -> int:
    """Return the last step of a branch whose cost was reported; 0 where none was."""
    k = costs.c
    query = select(func.max(k.last)).where(
        k.search_id == trial.search, k.number == trial.number, k.branch == branch
    )
    return int(snapshot.execute(query).scalar() or 0)


def last_epoch(snapshot: Snapshot, trial: TrialId, branch: int) -> int:
    """Return the last epoch of a branch that was reported; 0 where none was."""
    k = curves.c
    query = select(func.max(k.first + k.rows - 1)).where(
        k.search_id == trial.search, k.number == trial.number, k.branch == branch
    )
    return int(snapshot.execute(query).scalar() or 0)
