"""The settings of a trial by epoch, for people to read and for another search to train with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from caviar.search.spec import SearchSpec
from caviar.service.ids import TrialId
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import continuing, lineage

SEEDS = 3  # trainings of a search that takes a schedule up: one is luck
KEPT = ("dataset", "trainer", "objective", "further", "metrics", "subject_to", "limits", "base_error")


@dataclass(frozen=True)
class TrialSchedule:
    """With what a branch began, what changed on it, and up to which epoch."""

    trial: str
    settings: dict[str, Any]
    schedule: list[dict[str, Any]]
    epochs: int
    search: dict[str, Any]  # ready to be submitted


def read_schedule(snapshot: Snapshot, trial: TrialId, branch: int | None = None) -> TrialSchedule:
    """Return the settings of a branch by epoch, by default of the current one. Raises NotFoundError."""
    row = trial_rows.get(snapshot, trial)
    search = search_rows.get(snapshot, trial.search)
    spec = SearchSpec.parse(orjson.loads(search.spec))
    past = lineage.history(snapshot, row)
    number = row.branch if branch is None else branch
    changes = lineage.branch(past, number).changes
    epochs = row.epoch if number == row.branch else lineage.last_epoch(snapshot, past, number)
    begun = continuing.first_params(row.change_log, orjson.loads(row.params))
    settings = {**spec.settings, **begun, "epochs": epochs}
    made = schedule_of(changes)
    return TrialSchedule(str(trial), settings, made, epochs, _search(trial, spec, settings, made))


def schedule_of(changes: tuple[lineage.Change, ...]) -> list[dict[str, Any]]:
    """Return changes as a search takes them: each at the last end of an epoch before it."""
    made: dict[int, dict[str, Any]] = {}
    for change in changes:
        settings = {name: value for name, value in change["settings"].items() if name != "epochs"}
        if settings:
            made.setdefault(int(change["epoch"]), {}).update(settings)
    return [{"epoch": epoch, "set": made[epoch]} for epoch in sorted(made)]


def _search(
    trial: TrialId, spec: SearchSpec, settings: dict[str, Any], schedule: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a search that trains with a schedule from a few seeds."""
    submitted = spec.submitted()
    return {
        "name": f"schedule of {trial}",
        **{name: submitted[name] for name in KEPT if name in submitted},
        "settings": settings,
        "space": {},
        "strategy": "random",
        "budget": {"trials": SEEDS},
        **({"schedule": schedule} if schedule else {}),
    }
