"""Learning curves as pieces of float32: written with the reports, put together when somebody reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import select

from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import commands, costs, curve_columns, curves
from caviar.service.store.thinning import thinned

c = curves.c
Floats = npt.NDArray[np.float32]
COSTS = 5000  # of mini-batches, in one answer


def pack(rows: Sequence[Sequence[float | None]]) -> bytes:
    """Turn rows of numbers (None: not finite) into bytes; what 32 bits cannot hold becomes infinite."""
    with np.errstate(over="ignore"):
        return np.array(rows, dtype="<f4").tobytes()


def unpack(data: bytes, rows: int) -> Floats:
    """Turn bytes back into rows."""
    return np.frombuffer(data, dtype="<f4").reshape(rows, -1)


def pieces(snapshot: Snapshot, search: int, number: int) -> list[dict[str, Any]]:
    """Return the curves of a trial in pieces by branch and epoch; reports of the same columns are one."""
    query = (
        select(c.branch, c.first, c.rows, c.data, curve_columns.c.names)
        .join(curve_columns, curve_columns.c.id == c.columns_id)
        .where(c.search_id == search, c.number == number)
        .order_by(c.branch, c.first)
    )
    found: list[tuple[int, int, str, list[bytes]]] = []
    following: tuple[int, int, str] | None = None
    for branch, first, rows, data, names in snapshot.execute(query):
        if (branch, first, names) == following:
            found[-1][3].append(data)
        else:
            found.append((branch, first, names, [data]))
        following = (branch, first + rows, names)
    return [
        {
            "branch": branch,
            "first": first,
            "names": (columns := orjson.loads(names)),
            "rows": np.frombuffer(b"".join(data), dtype="<f4").reshape(-1, len(columns)),
        }
        for branch, first, names, data in found
    ]


def read(
    snapshot: Snapshot, search: int, number: int, points: int | None = None, metric: str = ""
) -> dict[str, Any]:
    """Put the curve of a trial together: one list per column and branch, as REST gives it.

    With `points` about so many epochs of each branch, no peak of `metric` lost, and so many costs.
    """
    found = pieces(snapshot, search, number)
    columns = names_of(found)
    lines = _branches(snapshot, search, number)
    for piece in found:
        first = {"branch": piece["branch"], "parent": None, "from_epoch": piece["first"] - 1}
        lines.setdefault(piece["branch"], first)  # that of a fork begins where it left its parent
    total = 0
    for branch, line in lines.items():
        epochs, values = table([piece for piece in found if piece["branch"] == branch], columns)
        total += len(epochs)
        if points is not None:
            places = thinned(values, points, columns.index(metric) if metric in columns else 0)
            epochs, values = epochs[places], values[places]
        own = {"epoch": epochs.tolist(), **line}  # a metric of such a name has no place here
        lines[branch] = {name: floats(values[:, place]) for place, name in enumerate(columns)} | own
    return {
        "columns": ["epoch", *columns],
        "branches": [lines[branch] for branch in sorted(lines)],
        "total": total,
        "costs": read_costs(snapshot, search, number, min(COSTS, points or COSTS)),
    }


def names_of(found: Iterable[dict[str, Any]]) -> list[str]:
    """Return the names of all columns of some pieces, in order of appearance."""
    return list(dict.fromkeys(name for piece in found for name in piece["names"]))


def table(found: Sequence[dict[str, Any]], columns: Sequence[str]) -> tuple[npt.NDArray[np.int64], Floats]:
    """Join pieces of one branch: epochs (n,) and values (n, columns), NaN where a piece lacks a column."""
    count = sum(len(piece["rows"]) for piece in found)
    epochs, values = np.empty(count, dtype=np.int64), np.full((count, len(columns)), np.nan, dtype=np.float32)
    end = 0
    for piece in found:
        start, end = end, end + len(piece["rows"])
        epochs[start:end] = np.arange(piece["first"], piece["first"] + end - start)
        values[start:end, [columns.index(name) for name in piece["names"]]] = piece["rows"]
    return epochs, values


def _branches(snapshot: Snapshot, search: int, number: int) -> dict[int, dict[str, Any]]:
    """Return the branches that rewinds began, with the one and the epoch that each left."""
    k = commands.c
    query = select(k.arguments).where(
        k.search_id == search, k.number == number, k.kind == "rewind", k.state == "applied"
    )
    rewinds = [orjson.loads(text) for text in snapshot.execute(query).scalars()]
    return {
        one["branch"]: {"branch": one["branch"], "parent": one["parent"], "from_epoch": one["epoch"]}
        for one in rewinds
    }


def read_costs(
    snapshot: Snapshot, search: int, number: int, most: int = COSTS
) -> dict[str, list[float | None]]:
    """Return the costs of mini-batches of a trial's newest branch: of more than `most` an even spread."""
    query = (
        select(costs.c.branch, costs.c.data)
        .where(costs.c.search_id == search, costs.c.number == number)
        .order_by(costs.c.branch, costs.c.first)
    )
    rows = snapshot.execute(query).all()
    newest = [np.frombuffer(r.data).reshape(-1, 2) for r in rows if r.branch == rows[-1].branch]
    if not newest:
        return {"step": [], "cost": []}
    pairs = np.concatenate(newest)
    pairs = pairs[np.linspace(0, len(pairs) - 1, min(most, len(pairs)), dtype=np.int64)]
    return {"step": [int(step) for step in pairs[:, 0]], "cost": floats(pairs[:, 1])}


