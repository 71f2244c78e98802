"""All that is stored of some trials of a search, for a record of it: many trials with few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from sqlalchemy import select

from caviar.service.store.curves import unpack
from caviar.service.store.rows import StoredCheckpoint, StoredCommand
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import attempts, checkpoints, commands, curve_columns, curves, trials
from caviar.trial_fields import StoredTrial

Curve = dict[str, list[Any]]  # columns of a branch by name, `epoch` first


def rows(snapshot: Snapshot, search: int, first: int, count: int) -> list[StoredTrial]:
    """Return so many trials of a search by number, from a number on."""
    t = trials.c
    query = select(trials).where(t.search_id == search, t.number >= first).order_by(t.number).limit(count)
    return list(map(StoredTrial._make, snapshot.execute(query)))


def commands_of(snapshot: Snapshot, search: int, first: int, last: int) -> Mapping[int, list[StoredCommand]]:
    """Return the commands of the trials from one number to another, by number, oldest first."""
    c = commands.c
    query = select(commands).where(c.search_id == search, c.number >= first, c.number <= last)
    found: dict[int, list[StoredCommand]] = defaultdict(list)
    for row in map(StoredCommand._make, snapshot.execute(query.order_by(c.number, c.id))):
        found[row.number].append(row)
    return found


def checkpoints_of(
    snapshot: Snapshot, search: int, first: int, last: int
) -> Mapping[int, list[StoredCheckpoint]]:
    """Return the checkpoints and models of the trials from one number to another, by number."""
    c = checkpoints.c
    query = select(checkpoints).where(c.search_id == search, c.number >= first, c.number <= last)
    found: dict[int, list[StoredCheckpoint]] = defaultdict(list)
    for row in map(StoredCheckpoint._make, snapshot.execute(query.order_by(c.number, c.id))):
        found[row.number].append(row)
    return found


def attempts_of(snapshot: Snapshot, search: int, first: int, last: int) -> Mapping[int, list[dict[str, Any]]]:
    """Return the attempts of the trials from one number to another that did not end them, by number."""
    a = attempts.c
    query = select(attempts).where(a.search_id == search, a.number >= first, a.number <= last)
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in snapshot.execute(query.order_by(a.number, a.attempt)).mappings():
        found[row["number"]].append({str(name): value for name, value in row.items()})
    return found


def curves_of(snapshot: Snapshot, search: int, first: int, last: int) -> Mapping[int, dict[int, Curve]]:
    """Return the curves of the trials from one number to another, by number and branch, bit for bit.

    Numbers have the shortest form that gives the same 32 bits again; "nan", "inf", "-inf": not finite.
    """
    c = curves.c
    query = (
        select(c.number, c.branch, c.first, c.rows, c.data, curve_columns.c.names)
        .join(curve_columns, curve_columns.c.id == c.columns_id)
        .where(c.search_id == search, c.number >= first, c.number <= last)
        .order_by(c.number, c.branch, c.first)
    )
    found: dict[int, dict[int, Curve]] = defaultdict(dict)
    for row in snapshot.execute(query):
        curve = found[row.number].setdefault(row.branch, {"epoch": []})
        before = len(curve["epoch"])
        curve["epoch"] += range(row.first, row.first + row.rows)
        values = unpack(row.data, row.rows)
        for place, name in enumerate(orjson.loads(row.names)):
            column = curve.setdefault(name, [])
            column += [None] * (before - len(column))  # it was not told of earlier epochs
            column += exact(values[:, place])
    for curve in (one for branches in found.values() for one in branches.values()):
        for column in curve.values():
            column += [None] * (len(curve["epoch"]) - len(column))
    return found


def exact(column: np.ndarray[Any, Any]) -> list[Any]:
    """Return numbers of 32 bits as JSON that reads back to the same bits, texts where not finite."""
    short = orjson.loads(orjson.dumps(np.ascontiguousarray(column), option=orjson.OPT_SERIALIZE_NUMPY))
    return [one if one is not None else str(float(value)) for one, value in zip(short, column, strict=True)]
