"""Fields of all trials of a search as columns, for plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from caviar.service.errors import RefusedError
from caviar.service.store import searches as search_rows
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tables import trials
from caviar.trial_fields import Use, used

t = trials.c
DIRECT = used(Use.PLOT)
MOST_FIELDS = 200
PIECE = 10_000  # trials that one statement names: databases bound its parameters


@dataclass(frozen=True)
class TrialColumns:
    """Fields of trials by name, a value a trial; `total`: trials of the search, those left out included."""

    total: int
    columns: dict[str, list[Any]]


def read(
    snapshot: Snapshot,
    search: int,
    fields: Sequence[str],
    limit: int,
    numbers: Sequence[int] | None = None,
) -> TrialColumns:
    """Return fields of the first `limit` trials by number, or of those with the given ascending numbers.

    Raises NotFoundError, RefusedError.
    """
    row = search_rows.get(snapshot, search)
    inside = {name: _split(name) for name in fields if name not in DIRECT}
    if len(fields) > MOST_FIELDS:
        raise RefusedError.of("fields", f"{len(fields)} are too many", f"ask for at most {MOST_FIELDS}")
    wanted = [t[name] for name in fields if name in DIRECT]
    documents = sorted({document for document, _ in inside.values()})
    query = select(t.number, *wanted, *(t[name] for name in documents)).where(t.search_id == search)
    query = query.order_by(t.number)
    if numbers is None:
        rows = snapshot.execute(query.limit(limit)).all()
    else:
        first = numbers[:limit]
        pieces = (first[start : start + PIECE] for start in range(0, len(first), PIECE))
        rows = [row for piece in pieces for row in snapshot.execute(query.where(t.number.in_(piece)))]
    parsed = {name: [orjson.loads(getattr(one, name) or "{}") for one in rows] for name in documents}
    columns: dict[str, list[Any]] = {}
    for name in fields:
        if name in inside:
            document, key = inside[name]
            columns[name] = [one.get(key) for one in parsed[document]]
        else:
            columns[name] = [getattr(one, name) for one in rows]
    return TrialColumns(row.proposed, columns)


def _split(name: str) -> tuple[str, str]:
    document, _, key = name.partition(".")
    if document not in ("params", "metrics") or not key:
        known = f"{', '.join(DIRECT)}, params.NAME, metrics.NAME"
        raise RefusedError.of("fields", f"{name!r} is not a field of trials", f"known: {known}")
    return document, key
