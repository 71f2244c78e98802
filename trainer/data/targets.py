"""What is to be predicted: classes or numbers, and which classes there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caviar.trainer.data.table import Array, Category, Table, Task, shown
from caviar.trainer.data.types import Kind
from caviar.trainer.problem import DataError

MOST_GUESSED = 100  # different whole numbers beyond which a target is taken for a quantity


@dataclass(frozen=True)
class Target:
    """How the target column becomes Y.

    Attributes
    ----------
    task : {"classification", "regression"}
    classes : tuple of str
        Names of the classes in the order of their numbers; empty for regression.
    names : tuple of str
        Of the target columns.
    """

    task: Task
    classes: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """Which output unit and loss this asks for."""
        if self.task == "regression":
            return "regression"
        return "binary" if len(self.classes) == 2 else "multiclass"

    @classmethod
    def of(cls, table: Table, task: Task | None) -> Target:
        """Decide the task and the classes from the training source.

        Without `task`, texts are classes; so are whole numbers, if there are at most 100 different ones and
        half as many as rows. Several columns that look like one-hot classes are refused. Everything else is
        regression.

        Raises
        ------
        DataError
            The target does not suit the task, is missing somewhere, has one class only, or is one-hot.
        """
        target = _present(table)
        task = task or table.task
        if isinstance(target, Category):
            if task == "regression":
                remedy = "set dataset.task to classification, or write numbers"
                raise DataError.of("dataset.task", f"the target {table.target_names[0]!r} has texts", remedy)
            task = "classification"
        elif task is None:
            _refuse_one_hot(target)
            task = "classification" if _looks_like_classes(target) else "regression"
        if task == "regression":
            return cls(task, (), table.target_names)
        if not isinstance(target, Category) and target.shape[1] > 1:
            message = f"classification of {target.shape[1]} target columns"
            raise DataError.of("dataset.target", message, "name one column of classes")
        category = _category(target)
        used = np.unique(category.codes)
        classes = tuple(category.levels[code] for code in used)
        if len(classes) < 2:
            message = f"there is one class only, {classes[0]!r}"
            raise DataError.of("dataset.target", message, "give examples of at least two classes")
        if table.rows < len(classes):
            raise DataError.of("dataset", f"{table.rows} rows for {len(classes)} classes", "give more rows")
        return cls(task, classes, table.target_names)

    def encode(self, table: Table, field: str = "dataset") -> Array:
        """Return Y before normalisation.

        Returns
        -------
        Y : ndarray(int32, (m,)) of class numbers, or ndarray(float64, (m, k)) of targets

        Raises
        ------
        DataError
            A label is outside the classes; the row is named.
        """
        target = _present(table)
        if self.task == "regression":
            if isinstance(target, Category):
                raise DataError.of(field, f"the target of {table.source} has texts", "write numbers")
            if target.shape[1] != len(self.names):
                message = f"{table.source} has {target.shape[1]} targets, training has {len(self.names)}"
                raise DataError.of(field, message, "give both sources the same targets")
            return target
        category = _category(target)
        codes = category.coded_by(self.classes)
        unknown = np.flatnonzero(codes < 0)
        if len(unknown):
            label = category.levels[category.codes[unknown[0]]]
            message = f"{table.source}, row {unknown[0] + 1}: the label {label!r} is outside the classes"
            raise DataError.of(field, message, f"use one of {shown(self.classes)}")
        return codes


def _present(table: Table) -> Array | Category:
    """Return the target; refuse missing and infinite targets, and tables without rows."""
    if table.target is None:
        raise DataError.of("dataset.target", f"{table.source} has no target", "name the column to predict")
    if table.rows == 0:
        raise DataError.of("dataset", f"{table.source} has no rows", "give at least a few dozen")
    if isinstance(table.target, Category):
        bad = table.target.codes < 0
    else:
        bad = np.asarray(~np.isfinite(table.target).all(axis=1))
    rows = np.flatnonzero(bad)
    if len(rows):
        what = "is missing" if isinstance(table.target, Category) else "is missing or not finite"
        message = f"{table.source}, row {rows[0] + 1}: the target {what} ({len(rows)} such rows)"
        raise DataError.of("dataset.target", message, "fill it in, or drop the row")
    return table.target


def _category(target: Array | Category) -> Category:
    return target if isinstance(target, Category) else Category.of(target[:, 0])


def _refuse_one_hot(target: Array) -> None:
    """Refuse three or more columns with a single 1 in each row, which nobody means as quantities."""
    k = target.shape[1]
    if k < 3 or ((target != 0) & (target != 1)).any() or (target.sum(axis=1) != 1).any():
        return
    message = f"the {k} target columns are classes written one-hot: each row has a single 1"
    remedy = (
        "give class numbers instead, y.argmax(axis=1); or set dataset.task: regression to train it as it is"
    )
    raise DataError.of("dataset.target", message, remedy)


def _looks_like_classes(target: Array) -> bool:
    if target.shape[1] > 1 or (target != np.floor(target)).any():
        return False
    different = len(np.unique(target))
    return different <= MOST_GUESSED and 2 * different <= len(target)
