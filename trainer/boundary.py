"""What a model answers over two columns, the others held: its decision boundary, in the user's own units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .boundary_grid import AT_ONCE, Axis, Cell, answers_of, answers_over, plain_cell, predict_table, table_of
from .data.columns import Encoding
from .data.load import Origin
from .data.table import Array, Table, shown
from .data.types import Data
from .predict import Model, Prediction
from .problem import AskedError
from .source_model import prepared_for

LEAST, USUAL, MOST = 2, 60, 200  # places of an axis
MOST_LISTED = 1000  # columns to choose from that are told
MOST_POINTS = 500  # rows of the dev set
MARGIN = 0.05  # of the range of a column, at either end
USUAL_RANGE = 0.1, 0.9  # quantiles of a column between which it usually lies


def decision_boundary(
    model: Model,
    dataset: Mapping[str, Any],
    x: str | None = None,
    y: str | None = None,
    resolution: int = USUAL,
    row: int | None = None,
    target: str | None = None,
) -> dict[str, Any]:
    """Answer for each place of a grid over two columns, and for rows of the dev set.

    Parameters
    ----------
    model : Model
    dataset : mapping
        The `dataset` object of training.
    x, y : str, optional
        Columns; by default the two that move the answers most, each alone, over its usual range.
    resolution : int
        Places along a column of numbers; one of texts has its levels.
    row : int, optional
        A row of the dev set, counted from 1 in its file, whose values the other columns take. By default
        numbers have their median and texts the most frequent one, both of the training set.
    target : str, optional
        Of a regression with several.

    Returns
    -------
    dict
        Plain JSON: `x`, `y` (name, kind, values), `held` (the other columns), `exact` (there are none), and
        `answers` (len(y), len(x)): class numbers with their `probabilities`, or values in the user's own
        units; `points` of the dev set, with the answer to the whole row; `columns` to choose from.

    Raises
    ------
    AskedError
        There is no such column, row or target.
    DataError
        The data cannot be read.
    ValueError
        The model was trained on other columns, or gives no finite numbers.
    """
    prepared = prepared_for(model, dataset)
    train, dev = prepared.origin("train"), prepared.origin("dev")
    assert train is not None and dev is not None
    encoding, data = Encoding.from_dict(model.info["preprocessing"]["encoding"]), prepared.data(0)
    if encoding.feature_names != data.feature_names:
        raise ValueError("the model was trained on other columns than the data set has")
    columns = (*encoding.numbers, *encoding.levels)
    _refuse_unknown(columns, x, y)
    which = _target(model, target)
    held = _usual(train, columns) if row is None else _of_row(dev, columns, row)
    if x is None or y is None:
        x, y = _with_chosen(_moving(model, encoding, train, held), x, y)
    axes = [_axis(name, encoding, (train, dev), resolution) for name in (x, y)]
    answers, probabilities = answers_over(model, encoding, axes, held, which)
    binary = model.info["kind"] == "binary"
    return {
        "kind": model.info["kind"],
        "classes": list(model.info["class_names"]),
        "targets": list(model.info["target_names"]),
        "target": None if model.info["kind"] != "regression" else model.info["target_names"][which],
        "x": axes[0].as_dict(),
        "y": axes[1].as_dict(),
        "answers": answers.tolist(),
        "probabilities": None if probabilities is None else probabilities.tolist(),
        "threshold": model.info.get("threshold", 0.5) if binary else None,
        "exact": len(columns) <= 2,
        "row": row,
        "held": [{"name": name, "value": held[name]} for name in columns if name not in (x, y)][:MOST_LISTED],
        "columns": list(columns[:MOST_LISTED]),
        "more_columns": max(0, len(columns) - MOST_LISTED),
        "points": _points(model, data, dev, (x, y), which),
    }


def _refuse_unknown(columns: tuple[str, ...], x: str | None, y: str | None) -> None:
    if len(columns) < 2:
        message = f"the model has one column, {shown(columns)}"
        raise AskedError.of("x", message, "choose a trial on data with two columns or more")
    for field, name in (("x", x), ("y", y)):
        if name is not None and name not in columns:
            raise AskedError.of(field, f"the model has no column {name!r:.80}", f"use {shown(columns)}")
    if x is not None and x == y:
        raise AskedError.of("y", f"is the column of x, {x!r:.80}", "choose another one")


def _moving(model: Model, encoding: Encoding, train: Origin, held: Mapping[str, Cell]) -> dict[str, float]:
    """Return how far each column alone moves the answers, over its usual range or its texts."""
    names = list(held)[:MOST_LISTED]
    found = {}
    for name in (name for name in names if name in encoding.levels):
        axis = Axis(name, encoding.levels[name])
        at = {name: (axis, np.arange(len(axis.values)))}
        found[name] = float(_moved(predict_table(model, encoding, table_of(encoding, held, at)), 1)[0])
    numbers = [name for name in names if name in set(encoding.numbers)]
    together = max(1, AT_ONCE // len(encoding.feature_names) // 2)
    for start in range(0, len(numbers), together):
        some = numbers[start : start + together]
        table = table_of(encoding, held, {}, 2 * len(some))
        for place, name in enumerate(some):
            values = _numbers(train.table, name)[train.rows]
            ends = np.quantile(values[~np.isnan(values)], USUAL_RANGE)
            table.numbers[2 * place : 2 * place + 2, encoding.numbers.index(name)] = ends
        found |= dict(
            zip(some, _moved(predict_table(model, encoding, table), len(some)).tolist(), strict=True)
        )
    return {name: found[name] for name in names}


def _moved(answer: Prediction, columns: int) -> Array:
    """Return how far the answers to the rows of each column lie apart, ndarray(float64, (columns,))."""
    outputs = answer.values if answer.probabilities is None else answer.probabilities
    assert outputs is not None
    apart = np.ptp(outputs.reshape(columns, -1, outputs.shape[1]), axis=1)
    return np.asarray(np.nan_to_num(np.linalg.norm(apart, axis=1), nan=0.0, posinf=0.0))


def _with_chosen(moving: Mapping[str, float], x: str | None, y: str | None) -> tuple[str, str]:
    """Return two columns; one that is left open is that which moves the answers most."""
    order = list(moving)
    free = sorted((name for name in order if name not in (x, y)), key=lambda name: -moving[name])
    if x is None and y is None:
        first, second = sorted(free[:2], key=order.index)
        return first, second
    return x or free[0], y or free[0]


def _target(model: Model, target: str | None) -> int:
    names = list(model.info["target_names"])
    if target is None or target in names:
        return 0 if target is None else names.index(target)
    raise AskedError.of("target", f"there is no target {target!r:.80}", f"use {shown(names)}")


def _axis(name: str, encoding: Encoding, origins: tuple[Origin, ...], resolution: int) -> Axis:
    """Return the places along a column: its range in training and dev set with a margin, or its levels."""
    if name in encoding.levels:
        return Axis(name, encoding.levels[name])
    values = np.concatenate([_numbers(origin.table, name)[origin.rows] for origin in origins])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    room = MARGIN * (high - low) or 0.5 * max(1.0, abs(low))
    return Axis(name, np.linspace(low - room, high + room, resolution))


def _numbers(table: Table, name: str) -> Array:
    return np.asarray(table.numbers[:, table.number_names.index(name)], np.float64)


def _usual(train: Origin, columns: tuple[str, ...]) -> dict[str, Cell]:
    """Return the median of each column of numbers, the most frequent text of each other one."""
    found: dict[str, Cell] = {}
    for name in columns:
        if name in train.table.categories:
            category = train.table.categories[name]
            codes = category.codes[train.rows]
            found[name] = category.levels[int(np.bincount(codes[codes >= 0]).argmax())]
        else:
            values = _numbers(train.table, name)[train.rows]
            found[name] = float(np.median(values[~np.isnan(values)]))
    return found


def _of_row(dev: Origin, columns: tuple[str, ...], row: int) -> dict[str, Cell]:
    if row - 1 not in dev.rows:
        message = f"row {row} is not one of the dev set"
        raise AskedError.of("row", message, "give the number of a row that the trial's errors list")
    found: dict[str, Cell] = {}
    for name in columns:
        if name in dev.table.categories:
            category = dev.table.categories[name]
            code = category.codes[row - 1]
            found[name] = category.levels[code] if code >= 0 else None
        else:
            found[name] = plain_cell(_numbers(dev.table, name)[row - 1])
    return found


def _points(model: Model, data: Data, dev: Origin, names: tuple[str, str], which: int) -> dict[str, Any]:
    """Return rows of the dev set, evenly spaced: their places, what is true, and the answer to each."""
    m = len(dev.rows)
    chosen = np.arange(min(m, MOST_POINTS), dtype=np.int64) * m // min(m, MOST_POINTS)
    found = model.predict_prepared(data.X_dev[chosen])
    truth = data.Y_dev[chosen]
    if found.values is not None:
        truth = (np.asarray(truth, np.float64) * data.target_sigma + data.target_mu)[:, which]
    rows = dev.rows[chosen]
    cells = []
    for name in names:
        if name in dev.table.categories:
            category = dev.table.categories[name]
            cells.append([category.levels[c] if c >= 0 else None for c in category.codes[rows]])
        else:
            cells.append([plain_cell(value) for value in _numbers(dev.table, name)[rows]])
    return {
        "row": (rows + 1).tolist(),
        "x": cells[0],
        "y": cells[1],
        "truth": truth.tolist(),
        "answer": answers_of(found, which).tolist(),
        "total": m,
    }
