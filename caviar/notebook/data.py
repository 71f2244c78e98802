"""Trials and curves as columns, and columns as data frames of pandas or polars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from caviar.errors import CaviarError
from caviar.records import Trial

LIBRARIES = ("pandas", "polars")
_FIELDS = (
    "id",
    "number",
    "state",
    "value",
    "epoch",
    "epochs",
    "attempt",
    "seed",
    "reason",
    "agent",
    "excluded",
)
_TIMES = ("created", "started", "ended")
Columns = dict[str, list[Any]]


def frame(columns: Columns, library: str | None = None) -> Any:
    """Return columns as a data frame of pandas, or of polars where that alone is installed or is asked for.

    Raises CaviarError where the library is not there.
    """
    if library is not None and library not in LIBRARIES:
        raise CaviarError(f"{library!r} makes no data frames here: take one of {', '.join(LIBRARIES)}")
    wanted = [library] if library else LIBRARIES
    found = next((name for name in wanted if find_spec(name) is not None), None)
    if found is None:
        raise CaviarError(f"Data frames need {' or '.join(wanted)}: pip install {wanted[0]}")
    made = import_module(found)
    return made.DataFrame(columns) if found == "pandas" else made.DataFrame(columns, strict=False)


def trials_columns(trials: Sequence[Trial]) -> Columns:
    """Return trials as columns: fields, a column for each parameter and metric, times with their zone."""
    columns: Columns = {name: [getattr(one, name) for one in trials] for name in _FIELDS}
    for part in ("params", "metrics"):
        for name in dict.fromkeys(name for one in trials for name in getattr(one, part)):
            columns[f"{part}.{name}"] = [getattr(one, part).get(name) for one in trials]
    for name in _TIMES:
        texts = [getattr(one, name) for one in trials]
        columns[name] = [datetime.fromisoformat(text) if text else None for text in texts]
    return columns


def curve_columns(trial: str, number: int, curve: Mapping[str, Any]) -> Columns:
    """Return the epochs of a trial's newest branch as columns; epochs before it are those of its parents."""
    branches = {one["branch"]: one for one in curve["branches"]}
    if not branches:
        return {}
    path = [branches[max(branches)]]
    while path[0].get("parent") in branches:
        path.insert(0, branches[path[0]["parent"]])
    names = [name for name in curve["columns"] if name != "epoch"]
    columns: Columns = {"trial": [], "number": [], "epoch": [], **{name: [] for name in names}}
    for place, branch in enumerate(path):
        last = path[place + 1]["from_epoch"] if place + 1 < len(path) else None
        for row, epoch in enumerate(branch["epoch"]):
            if last is not None and epoch > last:
                break
            columns["trial"].append(trial)
            columns["number"].append(number)
            columns["epoch"].append(epoch)
            for name in names:
                values = branch.get(name)
                columns[name].append(None if values is None else values[row])
    return columns


def joined(pieces: Sequence[Columns]) -> Columns:
    """Return columns one below the other; what a piece does not have is None there."""
    names = dict.fromkeys(name for piece in pieces for name in piece)
    columns: Columns = {name: [] for name in names}
    for piece in pieces:
        count = len(next(iter(piece.values()), ()))
        for name in names:
            columns[name] += piece.get(name, [None] * count)
    return columns
