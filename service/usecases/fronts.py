"""The Pareto front of a search with several objectives, and how much its trials dominate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

from caviar.search.pareto import hypervolumes, nondominated, reference_of
from caviar.search.rounds import coarse_size
from caviar.search.spec import SearchSpec
from caviar.service.store import reads
from caviar.service.store import searches as search_rows
from caviar.service.store.snapshot import Snapshot

MOST = 20_000  # trials that are looked at, the first ones
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Front:
    """Results in all objectives, in the metrics' own signs; `best` are the rows that nothing dominates."""

    spec: SearchSpec
    numbers: list[int]
    values: Values  # (n, m)
    best: list[int]
    reference: list[float]
    hypervolumes: list[float]  # after each of the trials, by number
    params: dict[int, str]  # of the trials of the front, as JSON
    reason: str | None = None


def read_front(snapshot: Snapshot, search: int) -> Front:
    """Return the front of a search; of one with a single objective none, with the reason.

    Raises NotFoundError.
    """
    row = search_rows.get(snapshot, search)
    spec = SearchSpec.parse(orjson.loads(row.spec))
    if not spec.further:
        reason = "it has one objective: submit with objective: [{metric: dev_error}, {metric: parameters}]"
        return Front(spec, [], np.empty((0, 1)), [], [], [], {}, reason)
    rows = reads.results(snapshot, search, MOST)
    signs = np.array([one.sign for one in spec.objectives])
    scored = [spec.scored(one.value, orjson.loads(one.metrics or "{}")) for one in rows]
    signed = np.array(scored).reshape(len(rows), len(signs))
    best = np.flatnonzero(nondominated(signed))
    best = best[np.argsort(signed[best, 0], kind="stable")]
    reference = reference_of(signed, spec.references, coarse_size(spec)) if len(rows) else spec.references
    numbers = [one.number for one in rows]
    params = reads.params_of(snapshot, search, [numbers[place] for place in best.tolist()])
    return Front(
        spec,
        numbers,
        signed * signs,
        best.tolist(),
        [float(at) for at in reference * signs],
        hypervolumes(signed, reference).tolist(),
        params,
        None if rows else "no trial has a value yet",
    )
