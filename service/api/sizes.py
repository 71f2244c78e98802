"""A word on what a very large search will take, before it has taken it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGE = 1_000_000  # trials
# Measured on SQLite with two cores, beside the training: 3,000 trials of one epoch took 3.5 s and 381 bytes
# each, those of 30 epochs 7 bytes more for each epoch and metric.
TRIALS_A_SECOND, TRIAL_BYTES, NUMBER_BYTES = 850, 400, 8
METRICS = 12  # that mlp reports of an epoch


def of_its_size(total: int, spec: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a warning where a search has so many trials that rows, disk and time should be known first."""
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
