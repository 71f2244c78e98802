"""What is wrong with what a `dataset` object says of folds, groups and order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caviar.trainer.problem import Problem

MOST_FOLDS = MOST_REPEATS = 100
MOST_TRAININGS = 200  # of one trial


def folds(field: str, value: object) -> list[Problem]:
    """Return what is wrong with a number of folds."""
    return _whole(field, value, 2, MOST_FOLDS, "folds")


def repeats(field: str, value: object) -> list[Problem]:
    """Return what is wrong with a number of repeats."""
    return _whole(field, value, 1, MOST_REPEATS, "repeats")


def _whole(field: str, value: object, low: int, high: int, what: str) -> list[Problem]:
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return []
    return [
        Problem(field, f"{value!r:.40} is not a number of {what}", f"use an integer from {low} to {high}")
    ]


def problems_of(dataset: Mapping[str, Any]) -> list[Problem]:
    """Return what does not go together, of values that are each right by themselves."""
    found = []
    if dataset.get("ordered"):
        found += _against_order(dataset)
    if not dataset.get("folds"):
        if dataset.get("repeats") is not None:
            found.append(
                Problem("dataset.repeats", "there are no folds to repeat", "add folds: 5, or drop it")
            )
        return found
    trainings = dataset["folds"] * (dataset.get("repeats") or 1)
    if trainings > MOST_TRAININGS:
        said = f"each trial would train {trainings} times"
        found.append(Problem("dataset.repeats", said, f"train {MOST_TRAININGS} times at most"))
    if dataset.get("dev") is not None:
        remedy = "leave the dev source out, or the folds"
        found.append(Problem("dataset.dev", "with folds each fold in turn is the dev set", remedy))
    return [*found, *_split(dataset)]


def _split(dataset: Mapping[str, Any]) -> list[Problem]:
    """With folds a split says how much is held out for the test set, and nothing else."""
    split, field = dataset.get("split"), "dataset.split"
    remedy = "write {test: 0.2}, or leave it out: then all rows are in the folds"
    if split is None:
        return []
    if not isinstance(split, Mapping):
        return [Problem(field, f"{split!r:.60} is not a set of shares", remedy)]
    said = "the folds say what is trained on and what is the dev set"
    found = [Problem(f"{field}.{part}", said, remedy) for part in split if part != "test"]
    share = split.get("test", 0.0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        found.append(
            Problem(f"{field}.test", f"{share!r:.40} is not a share", "use a number from 0 to below 1")
        )
    if share and dataset.get("test") is not None:
        remedy = "leave that share out, or the other source"
        found.append(Problem(f"{field}.test", "the test set has another source already", remedy))
    return found


def _against_order(dataset: Mapping[str, Any]) -> list[Problem]:
    found = []
    if dataset.get("split_groups") is not None:
        said = "groups would be torn where the rows are kept in order"
        found.append(Problem("dataset.split_groups", said, "leave out split_groups, or ordered"))
    if dataset.get("stratify"):
        said = "rows in order cannot be dealt out by class"
        found.append(Problem("dataset.stratify", said, "leave out stratify, or ordered"))
    if (dataset.get("repeats") or 1) > 1:
        said = "rows in order are cut into folds in one way only"
        found.append(Problem("dataset.repeats", said, "leave out repeats, or ordered"))
    return found
