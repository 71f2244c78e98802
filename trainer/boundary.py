"""What a model answers over two columns, the others held: its decision boundary, in the user's own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .data import normalize
from .data.columns import Encoding
from .data.load import Origin, Prepared
from .data.table import Array, Category, Table, shown
from .predict import Model, Prediction
from .problem import AskedError
from .source_model import SourceModel

LEAST, USUAL, MOST = 2, 60, 200  # places of an axis
MOST_LISTED = 1000  # columns to choose from that are told
MOST_POINTS = 500  # rows of the dev set
MARGIN = 0.05  # of the range of a column, at either end
AT_ONCE = 4_000_000  # cells of places that are in memory
USUAL_RANGE = 0.1, 0.9  # quantiles of a column between which it usually lies

Cell = float | str | None


@dataclass(frozen=True, eq=False)
class Axis:
    """A column and the places along it: numbers, or the texts that training saw."""

    name: str
    values: Array | tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON."""
        kind = "category" if isinstance(self.values, tuple) else "number"
        return {"name": self.name, "kind": kind, "values": list(map(_plain, self.values))}


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
    settings = model.info["settings"]
    source = SourceModel.prepared_by(model.info, model.tensors)
    prepared = Prepared(dataset, settings["precision"], settings["normalize"], source)
    train, dev = prepared.origin("train"), prepared.origin("dev")
    assert train is not None and dev is not None
    encoding = Encoding.from_dict(model.info["preprocessing"]["encoding"])
    if encoding.feature_names != prepared.data(0).feature_names:
        raise ValueError("the model was trained on other columns than the data set has")
    columns = (*encoding.numbers, *encoding.levels)
    _refuse_unknown(columns, x, y)
    which = _target(model, target)
    held = _usual(train, columns) if row is None else _of_row(dev, columns, row)
    if x is None or y is None:
        x, y = _with_chosen(_moving(model, encoding, train, held), x, y)
    axes = [_axis(name, encoding, (train, dev), resolution) for name in (x, y)]
    answers, probabilities = _over_grid(model, encoding, axes, held, which)
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
        "points": _points(model, encoding, prepared, dev, (x, y), which),
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
    found = {}
    for name in list(held)[:MOST_LISTED]:
        if name in encoding.levels:
            axis = Axis(name, encoding.levels[name])
        else:
            values = _numbers(train.table, name)[train.rows]
            axis = Axis(name, np.quantile(values[~np.isnan(values)], USUAL_RANGE))
        places = np.arange(len(axis.values))
        answer = _predict(model, encoding, _table_of(encoding, held, {name: (axis, places)}))
        outputs = answer.values if answer.probabilities is None else answer.probabilities
        assert outputs is not None
        moved = float(np.linalg.norm(np.ptp(outputs, axis=0)))
        found[name] = moved if np.isfinite(moved) else 0.0
    return found


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
            found[name] = _plain(_numbers(dev.table, name)[row - 1])
    return found


def _over_grid(
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
        found = _predict(model, encoding, _table_of(encoding, held, at))
        answers.flat[here] = _answers(found, which)
        if found.probabilities is not None:
            probabilities.flat[here] = found.probabilities[np.arange(len(found.numbers)), found.numbers]
    if not (np.isfinite(answers).all() and np.isfinite(probabilities).all()):
        raise ValueError("its answers are not finite there")
    if model.info["kind"] == "regression":
        return answers, None
    return answers.astype(np.int64), probabilities


def _table_of(encoding: Encoding, held: Mapping[str, Cell], at: Mapping[str, tuple[Axis, Array]]) -> Table:
    """Return the rows of some places, as a file would have them."""
    m = len(next(iter(at.values()))[1])
    numbers = np.empty((m, len(encoding.numbers)))
    categories = {}
    for j, name in enumerate(encoding.numbers):
        value = held[name]
        numbers[:, j] = (
            np.asarray(at[name][0].values)[at[name][1]] if name in at else np.nan if value is None else value
        )
    for name, levels in encoding.levels.items():
        if name in at:
            categories[name] = Category(at[name][1].astype(np.int32), levels)
        else:
            text = held[name]
            code, only = (-1, ()) if text is None else (0, (str(text),))
            categories[name] = Category(np.full(m, code, np.int32), only)
    return Table("the grid", numbers, encoding.numbers, categories)


def _predict(model: Model, encoding: Encoding, table: Table) -> Prediction:
    """Predict as `Model.predict` does of columns."""
    mu, sigma = model.tensors["mu"], model.tensors["sigma"]
    X = normalize.apply(encoding.transform(table), mu, sigma, model.tensors["W1"].dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is refused
        return model.predict_prepared(X)


def _answers(found: Prediction, which: int) -> Array:
    return found.numbers if found.values is None else np.asarray(found.values[:, which], np.float64)


def _points(
    model: Model, encoding: Encoding, prepared: Prepared, dev: Origin, names: tuple[str, str], which: int
) -> dict[str, Any]:
    """Return rows of the dev set, evenly spaced: their places, what is true, and the answer to each."""
    data = prepared.data(0)
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
            cells.append([_plain(value) for value in _numbers(dev.table, name)[rows]])
    return {
        "row": (rows + 1).tolist(),
        "x": cells[0],
        "y": cells[1],
        "truth": truth.tolist(),
        "answer": _answers(found, which).tolist(),
        "total": m,
    }


def _plain(value: Any) -> Cell:
    """Return a cell fit for JSON; a number that is not finite is a missing one."""
    if isinstance(value, str):
        return value
    return float(value) if np.isfinite(value) else None
