"""What the errors of one trial say, and the search that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from caviar import trainers
from caviar.search.spec import SearchSpec
from caviar.service.errors import FieldProblem, NotFoundError
from caviar.service.ids import TrialId
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import datasets
from caviar.service.usecases.commands import in_force
from caviar.trainer import diagnosis
from caviar.trainer.data.split import fractions, halves_of_dev
from caviar.trial_fields import StoredTrial


def diagnose(snapshot: Snapshot, trial: TrialId) -> diagnosis.Diagnosis:
    """Diagnose a trial that has ended.

    Raises NotFoundError for an unknown trial, and for one without finite errors.
    """
    row = trial_rows.get(snapshot, trial)
    spec = SearchSpec.parse(orjson.loads(search_rows.get(snapshot, trial.search).spec))
    metrics = {name: value for name, value in orjson.loads(row.metrics or b"{}").items() if value is not None}
    try:
        return diagnosis.diagnose(
            metrics,
            _base_error(snapshot, spec),
            spec.submitted(),
            _settings(snapshot, row, spec),
            dev_examples(snapshot, spec.dataset),
            train_examples=train_examples(snapshot, spec.dataset),
        )
    except ValueError as error:
        remedy = "Choose a trial that completed or was stopped, of a trainer that reports both errors"
        raise NotFoundError(
            f"trial {trial} ({row.state}) cannot be diagnosed", [FieldProblem("metrics", str(error), remedy)]
        ) from None


def _base_error(snapshot: Snapshot, spec: SearchSpec) -> float | None:
    """Return the base error; None of a regression for which nobody gave one: 0 is no error to aim at."""
    given = "base_error" in spec.model_fields_set
    return spec.base_error if given or _task(snapshot, spec.dataset) != "regression" else None


def _task(snapshot: Snapshot, dataset: Mapping[str, Any]) -> str | None:
    known = datasets.described(snapshot, str(dataset.get("name")))
    found = dataset.get("task") or ((known or {}).get("target") or {}).get("task")
    return None if found is None else str(found)


def train_examples(snapshot: Snapshot, dataset: Mapping[str, Any]) -> int | None:
    """Return about how many rows the training set has; None where that cannot be told."""
    known = datasets.described(snapshot, str(dataset.get("name")))
    if known is None:
        return None
    own = dataset.get("dev") is not None, dataset.get("test") is not None
    return round(int(known["rows"]) * fractions(dataset.get("split") or {}, known["rows"], *own).train)


def dev_examples(snapshot: Snapshot, dataset: Mapping[str, Any]) -> int | None:
    """Return about how many rows the dev set of a classification has; None where that cannot be told."""
    main, own = (
        datasets.described(snapshot, str(source.get("name"))) if isinstance(source, Mapping) else None
        for source in (dataset, dataset.get("dev"))
    )
    if main is None or (dataset.get("task") or (main["target"] or {}).get("task")) != "classification":
        return None
    split = dataset.get("split") or {}
    if dataset.get("dev") is None:
        shares = fractions(split, main["rows"], own_dev=False, own_test=dataset.get("test") is not None)
        return round(int(main["rows"]) * shares.dev)
    if own is None:
        return None
    own_test = dataset.get("test") is not None
    return round(int(own["rows"]) * halves_of_dev(split, own_test).train)


def _settings(snapshot: Snapshot, row: StoredTrial, spec: SearchSpec) -> dict[str, Any]:
    """Return the settings to go on from: those in force, with the epochs of a full trial, for any seed."""
    settings = in_force(snapshot, row, spec.settings)
    del settings["seed"]
    full = trainers.default_epochs(spec)
    if full is not None and "epochs" not in orjson.loads(row.params):
        settings["epochs"] = max(full, settings.get("epochs", full))
    return settings
