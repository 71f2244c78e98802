"""Warm start: what an earlier search found becomes the first points of a new one."""

from __future__ import annotations

from typing import Any

import orjson

from caviar.search.space import parameter_names
from caviar.search.spec import MOST_ENQUEUED, SearchSpec
from caviar.search.warm_start import starting_points
from caviar.service.errors import NotFoundError, RefusedError
from caviar.service.store import reads, searches
from caviar.service.store.snapshot import Snapshot

LOOKED_AT = 20  # trials for each point that is wanted: several may come to the same point


def resolved(snapshot: Snapshot, spec: SearchSpec) -> SearchSpec:
    """Append the best points of the earlier search to `enqueued`, as many as the budget holds.

    Raises RefusedError when there is no such search, no result in it, or no parameter in common.
    """
    wish = spec.warm_start
    if wish is None:
        return spec
    try:
        best = reads.best(snapshot, wish.search, LOOKED_AT * wish.points)
        row = searches.get(snapshot, wish.search)
    except NotFoundError:
        raise RefusedError.of(
            "warm_start.search", f"there is no search {wish.search}", "name a search of this server"
        ) from None
    earlier = _earlier(snapshot, row.id)
    if not set(earlier) & set(spec.space.names):
        raise RefusedError.of(
            "warm_start.search",
            f"search {row.id} has no parameter in common with this space",
            f"its parameters: {', '.join(earlier)}; leave warm_start out, or search some of them again",
        )
    if not best:
        raise RefusedError.of(
            "warm_start.search",
            f"search {row.id} has no result yet",
            "wait for its first results, or leave warm_start out",
        )
    sign = -1.0 if orjson.loads(row.spec).get("objective", {}).get("direction") == "maximize" else 1.0
    pairs = [(orjson.loads(one.params), sign * one.value) for one in best if one.value is not None]
    known = {spec.space.key(spec.space.canonical(point)) for point in spec.enqueued}
    fresh = [
        point
        for point in starting_points(spec.space, pairs, wish.points)
        if spec.space.key(point) not in known
    ]
    room = min(getattr(spec.strategy, "members", spec.budget.trials), MOST_ENQUEUED)
    left = max(0, room - len(spec.enqueued))
    return spec.model_copy(update={"enqueued": [*spec.enqueued, *fresh[:left]]})


def _earlier(snapshot: Snapshot, search: int) -> list[str]:
    """Name the parameters of an earlier search, those of its space as it is now."""
    spec: dict[str, Any] = orjson.loads(searches.get(snapshot, search).spec)
    return parameter_names(spec["space"])
