"""Which rows of a data set go where: into its parts, or into the training and dev sets of its folds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from caviar.trainer.data.folds import Folds, check_folds
from caviar.trainer.data.split import (
    Fractions,
    check_classes,
    fractions,
    rows_in_order,
    rows_of_groups,
    split_rows,
)
from caviar.trainer.data.table import Array, Table
from caviar.trainer.data.targets import Target

Rows = dict[str, Array]  # by part


def cuts_of(
    dataset: Mapping[str, Any], table: Table, target: Target, Y: Array, others: Collection[str]
) -> list[Rows]:
    """Return the rows of each part, once for each fold; `others` are the parts with sources of their own.

    Raises
    ------
    DataError
        There are too few rows, or too few of a class or groups.
    """
    split = dataset.get("split") or {}
    folds = folds_of(dataset, target)
    if folds is None:
        shares = fractions(split, table.rows, "dev" in others, "test" in others)
        return [rows_of(dataset, shares, target, Y, table)]
    held_out = 0.0 if "test" in others else float(split.get("test") or 0.0)
    rest, test = np.arange(table.rows), {}
    if held_out:
        cut = rows_of(dataset, Fractions(1.0 - held_out, 0.0, held_out), target, Y, table)
        rest, test = np.sort(cut["train"]), {"test": cut["test"]}
    labels = Y[rest] if target.task == "classification" else None
    if folds.stratified and labels is not None:
        check_folds(folds.folds, np.bincount(labels, minlength=len(target.classes)), target.classes)
    groups = None if table.split_groups is None else table.split_groups[rest]
    found = folds.of(len(rest), labels, groups)
    return [{"train": rest[train], "dev": rest[dev], **test} for train, dev in found]


def folds_of(dataset: Mapping[str, Any], target: Target) -> Folds | None:
    """Return the folds that a `dataset` object asks for, None if it has none."""
    if not dataset.get("folds"):
        return None
    return Folds(
        int(dataset["folds"]),
        int(dataset.get("repeats") or 1),
        int(dataset.get("seed") or 0),
        target.task == "classification" and is_stratified(dataset),
        bool(dataset.get("ordered")),
    )


def is_stratified(dataset: Mapping[str, Any]) -> bool:
    """Return whether each part has the same mix of classes: groups and order are heeded first."""
    if dataset.get("stratify") is None:
        return not dataset.get("split_groups") and not dataset.get("ordered")
    return bool(dataset["stratify"])


def rows_of(dataset: Mapping[str, Any], shares: Fractions, target: Target, Y: Array, table: Table) -> Rows:
    """Return the rows of each part, stratified if there are classes and nothing speaks against it."""
    seed = int(dataset.get("seed") or 0)
    if dataset.get("ordered"):
        return rows_in_order(shares, len(Y))
    if table.split_groups is not None:
        return rows_of_groups(shares, table.split_groups, seed)
    if target.task == "regression" or dataset.get("stratify") is False:
        return split_rows(shares, len(Y), None, seed)
    check_classes(shares, np.bincount(Y, minlength=len(target.classes)), target.classes)
    return split_rows(shares, len(Y), Y, seed)
