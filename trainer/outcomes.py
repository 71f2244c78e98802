"""What a model gets right and wrong on the dev set: a confusion matrix, or the residuals of a regression."""

from __future__ import annotations

from typing import Any

import numpy as np

from .data.types import Array, Data
from .predict import Model

MOST_CLASSES = 50  # in a matrix; of more the pairs alone are given
MOST_PAIRS = 50
MOST_POINTS = 2000  # of each target
MOST_TARGETS = 8


def outcomes(model: Model, data: Data) -> dict[str, Any]:
    """Predict the dev set and compare.

    Parameters
    ----------
    model : Model
    data : Data
        The same data as in training: precision and normalisation must be those of the model's settings.

    Returns
    -------
    dict
        Plain JSON: kind, rows, error (as in training), and for classes `classes`, `matrix` (actual down,
        predicted across) and `confused`; for a regression `targets`, each with points and measures.

    Raises
    ------
    ValueError
        The model was trained on other columns.
    """
    if model.info["sizes"][0] != data.n_features:
        message = f"the model takes {model.info['sizes'][0]} columns, the data set has {data.n_features}"
        raise ValueError(message)
    found = model.predict_prepared(data.X_dev)
    common = {"kind": data.kind, "part": "dev", "rows": len(data.X_dev)}
    if found.values is not None:
        actual = data.Y_dev * data.target_sigma + data.target_mu
        squares = ((found.values - actual) / data.target_sigma) ** 2
        error = float(np.sqrt(np.mean(squares)) / data.target_deviation)
        shown = list(data.target_names)[:MOST_TARGETS]
        targets = [residuals(name, actual[:, j], found.values[:, j]) for j, name in enumerate(shown)]
        return {**common, "error": error, "targets": targets}
    assert found.probabilities is not None
    predicted = found.numbers
    error = float(np.mean(predicted != data.Y_dev))
    return {**common, "error": error, **confusion(data.class_names, data.Y_dev, predicted)}


def confusion(classes: tuple[str, ...], actual: Array, predicted: Array) -> dict[str, Any]:
    """Count what was taken for what.

    Parameters
    ----------
    classes : tuple of str
    actual, predicted : ndarray(int, (m,))
        Class numbers.
    """
    n = len(classes)
    counts = np.bincount(np.asarray(actual, np.int64) * n + predicted, minlength=n * n).reshape(n, n)
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    worst = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [(int(place) // n, int(place) % n) for place in worst if wrong.flat[place]]
    return {
        "classes": list(classes),
        "matrix": counts.tolist() if n <= MOST_CLASSES else None,
        "confused": [
            {"actual": classes[a], "predicted": classes[p], "count": int(wrong[a, p])} for a, p in pairs
        ],
    }


def residuals(name: str, actual: Array, predicted: Array) -> dict[str, Any]:
    """Compare one target; of many rows the points are the worst ones and an even spread of the rest.

    Parameters
    ----------
    actual, predicted : ndarray(real, (m,))
        In the user's own units.
    """
    residual = predicted - actual
    spread = float(np.sum((actual - actual.mean()) ** 2))
    r2 = 1 - float(np.sum(residual**2)) / spread if spread > 0 else None
    chosen = np.arange(len(actual))
    if len(chosen) > MOST_POINTS:
        worst = np.argsort(-np.abs(residual), kind="stable")[: MOST_POINTS // 10]
        even = np.linspace(0, len(actual) - 1, MOST_POINTS - len(worst)).astype(int)
        chosen = np.union1d(worst, even)
    return {
        "name": name,
        "mean_absolute_error": float(np.mean(np.abs(residual))),
        "root_mean_squared_error": float(np.sqrt(np.mean(residual**2))),
        "r2": r2,
        "row": chosen.tolist(),
        "actual": actual[chosen].tolist(),
        "predicted": predicted[chosen].tolist(),
    }