def metric_of(
    snapshot: Snapshot, search: int, which: Iterable[tuple[int, int]], metric: str
) -> dict[int, npt.NDArray[np.float64]]:
    """Return a metric of the curves of several trials (number, branch), epoch 1 first; NaN: unknown."""
    branches = dict(which)
    numbers = list(branches)
    found: dict[int, npt.NDArray[np.float64]] = {}
    for start in range(0, len(numbers), 500):
        # By number alone: for pairs of number and branch SQLite would walk through all curves of the search.
        query = (
            select(c.number, c.branch, c.first, c.rows, c.data, curve_columns.c.names)
            .join(curve_columns, curve_columns.c.id == c.columns_id)
            .where(c.search_id == search, c.number.in_(numbers[start : start + 500]))
            .order_by(c.number, c.first)
        )
        for row in snapshot.execute(query):
            names = orjson.loads(row.names)
            if row.branch != branches[row.number] or metric not in names:
                continue
            column = unpack(row.data, row.rows)[:, names.index(metric)]
            curve = found.get(row.number, np.empty(0))
            end = row.first - 1 + row.rows
            if len(curve) < end:
                curve = np.concatenate([curve, np.full(end - len(curve), np.nan)])
            curve[row.first - 1 : end] = column
            found[row.number] = curve
    return found


def row_at(snapshot: Snapshot, search: int, number: int, branch: int, epoch: int) -> dict[str, float | None]:
    """Return the metrics of an epoch of a branch; those of the one before where there is none."""
    found: dict[str, float | None] = {}
    for piece in pieces(snapshot, search, number):
        if piece["branch"] == branch and piece["first"] <= epoch:
            row = piece["rows"][: epoch - piece["first"] + 1][-1]
            found = dict(zip(piece["names"], floats(row), strict=True))
    return found


def floats(column: npt.NDArray[Any]) -> list[float | None]:
    """Return a column as JSON numbers, rounded to what float32 holds; None where not finite."""
    return [
        float(f"{value:.7g}") if finite else None
        for value, finite in zip(column.tolist(), np.isfinite(column).tolist(), strict=True)
    ]


def pack_costs(pairs: Sequence[tuple[float, float | None]]) -> bytes:
    """Turn (step, cost) pairs into bytes; float64, since steps may pass what float32 counts."""
    return np.array(pairs, dtype="<f8").tobytes()
