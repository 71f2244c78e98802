"""The trivial model that the trials of a search are held against, from what is known of its data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caviar.search.spec import SearchSpec
from caviar.service.errors import RefusedError
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases import datasets, submit_data
from caviar.trainer import baseline

NAMED = ("dev_error", "train_error", "train_dev_error", "dev_cost")  # metrics that a constant answer has


@dataclass(frozen=True)
class Baseline:
    """What a model scores that gives every row the same answer."""

    value: float  # in units of the objective
    text: str


def of_search(snapshot: Snapshot, spec: SearchSpec) -> Baseline | None:
    """Return the trivial model of a search; None where its metric or its data does not tell."""
    metric = spec.objective.metric
    if spec.trainer != "mlp" or metric not in NAMED:
        return None
    try:
        dataset = datasets.resolve(snapshot, spec.dataset)
    except RefusedError:  # deleted since: the trials stay, and are held against nothing
        return None
    main = datasets.described(snapshot, str(dataset.get("name")))
    if main is None:
        return None
    if _task(dataset, main) == "regression":
        value = baseline.constant_regressor(metric)
        return None if value is None else Baseline(value, "always answering the mean")
    counts = submit_data.class_counts(dataset, main)
    if not submit_data.all_known(counts):
        return None
    return _classifier(metric, counts, _dev_counts(snapshot, dataset))


def _task(dataset: Mapping[str, Any], main: Mapping[str, Any]) -> str | None:
    task = dataset.get("task") or (main.get("target") or {}).get("task")
    return None if task is None else str(task)


def _dev_counts(snapshot: Snapshot, dataset: Mapping[str, Any]) -> dict[str, int] | None:
    """Return the rows of each class of a dev set of its own."""
    part = dataset.get("dev")
    if not isinstance(part, Mapping):
        return None
    known = datasets.described(snapshot, str(part.get("name")))
    found = submit_data.class_counts({**dataset, **part}, known) if known else {}
    return found if submit_data.all_known(found) else None


def _classifier(metric: str, counts: Mapping[str, int], dev: Mapping[str, int] | None) -> Baseline | None:
    value = baseline.constant_classifier(metric, counts, dev)
    if value is None:
        return None
    if metric.endswith("_cost"):
        return Baseline(value, "always answering how common each class is")
    most = baseline.commonest(counts)
    return Baseline(value, f"always answering {most!r}")
