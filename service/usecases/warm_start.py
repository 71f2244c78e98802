"""Warm start: what earlier searches found, written into a new one, whatever becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from caviar.search.evidence import Result, frozen
from caviar.search.history import worst_states
from caviar.search.settings import Evidence, WarmStart
from caviar.search.space import Point, parameter_names
from caviar.search.spec import MOST_ENQUEUED, SearchSpec
from caviar.search.warm_start import starting_points
from caviar.service.errors import NotFoundError, RefusedError
from caviar.service.store import reads, searches
from caviar.service.store.snapshot import Snapshot

LOOKED_AT = 20  # trials for each point that is wanted: several may come to the same point


def resolved(snapshot: Snapshot, spec: SearchSpec) -> SearchSpec:
    """Write the results of the earlier searches into a search, or append their best points to `enqueued`.

    Raises RefusedError when there is no such search, no result in it, or no parameter in common.
    """
    wish = spec.warm_start
    if wish is None:
        return spec
    if wish.searches and spec.takes_evidence:
        named = [(f"warm_start.searches.{place}", one) for place, one in enumerate(wish.searches)]
        evidence = [_evidence(snapshot, spec, field, search) for field, search in named]
        return spec.model_copy(update={"warm_start": wish.model_copy(update={"evidence": evidence})})
    points = _in_turn([_best(snapshot, spec, wish, *one) for one in _named(wish)])
    known = {spec.space.key(spec.space.canonical(point)) for point in spec.enqueued}
    fresh = list({key: point for point in points if (key := spec.space.key(point)) not in known}.values())
    room = min(getattr(spec.strategy, "members", spec.budget.trials), MOST_ENQUEUED)
    left = max(0, room - len(spec.enqueued))
    kept = wish.model_copy(update={"evidence": []}) if wish.evidence else wish
    return spec.model_copy(update={"enqueued": [*spec.enqueued, *fresh[:left]], "warm_start": kept})


def _named(wish: WarmStart) -> list[tuple[str, int]]:
    """Return the field that names each earlier search, and its number."""
    if wish.search is not None:
        return [("warm_start.search", wish.search)]
    return [(f"warm_start.searches.{place}", one) for place, one in enumerate(wish.searches)]


def _in_turn(points: Sequence[Sequence[Point]]) -> list[Point]:
    """Return the first point of each search, then the second of each, and so on."""
    longest = max(map(len, points), default=0)
    return [each[place] for place in range(longest) for each in points if place < len(each)]


def _best(snapshot: Snapshot, spec: SearchSpec, wish: WarmStart, field: str, search: int) -> list[Point]:
    """Return the best points of an earlier search, brought into the space."""
    earlier = _earlier(snapshot, spec, field, search)
    best = reads.best(snapshot, search, LOOKED_AT * wish.points)
    if not best:
        raise _no_result(field, search)
    sign = _sign(earlier)
    pairs = [(orjson.loads(one.params), sign * one.value) for one in best if one.value is not None]
    return starting_points(spec.space, pairs, wish.points)


def _evidence(snapshot: Snapshot, spec: SearchSpec, field: str, search: int) -> Evidence:
    """Return the results of an earlier search as they are now."""
    earlier = _earlier(snapshot, spec, field, search)
    results = _results(snapshot, search, _sign(earlier), worst_states(earlier.get("failures", "learn")))
    if not any(np.isfinite(value) for _, value in results):
        raise _no_result(field, search)
    return frozen(search, results, spec.space.names)


def _results(snapshot: Snapshot, search: int, sign: float, worst: Sequence[str]) -> list[Result]:
    """Return points and values of a search, lower is better; those that a person took out are not there."""
    found: list[Result] = []
    for one in reads.all_trials(snapshot, search):
        if one.excluded is not None:
            continue
        if one.state in worst:
            found.append((orjson.loads(one.params), np.inf))
        elif one.value is not None and one.state in ("completed", "stopped"):
            found.append((orjson.loads(one.params), sign * one.value))
    return found


def _earlier(snapshot: Snapshot, spec: SearchSpec, field: str, search: int) -> dict[str, Any]:
    """Return an earlier search as it is now. Raises RefusedError without a parameter in common."""
    try:
        earlier: dict[str, Any] = orjson.loads(searches.get(snapshot, search).spec)
    except NotFoundError:
        said = f"there is no search {search}"
        raise RefusedError.of(field, said, "name a search of this server") from None
    names = parameter_names(earlier["space"])
    if not set(names) & set(spec.space.names):
        said = f"search {search} has no parameter in common with this space"
        remedy = f"its parameters: {', '.join(names)}; leave warm_start out, or search some of them again"
        raise RefusedError.of(field, said, remedy)
    return earlier


def _no_result(field: str, search: int) -> RefusedError:
    remedy = "wait for its first results, or leave warm_start out"
    return RefusedError.of(field, f"search {search} has no result yet", remedy)


def _sign(earlier: dict[str, Any]) -> float:
    """Return by which the values of a search become lower where they are better."""
    return -1.0 if earlier.get("objective", {}).get("direction") == "maximize" else 1.0
