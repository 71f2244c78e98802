"""What REST says of the end of a search: which budget it was, and what of it cannot be repeated."""

from __future__ import annotations

from typing import Any

import orjson

from caviar.service.store.rows import StoredSearch

_ROOMY = "set it so high that only a broken trial reaches it"
# What makes a search depend on the machines that train it, by its field.
_BY_MACHINE = {
    "budget.seconds": ("how many trials fit into them", "use trials, epochs, target or stale instead"),
    "limits.seconds": ("whether a trial keeps them", _ROOMY),
    "limits.silent_seconds": ("whether a trial keeps them", _ROOMY),
    "limits.memory": ("whether a trial keeps it", _ROOMY),
}


def ended_by(row: StoredSearch) -> dict[str, Any] | None:
    """Return which budget has ended a search; None where none has, as when it was cancelled."""
    if row.over is not None:
        return {"trial": None, **orjson.loads(row.over)}
    if row.ended is None or row.switch == "cancelled":
        return None
    return {"budget": "trials", "text": f"all its {row.total} trials have ended", "trial": None}


def unrepeatable(row: StoredSearch, spec: dict[str, Any]) -> list[dict[str, str]]:
    """Say by what a search may come out otherwise when it is run again; of one that has ended nothing."""
    if row.ended is not None or not spec.get("reproducible", True):
        return []
    found = []
    for field, (what, remedy) in _BY_MACHINE.items():
        part, _, name = field.partition(".")
        if (spec.get(part) or {}).get(name) is not None:
            message = f"{what} depends on the machines, so the search cannot be repeated exactly"
            found.append({"field": field, "message": message, "remedy": remedy})
    return found
