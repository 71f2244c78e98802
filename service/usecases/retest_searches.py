"""The searches that a re-test consists of, as they are submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caviar.search.rounds import longest
from caviar.search.spec import SearchSpec
from caviar.service.store.rows import StoredSearch
from caviar.trial_settings import trial_seed

# What of the original does not hold for fixed points.
_ITS_OWN = ("enqueued", "warm_start", "reevaluate", "stopping", "strategy", "further", "lag", "parallel")
_NAMED = ("name", "note", "tags", "mode", "budget", "seed", "reproducible")


def points_again(
    spec: SearchSpec,
    row: StoredSearch,
    dataset: Mapping[str, Any],
    winners: Sequence[Mapping[str, Any]],
    seeds: int,
    nth: int,
    which: str,
    place: int,
) -> dict[str, Any]:
    """Return a search of the winners' points alone, each trained with so many seeds."""
    kept = {key: value for key, value in spec.submitted().items() if key not in _ITS_OWN + _NAMED}
    settings = dict(spec.settings)
    if (epochs := longest(spec)) is not None:
        settings["epochs"] = epochs
    return {
        **kept,
        **_label(spec, row, nth, which),
        "settings": settings,
        "dataset": dict(dataset),
        "strategy": {"name": "random"},
        "stopping": {"name": "none"},  # with folds the default is a race, which ends the worse ones
        "budget": {"trials": len(winners) * seeds},
        "enqueued": [dict(one["params"]) for _ in range(seeds) for one in winners],
        "seed": trial_seed(spec.seed, -(3 * nth + place)),
    }


def fresh_search(
    spec: SearchSpec, row: StoredSearch, dataset: Mapping[str, Any], often: tuple[int, int], nth: int
) -> dict[str, Any]:
    """Return a small search of its own; `often`: its trials, and how often its winner is trained again."""
    left_out = ("enqueued", "warm_start", "lag", "parallel", "further", *_NAMED)
    kept = {key: value for key, value in spec.submitted().items() if key not in left_out}
    return {
        **kept,
        **_label(spec, row, nth, "a fresh search"),
        "dataset": dict(dataset),
        "budget": {"trials": often[0]},
        "reevaluate": {"leaders": 1, "seeds": often[1]},
        "seed": trial_seed(spec.seed, -(3 * nth + 2)),
    }


def _label(spec: SearchSpec, row: StoredSearch, nth: int, which: str) -> dict[str, Any]:
    name = f"{row.name[:150]}: re-test {nth}, {which}" if row.name else f"re-test {nth}, {which}"
    return {"name": name, "note": f"Re-test {nth} of search {row.id}", "tags": list(spec.tags)}
