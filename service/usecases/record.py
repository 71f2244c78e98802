"""The record of a search: everything stored of it that its results follow from, page by page.

What checks it is `caviar.proof`, on any machine; here it is only read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from caviar.service.errors import RefusedError
from caviar.service.store import audit, recorded
from caviar.service.store import searches as search_rows
from caviar.service.store.rows import StoredCheckpoint, StoredCommand, StoredSearch
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import starting_model
from caviar.trial_fields import FIELDS, STATES, StoredTrial

PAGE = 500  # trials at most
MOST_EPOCHS = 20_000  # of the trials of a page, so that long curves do not make it endless
_DOCUMENTS = {one.column for one in FIELDS if one.form == "document"} | {"stop", "change_log"}
_LEFT_OUT = {"search_id", "revision"}
_OF_COMMAND = ("arguments", "at", "before", "after")
_OF_SEARCH = (
    "id", "name", "note", "switch", "mode", "version", "parallel", "lag", "seed", "total", "by_hand",
    "proposed", "problem", *STATES, "best_number", "best_value", "created", "started", "ended",
)  # fmt: skip


def read(snapshot: Snapshot, search: int, first: int, count: int) -> dict[str, Any]:
    """Return the record of a search with `count` of its trials from number `first` on.

    Raises NotFoundError.
    """
    row = search_rows.get(snapshot, search)
    rows = _fitting(recorded.rows(snapshot, search, first, min(count, PAGE)))
    last = rows[-1].number if rows else first
    dataset, problem = _dataset(snapshot, row)
    return {
        "search": _search(row),
        "dataset": dataset,
        "dataset_problem": problem,
        "edits": [
            {**one._asdict(), "before": orjson.loads(one.before), "after": orjson.loads(one.after)}
            for one in audit.edits_of(snapshot, search)
        ],
        "trials": _trials(snapshot, search, rows, first, last),
        "next": last + 1 if rows and last + 1 < row.proposed else None,
    }


def _fitting(rows: Sequence[StoredTrial]) -> Sequence[StoredTrial]:
    """Return the first of some trials, as many as fit into a page; one at least."""
    epochs = 0
    for place, row in enumerate(rows):
        epochs += row.epoch
        if place and epochs > MOST_EPOCHS:
            return rows[:place]
    return rows


def _search(row: StoredSearch) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in _OF_SEARCH}
    over = None if row.over is None else orjson.loads(row.over)
    return {**told, "spec": orjson.loads(row.spec), "over": over}


def _dataset(snapshot: Snapshot, row: StoredSearch) -> tuple[dict[str, Any] | None, str | None]:
    """Return where the examples come from, or why that is not known any more."""
    try:
        return starting_model.dataset_of_stored(snapshot, orjson.loads(row.spec)), None
    except RefusedError as error:
        return None, str(error)


def _trials(
    snapshot: Snapshot, search: int, rows: Sequence[StoredTrial], first: int, last: int
) -> list[dict[str, Any]]:
    commands = recorded.commands_of(snapshot, search, first, last)
    checkpoints = recorded.checkpoints_of(snapshot, search, first, last)
    attempts = recorded.attempts_of(snapshot, search, first, last)
    curves = recorded.curves_of(snapshot, search, first, last)
    return [
        {
            **_fields(row),
            "commands": {str(one.id): _command(one) for one in commands.get(row.number, ())},
            "curves": {str(branch): curve for branch, curve in curves.get(row.number, {}).items()},
            "attempts": {str(one["attempt"]): _attempt(one) for one in attempts.get(row.number, ())},
            "files": {str(one.id): _file(one) for one in checkpoints.get(row.number, ())},
        }
        for row in rows
    ]


def _fields(row: StoredTrial) -> dict[str, Any]:
    """Return the columns of a trial: documents parsed, coordinates as numbers."""
    found: dict[str, Any] = {}
    for one in FIELDS:
        value = getattr(row, one.column)
        if one.column in _LEFT_OUT:
            continue
        if one.column == "unit":
            value = None if value is None else np.frombuffer(value, dtype="<f8").tolist()
        elif one.column in _DOCUMENTS and value is not None:
            value = orjson.loads(value)
        found[one.column] = value
    return found


def _command(one: StoredCommand) -> dict[str, Any]:
    told = one._asdict()
    for name in ("id", "search_id", "number", "idempotency"):
        del told[name]
    return told | {n: None if told[n] is None else orjson.loads(told[n]) for n in _OF_COMMAND}


def _attempt(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in ("search_id", "number")}


def _file(one: StoredCheckpoint) -> dict[str, Any]:
    names = ("attempt", "branch", "epoch", "step", "position", "kind", "digest", "size")
    return {name: getattr(one, name) for name in names}
