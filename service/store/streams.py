"""What is new of one trial: epochs, costs, commands, checkpoints, states, each after a position."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
from sqlalchemy import and_, or_, select

from caviar.service.errors import RefusedError
from caviar.service.ids import TrialId
from caviar.service.store import curves
from caviar.service.store import trials as trial_rows
from caviar.service.store.rows import StoredCheckpoint, StoredCommand
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import checkpoints, commands, costs, curve_columns
from caviar.trial_fields import StoredTrial


@dataclass(frozen=True)
class Position:
    """How far a reader has come: revision, and the last epoch and step of a branch."""

    revision: int = 0
    branch: int = 0
    epoch: int = 0
    step: int = -1

    @classmethod
    def read(cls, text: str | None) -> Position:
        """Read a position from an event's id. Raises RefusedError."""
        if text is None:
            return cls()
        parts = text.split("-")
        if len(parts) != 4 or not all(part.isdecimal() and len(part) < 19 for part in parts):
            raise RefusedError.of(
                "Last-Event-ID", f"{text!r} is not an id of this stream", "send back an `id`, or nothing"
            )
        revision, branch, epoch, step = map(int, parts)
        return cls(revision, branch, epoch, step - 1)

    def __str__(self) -> str:
        return f"{self.revision}-{self.branch}-{self.epoch}-{self.step + 1}"


Body = dict[str, Any] | StoredTrial | StoredCommand | StoredCheckpoint
Event = tuple[str, Body, Position]  # kind; body: of epochs and costs columns, of all else what is stored


def trial_news(snapshot: Snapshot, trial: TrialId, at: Position) -> list[Event] | None:
    """Return the events of a trial after a position, in order; None when the trial was deleted."""
    row = trial_rows.find(snapshot, trial)
    if row is None:
        return None
    events = _epochs(snapshot, trial, at)
    at = events[-1][2] if events else at
    events += _costs(snapshot, trial, at)
    at = events[-1][2] if events else at
    for revision, kind, body in _changes(snapshot, trial, at.revision, row):
        at = replace(at, revision=revision)
        events.append((kind, body, at))
    return events


def _epochs(snapshot: Snapshot, trial: TrialId, at: Position) -> list[Event]:
    c = curves.c
    query = (
        select(c.branch, c.first, c.rows, c.data, curve_columns.c.names)
        .join(curve_columns, curve_columns.c.id == c.columns_id)
        .where(
            c.search_id == trial.search,
            c.number == trial.number,
            or_(c.branch > at.branch, and_(c.branch == at.branch, c.first + c.rows > at.epoch + 1)),
        )
        .order_by(c.branch, c.first)
    )
    events: list[Event] = []
    for piece in snapshot.execute(query):
        names = orjson.loads(piece.names)
        for offset, values in enumerate(curves.unpack(piece.data, piece.rows)):
            epoch = piece.first + offset
            if piece.branch == at.branch and epoch <= at.epoch:
                continue
            step = at.step if piece.branch == at.branch else -1
            at = Position(at.revision, piece.branch, epoch, step)
            body = {
                "branch": piece.branch,
                "epoch": epoch,
                **dict(zip(names, curves.floats(values), strict=True)),
            }
            events.append(("epoch", body, at))
    return events


def _costs(snapshot: Snapshot, trial: TrialId, at: Position) -> list[Event]:
    c = costs.c
    query = (
        select(c.data)
        .where(
            c.search_id == trial.search,
            c.number == trial.number,
            c.branch == at.branch,
            c.last > at.step,
        )
        .order_by(c.first)
    )
    events: list[Event] = []
    for row in snapshot.execute(query):
        pairs = np.frombuffer(row.data).reshape(-1, 2)
        pairs = pairs[pairs[:, 0] > at.step]
        if len(pairs):
            at = replace(at, step=int(pairs[-1, 0]))
            body = {
                "branch": at.branch,
                "step": [int(step) for step in pairs[:, 0]],
                "cost": curves.floats(pairs[:, 1]),
            }
            events.append(("cost", body, at))
    return events


def _changes(snapshot: Snapshot, trial: TrialId, after: int, row: StoredTrial) -> list[tuple[int, str, Body]]:
    """Return commands, checkpoints and the trial itself that changed after a revision, in that order."""
    found: list[tuple[int, str, Body]] = []
    for kind, table, make in (
        ("command", commands, StoredCommand._make),
        ("checkpoint", checkpoints, StoredCheckpoint._make),
    ):
        query = select(table).where(
            table.c.search_id == trial.search,
            table.c.number == trial.number,
            table.c.revision > after,
        )
        found += [(one.revision, kind, make(one)) for one in snapshot.execute(query)]
    if row.revision > after:
        found.append((row.revision, "state", row))
    return sorted(found, key=lambda change: change[0])
