"""Where a model goes wrong: the rows of the dev set with truth, answer and loss; never of the test set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .data.load import Origin
from .data.source_rows import SourceRows, plain, source_rows
from .data.table import Category
from .data.types import Array, Data
from .data_slices import columns_of, slices_of
from .predict import Model
from .source_model import prepared_for
from .weighing import weights_of

PARTS: tuple[Literal["dev", "train_dev"], ...] = ("dev", "train_dev")
MOST_LISTED = 100_000  # rows of a part, those with the largest loss
AT_ONCE = 4096  # rows of which plain cells are in memory
MOST_CELLS = 4_000_000  # of all inputs together; rows beyond are listed without


@dataclass(frozen=True, eq=False)
class Judged:
    """The examples of a part under a model.

    Attributes
    ----------
    truth, answer : ndarray(int, (m,)) or ndarray(float64, (m, k))
        Class numbers, or values in the user's own units.
    wrong : ndarray(bool, (m,)) or None
        None for a regression.
    confidence : ndarray(float64, (m,)) or None
        The probability of the class that was answered.
    losses : ndarray(float64, (m,))
        -log of the probability of the true class, or the mean over the targets of squared differences in
        standard deviations; without regulariser and class weights. Their weighted mean is dev_cost.
    weights : ndarray(float64, (m,))
    """

    truth: Array
    answer: Array
    wrong: Array | None
    confidence: Array | None
    losses: Array
    weights: Array

    def error(self, deviation: float) -> float:
        """Return the error as in training: a share, or in standard deviations of the training targets."""
        if self.wrong is not None:
            return float((self.weights * self.wrong).mean())
        return float(np.sqrt((self.weights * self.losses).mean()) / deviation)


def error_analysis(model: Model, dataset: Mapping[str, Any]) -> Iterator[str]:
    """Judge the dev set, and the train-dev set where there is one.

    Parameters
    ----------
    model : Model
    dataset : mapping
        The `dataset` object of training.

    Yields
    ------
    str
        Lines of JSON. The first is an object: kind, classes, targets, deviation (of the training targets),
        and `parts`, what `_part` says of each, with lists of rows whose largest loss comes first. Then one
        line for each row whose input is told (`inputs` of a part), in the same order: [cells, pixels or
        null].

    Raises
    ------
    DataError
        The data cannot be read.
    ValueError
        The model was trained on other columns, or gives no finite numbers.
    """
    prepared = prepared_for(model, dataset)
    data = prepared.data(0)
    if model.info["sizes"][0] != data.n_features:
        message = f"the model takes {model.info['sizes'][0]} columns, the data set has {data.n_features}"
        raise ValueError(message)
    groups = [dataset[key] for key in ("groups", "split_groups") if dataset.get(key) is not None]
    parts, inputs, cells_left = {}, [], MOST_CELLS
    for part in PARTS:
        origin = prepared.origin(part)
        if origin is None:
            continue
        judged = judge(model, data, part)
        order = np.argsort(-judged.losses, kind="stable")[:MOST_LISTED]
        rows = source_rows(dataset, origin)
        told = min(len(order), max(0, cells_left) // max(1, _cells_of(rows)))
        cells_left -= told * _cells_of(rows)
        inputs.append((rows, order[:told]))
        parts[part] = _part(judged, origin, rows, order, data, groups) | {"inputs": told}
    head = {"kind": data.kind, "classes": list(data.class_names), "targets": list(data.target_names)}
    yield json.dumps({**head, "deviation": data.target_deviation, "parts": parts})
    for rows, order in inputs:
        yield from _lines(rows, order)


def judge(model: Model, data: Data, part: str) -> Judged:
    """Judge the examples of one part. Raises ValueError where a loss is not finite."""
    X, Y = getattr(data, f"X_{part}"), getattr(data, f"Y_{part}")
    logits = model.logits(X)
    Z, found = np.asarray(logits, np.float64), model.prediction_of(logits)
    weights = weights_of(data, part)
    weights = weights if weights.size else np.ones(len(X))
    if found.values is not None:
        losses = ((Z - Y) ** 2).mean(axis=1)
        truth = Y * data.target_sigma + data.target_mu
        judged = Judged(truth, found.values, None, None, losses, weights)
    else:
        logs = _log_probabilities(Z)
        rows, answer = np.arange(len(X)), found.numbers
        confidence = np.exp(logs[rows, answer])
        judged = Judged(Y, answer, answer != Y, confidence, -logs[rows, Y], weights)
    if not np.isfinite(judged.losses).all():
        raise ValueError(f"its answers for {int((~np.isfinite(judged.losses)).sum())} rows are not finite")
    return judged


def _log_probabilities(Z: Array) -> Array:
    """Return log a (m, number of classes) of Z[L] (m, n[L]), without the overflow of log(exp)."""
    if Z.shape[1] == 1:
        return np.column_stack([-np.logaddexp(0, Z[:, 0]), -np.logaddexp(0, -Z[:, 0])])
    return np.asarray(Z - np.logaddexp.reduce(Z, axis=1, keepdims=True))


def _part(
    judged: Judged, origin: Origin, rows: SourceRows, order: Array, data: Data, groups: Sequence[str]
) -> dict[str, Any]:
    """Describe a part: `source` is "dataset" or "dataset.dev", `row` the places in it, counted from 1."""
    columns = columns_of(origin, rows, groups)
    scale = data.target_deviation
    weighted = bool((judged.weights != 1).any())
    pixels = rows.pixels
    target = None if judged.confidence is not None else origin.table.target  # as written, not rounded
    assert not isinstance(target, Category)
    return {
        "source": origin.field,
        "rows": len(judged.losses),
        "wrong": None if judged.wrong is None else int(judged.wrong.sum()),
        "error": judged.error(scale),
        "loss": float((judged.weights * judged.losses).mean()),
        "columns": list(rows.columns),
        "more_columns": rows.more,
        "image_shape": rows.image_shape,
        "pixel_range": None if pixels is None else [float(pixels.min()), float(pixels.max())],
        "slices": slices_of(columns, judged.wrong, judged.losses, judged.weights, scale),
        "row": (origin.rows[order] + 1).tolist(),
        "truths": (judged.truth[order] if target is None else target[origin.rows[order]]).tolist(),
        "answers": judged.answer[order].tolist(),
        "confidences": None if judged.confidence is None else judged.confidence[order].tolist(),
        "losses": judged.losses[order].tolist(),
        "weights": judged.weights[order].tolist() if weighted else None,
        "are_wrong": None if judged.wrong is None else judged.wrong[order].tolist(),
    }


def _cells_of(rows: SourceRows) -> int:
    return len(rows.columns) + (0 if rows.pixels is None else rows.pixels.shape[1])


def _lines(rows: SourceRows, order: Array) -> Iterator[str]:
    for start in range(0, len(order), AT_ONCE):
        places = order[start : start + AT_ONCE]
        columns = [rows.cells(name, places) for name in rows.columns]
        for at, place in enumerate(places):
            pixels = None if rows.pixels is None else list(map(plain, rows.pixels[place]))
            yield json.dumps([[column[at] for column in columns], pixels])
