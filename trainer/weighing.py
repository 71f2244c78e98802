"""What each example and each mistake counts, and from which probability on a class is predicted.

Weights of rows (`dataset.weights`) count in cost, gradient and all metrics; `class_weight` in cost and
gradient of the training set alone; `price` in the metric price alone; `threshold` in all that decides.
"""

from __future__ import annotations

import math

import numpy as np

from .data.types import Array, Data
from .problem import SettingError
from .settings import Settings

NO_WEIGHTS = np.zeros(0)


def weights_of(data: Data, part: str) -> Array:
    """Return what the rows of a part count, ndarray(float64, (m,)) of mean 1; empty: 1 each."""
    weights = getattr(data, f"weights_{part}")
    return NO_WEIGHTS if weights is None else weights


def cost_weights_of(settings: Settings, data: Data) -> Array:
    """Return what the training examples count in J: weight of the row times that of its class, mean 1.

    "balanced" is sum w/(n_classes sum of w in the class). A mean of 1 keeps alpha and lambda.

    Raises
    ------
    SettingError
        class_weight is for classes, and names other ones than there are.
    """
    rows = weights_of(data, "train")
    if settings.class_weight is None:
        return rows
    if data.kind == "regression":
        raise SettingError.of(
            "settings.class_weight",
            "a regression has no classes",
            "leave it out; dataset.weights weighs rows",
        )
    ones = np.ones(len(data.Y_train))
    mass = np.bincount(data.Y_train, rows if rows.size else ones, minlength=data.n_classes)
    if isinstance(settings.class_weight, str):  # balanced
        of_class = mass.sum() / (data.n_classes * mass)
    else:
        given = dict(settings.class_weight)
        unknown = [name for name in given if name not in data.class_names]
        if unknown:
            raise SettingError.of(
                "settings.class_weight",
                f"no class is called {unknown[0]!r}",
                f"the classes are {', '.join(data.class_names[:20])}; those left out have weight 1",
            )
        of_class = np.array([given.get(name, 1.0) for name in data.class_names])
    weights = of_class[data.Y_train] * (rows if rows.size else ones)
    if not weights.sum() > 0:
        raise SettingError.of(
            "settings.class_weight", "no example has a weight", "give some class more than 0"
        )
    return np.asarray(weights / weights.mean())


def positive_of(settings: Settings, data: Data) -> int:
    """Return the number of the positive class: the one that is named, or the second of two; else -1.

    Raises
    ------
    SettingError
        There is no such class.
    """
    if settings.positive_class is None:
        return 1 if data.kind == "binary" else -1
    if settings.positive_class not in data.class_names:
        raise SettingError.of(
            "settings.positive_class",
            f"no class is called {settings.positive_class!r}",
            f"one of {', '.join(data.class_names[:20])}" if data.class_names else "leave it out: no classes",
        )
    return data.class_names.index(settings.positive_class)


def price_of(settings: Settings, data: Data) -> Array:
    """Return price[actual][predicted] as ndarray(float64, (n * n,)), empty without one.

    Raises
    ------
    SettingError
        It has not one row and one column for each class.
    """
    if settings.price is None:
        return NO_WEIGHTS
    n = data.n_classes
    if len(settings.price) != n:
        raise SettingError.of(
            "settings.price",
            f"{len(settings.price)} x {len(settings.price)} prices for {n} classes",
            f"give {n} rows of {n}, [actual][predicted], in the order {', '.join(data.class_names[:20])}"
            if n
            else "leave it out: a regression has no classes",
        )
    return np.array(settings.price, np.float64).reshape(-1)


def fixed_limit(settings: Settings, data: Data) -> float:
    """Return the limit of z that the setting threshold gives; 0, a probability of one half, without one.

    Raises
    ------
    SettingError
        There are not two classes.
    """
    if settings.threshold is None:
        return 0.0
    if data.kind != "binary":
        raise SettingError.of(
            "settings.threshold", f"is for two classes; this data set is {data.kind}", "leave it out"
        )
    if settings.threshold == "dev":
        return 0.0
    share = float(settings.threshold)
    return math.log(share / (1 - share)) * (1 if positive_of(settings, data) == 1 else -1)


def threshold_at(limit: float) -> float:
    """Return the probability of the second class at a limit of z."""
    return 1 / (1 + math.exp(-limit)) if limit > 0 else math.exp(limit) / (1 + math.exp(limit))
