"""A word on a search that is very large, or larger than its space, before it has begun."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from caviar.search.encoding import count_points
from caviar.search.space import Space
from caviar.service.usecases.studies import OPTUNA

LARGE = 1_000_000  # trials
# Measured on SQLite with two cores, beside the training: 3,000 trials of one epoch took 3.5 s and 381 bytes
# each, those of 30 epochs 7 bytes more for each epoch and metric.
TRIALS_A_SECOND, TRIAL_BYTES, NUMBER_BYTES = 850, 400, 8
METRICS = 12  # that mlp reports of an epoch


def of_its_size(total: int, spec: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return warnings of the rows, disk and time that many trials take, and of a space with fewer points."""
    return [*_of_its_cost(total, spec), *_of_its_space(spec)]


def _of_its_space(spec: Mapping[str, Any]) -> list[dict[str, str]]:
    """Say that a space has fewer points than trials, and what the further ones will be."""
    trials = int((spec.get("budget") or {}).get("trials") or 0)
    given = spec.get("strategy") or "coarse_to_fine"
    strategy = given if isinstance(given, str) else given.get("name")
    if strategy == "population" or spec.get("trainer") == OPTUNA:  # whose trials are turns; whose space grows
        return []
    points = _points(orjson.dumps(spec.get("space") or {}))
    if points is None or points >= trials:
        return []
    further = "trials repeat points with other seeds"
    if strategy == "coarse_to_fine":
        further += ", the promising ones most often"
    message = f"the space has {points:,} points for {trials:,} trials: once all are tried, {further}"
    remedy = "unless you want to know how much values vary, set a smaller number or widen the space"
    return [{"field": "budget.trials", "message": message, "remedy": remedy}]


@lru_cache(maxsize=1024)
def _points(space: bytes) -> int | None:
    """Return how many points a space has; None for a continuum, which is told at a glance."""
    read = orjson.loads(space)
    for one in read.values():
        counted = not isinstance(one, dict) or "low" not in one or one.get("type") == "int" or one.get("step")
        if not counted:
            return None
    found = Space.model_validate(read)
    return count_points(found) if found.dimensions else None  # one point: trials of it are meant


def _of_its_cost(total: int, spec: Mapping[str, Any]) -> list[dict[str, str]]:
    if total < LARGE:
        return []
    budget, again = spec.get("budget") or {}, spec.get("reevaluate") or {}
    epochs = (spec.get("settings") or {}).get("epochs")
    epochs = epochs if isinstance(epochs, int) else 1
    gigabytes = total * (TRIAL_BYTES + NUMBER_BYTES * METRICS * epochs) / 1e9
    hours = total / TRIALS_A_SECOND / 3600
    trained_again = int(again.get("leaders") or 0) * int(again.get("seeds") or 0)
    place = "reevaluate" if trained_again > int(budget.get("trials") or 0) else "budget.trials"
    message = (
        f"{total:,} trials take as many rows, about {gigabytes:,.0f} GB of database with their curves, and "
        f"at least {hours:,.1f} hours of bookkeeping, on top of the training itself"
    )
    remedy = "unless you intend this, set a smaller number; the budget can be raised later (caviar edit)"
    return [{"field": place, "message": message, "remedy": remedy}]
