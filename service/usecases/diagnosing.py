"""What the errors of one trial say, and the search that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel, Field

from caviar import trainers
from caviar.search.spec import SearchSpec
from caviar.service.errors import FieldProblem, NotFoundError
from caviar.service.ids import TrialId
from caviar.service.store import reads
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import datasets
from caviar.service.usecases.commands import in_force
from caviar.trainer import diagnosis
from caviar.trainer.data.split import fractions, halves_of_dev
from caviar.trial_fields import StoredTrial


class StepRecord(BaseModel):
    """One thing to try."""

    name: str = Field(description="bigger_network, train_longer, more_data, regularise, ...")
    text: str
    in_search: bool = Field(description="the next search does it")


class DiagnosisRecord(BaseModel):
    """Bias, variance and mismatch of a trial, and the recipe's next steps."""

    base_error: float
    train_error: float
    dev_error: float
    train_dev_error: float | None
    avoidable_bias: float = Field(description="train error - base error")
    variance: float = Field(description="dev error - train error, or train-dev error - train error")
    mismatch: float | None = Field(description="dev error - train-dev error, with a train-dev slice")
    problems: list[str] = Field(
        description="bias, variance, mismatch: those that are high, in the order of treatment"
    )
    threshold: float = Field(description="a gap above it is high")
    summary: str
    uncertainty: float | None = Field(description="two standard errors of the dev error, where known")
    steps: list[StepRecord]
    next_search: dict[str, Any] | None = Field(description="ready to be submitted; null: no search can help")


def diagnose(snapshot: Snapshot, trial: TrialId) -> dict[str, Any]:
    """Diagnose a trial that has ended.

    Raises NotFoundError for an unknown trial, and for one without finite errors.
    """
    row = reads.trial_row(snapshot, trial)
    spec = SearchSpec.parse(orjson.loads(reads.search_row(snapshot, trial.search).spec))
    metrics = {name: value for name, value in orjson.loads(row.metrics or b"{}").items() if value is not None}
    try:
        found = diagnosis.diagnose(
            metrics,
            spec.base_error or 0.0,
            spec.submitted(),
            _settings(snapshot, row, spec),
            _dev_examples(snapshot, spec.dataset),
        )
    except ValueError as error:
        remedy = "Choose a trial that completed or was stopped, of a trainer that reports both errors"
        raise NotFoundError(
            f"trial {trial} ({row.state}) cannot be diagnosed", [FieldProblem("metrics", str(error), remedy)]
        ) from None
    return {**found.as_dict(), "threshold": diagnosis.THRESHOLD}


def _dev_examples(snapshot: Snapshot, dataset: Mapping[str, Any]) -> int | None:
    """Give about how many rows the dev set of a classification has; None where that cannot be told."""
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
    """Give the settings to go on from: those in force, with the epochs of a full trial, for any seed."""
    settings = in_force(snapshot, row, spec.settings)
    del settings["seed"]
    full = trainers.default_epochs(spec)
    if full is not None and "epochs" not in orjson.loads(row.params):
        settings["epochs"] = max(full, settings.get("epochs", full))
    return settings
