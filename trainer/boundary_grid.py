"""Answers of a model over places of its columns, given as cells in the user's own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .data.columns import Encoding
from .data.table import Array, Category, Table
from .predict import Model, Prediction

AT_ONCE = 4_000_000  # cells of places that are in memory

Cell = float | str | None


@dataclass(frozen=True, eq=False)
class Axis:
    """A column and the places along it: numbers, or the texts that training saw."""

    name: str
    values: Array | tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON."""
        kind = "category" if isinstance(self.values, tuple) else "number"
        return {"name": self.name, "kind": kind, "values": list(map(plain_cell, self.values))}


def answers_over(
    model: Model, encoding: Encoding, axes: Sequence[Axis], held: Mapping[str, Cell], which: int
) -> tuple[Array, Array | None]:
    """Return the answer at each place, (len(y), len(x)), and of classes its probability."""
    x, y = axes
    shape = len(y.values), len(x.values)
    places = np.indices(shape).reshape(2, -1)
    answers, probabilities = np.empty(shape), np.ones(shape)
    at_once = max(1, AT_ONCE // len(encoding.feature_names))
    for start in range(0, places.shape[1], at_once):
        here = slice(start, start + at_once)
        at = {y.name: (y, places[0, here]), x.name: (x, places[1, here])}
        found = predict_table(model, encoding, table_of(encoding, held, at))
        answers.flat[here] = answers_of(found, which)
        if found.probabilities is not None:
            probabilities.flat[here] = found.probabilities[np.arange(len(found.numbers)), found.numbers]
    if not (np.isfinite(answers).all() and np.isfinite(probabilities).all()):
        raise ValueError("its answers are not finite there")
    if model.info["kind"] == "regression":
        return answers, None
    return answers.astype(np.int64), probabilities


def table_of(
    encoding: Encoding, held: Mapping[str, Cell], at: Mapping[str, tuple[Axis, Array]], m: int = 0
) -> Table:
    """Return the rows of some places, or m rows alike, as a file would have them."""
    m = m or len(next(iter(at.values()))[1])
    usual = [np.nan if held[name] is None else held[name] for name in encoding.numbers]
    numbers = np.tile(np.array(usual, np.float64), (m, 1))
    categories = {}
    for name, levels in encoding.levels.items():
        text = held[name]
        code, only = (-1, ()) if text is None else (0, (str(text),))
        categories[name] = Category(np.full(m, code, np.int32), only)
        if name in at:
            categories[name] = Category(at[name][1].astype(np.int32), levels)
    for name, (axis, places) in at.items():
        if name not in encoding.levels:
            numbers[:, encoding.numbers.index(name)] = np.asarray(axis.values)[places]
    return Table("the grid", numbers, encoding.numbers, categories)


def predict_table(model: Model, encoding: Encoding, table: Table) -> Prediction:
    """Predict as `Model.predict` does of columns."""
    X = model.inputs_of(table, encoding)
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is refused
        return model.predict_prepared(X)


def answers_of(found: Prediction, which: int) -> Array:
    """Return the number of each class, or the values of one target."""
    return found.numbers if found.values is None else np.asarray(found.values[:, which], np.float64)


def plain_cell(value: Any) -> Cell:
    """Return a cell fit for JSON; a number that is not finite is a missing one."""
    if isinstance(value, str):
        return value
    return float(value) if np.isfinite(value) else None
