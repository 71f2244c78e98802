"""The metrics that a search names besides error and cost: of epochs by what the kernels kept, of results."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from .buffers import flat
from .data.types import Array, Data
from .kernels import structs
from .metrics import MEASURES, PER_TRIAL, ResultMetric, named
from .problem import SettingError
from .settings import Settings
from .weighing import fixed_limit, positive_of, price_of, weights_of

_REPEATS, _SECONDS = 5, 0.1  # of a prediction that is timed: at least so often, and so long
_DECIDED_BY = "balanced_accuracy"  # what threshold: dev makes best where no metric of decisions is named


class Measuring:
    """What a run computes of the metrics that its settings name.

    Attributes
    ----------
    kept : tuple of str
        Parts ("train", "dev") whose outputs the kernels keep for it.
    passed : tuple of str
        Parts that are passed through at each epoch's end ("train_dev").
    chooses : bool
        The threshold is chosen on the dev set, for each epoch and for the result.
    """

    def __init__(self, settings: Settings, data: Data) -> None:
        self._data = data
        self._n = data.n_classes
        self.chooses = settings.threshold == "dev"
        self._limit = fixed_limit(settings, data)
        self._positive = positive_of(settings, data)
        self._price = price_of(settings, data)
        self._rows = settings.predict_rows
        asked = [found for name in settings.metrics if (found := named(name))]
        for metric in asked:
            self._refuse(metric)
        self.names = tuple(metric.name for metric in asked)
        self.per_trial = tuple(name for name in settings.metrics if name in PER_TRIAL)
        self._by_part: dict[str, list[str]] = {}
        for metric in asked:
            self._by_part.setdefault(metric.part, []).append(metric.measure)
        self._code = MEASURES[self._decided_by(asked)].code
        if self.chooses:
            for part in ("train", "dev"):
                self._by_part.setdefault(part, []).append("error")
        self.kept = tuple(part for part in ("train", "dev") if part in self._by_part)
        self.passed = tuple(part for part in ("train_dev",) if part in self._by_part)

    def _decided_by(self, asked: Iterable[ResultMetric]) -> str:
        deciding = [metric.measure for metric in asked if MEASURES[metric.measure].decides]
        return "price" if self._price.size else next(iter(deciding), _DECIDED_BY)

    def _refuse(self, metric: ResultMetric) -> None:
        """Raise a SettingError for a metric that this data set has not."""
        data, measure = self._data, MEASURES[metric.measure]
        if getattr(data, f"X_{metric.part}", None) is None:
            raise SettingError.of(
                "settings.metrics", f"{metric.name}: there is no {metric.part} set",
                "give dataset.split a share of it, or name a metric of another part",
            )  # fmt: skip
        if data.kind not in measure.kinds:
            raise SettingError.of(
                "settings.metrics", f"{metric.name} is not for {data.kind} data",
                f"use {', '.join(fitting(data.kind))}",
            )  # fmt: skip
        if measure.positive and self._positive < 0:
            raise SettingError.of(
                "settings.metrics", f"{metric.name} is of one class, and there are {self._n}",
                f"name it as settings.positive_class, or use {metric.name}_macro or {metric.name}_weighted",
            )  # fmt: skip
        if metric.measure == "price" and not self._price.size:
            raise SettingError.of(
                "settings.metrics", f"{metric.name}: nobody said what a mistake costs",
                "give settings.price, a row of numbers for each class",
            )  # fmt: skip

    def of_epochs(self, kept: structs.Extras, epochs: int) -> tuple[list[dict[str, float]], list[float]]:
        """Return the metrics of the first epochs whose outputs were kept, and the limit of z of each."""
        outputs = {"train": kept.outputs, "dev": kept.dev_outputs}
        limits = np.full(epochs, self._limit)
        if self.chooses:
            m = len(self._data.X_dev)
            limits[:] = [self.limit_of(kept.dev_outputs[e * m : (e + 1) * m]) for e in range(epochs)]
        columns: dict[str, list[float]] = {}
        for part in self.kept:
            found = self._measure(part, outputs[part], limits)
            for place, measure in enumerate(self._by_part[part]):
                columns[f"{part}_{measure}"] = found[:, place].tolist()
        rows = zip(*columns.values(), strict=True) if columns else ((),) * epochs
        return [dict(zip(columns, row, strict=True)) for row in rows], limits.tolist()

    def of_part(self, part: str, outputs: Array, limit: float) -> dict[str, float]:
        """Return the metrics of a part by name; `outputs` is Z[L] (m * n[L],)."""
        names = [f"{part}_{measure}" for measure in self._by_part[part]]
        return dict(zip(names, self._measure(part, outputs, np.array([limit]))[0].tolist(), strict=True))

    def limit_of(self, dev_outputs: Array) -> float:
        """Return the limit of z that is best on the dev set."""
        from .kernels import measures

        data = self._data
        weights = flat(weights_of(data, "dev"))
        return float(
            measures.best_limit(
                dev_outputs, flat(data.Y_dev), weights, self._code, self._positive, flat(self._price)
            )
        )

    @property
    def limit(self) -> float:
        """The limit of z that the settings give."""
        return self._limit

    def _measure(self, part: str, outputs: Array, limits: Array) -> Array:
        codes = np.array([MEASURES[name].code for name in self._by_part[part]], np.int64)
        weights = weights_of(self._data, part)
        return measure(self._data, part, outputs, codes, limits, self._positive, self._price, weights)

    def of_trial(self, model: bytes, learned: int, seconds: float) -> dict[str, float]:
        """Return what is measured once, of the model that a run leaves."""
        found: dict[str, float] = {"parameters": learned, "train_seconds": seconds, "model_bytes": len(model)}
        if "predict_ms" in self.per_trial:
            found["predict_ms"] = predict_ms(model, self._data, self._rows)
        return {name: found[name] for name in self.per_trial}


def measure(
    data: Data,
    part: str,
    outputs: Array,
    codes: Array,
    limits: Array,
    positive: int,
    price: Array,
    weights: Array,
) -> Array:
    """Return the measures of a part of the data for some epochs, ndarray(float64, (epochs, c)).

    Parameters
    ----------
    outputs : ndarray(float32 or float64, (epochs * m * n[L],))
        Z[L] of each epoch.
    codes : ndarray(int64, (c,))
    limits : ndarray(float64, (epochs,))
        Of z, above which the second of two classes is predicted.
    positive : int
    price, weights : ndarray(float64)
        Both may be empty.
    """
    from .kernels import measures

    out = np.empty((len(limits), len(codes)))
    Y = flat(getattr(data, f"Y_{part}"))
    if data.kind == "regression":
        measures.of_quantities(
            outputs, Y, flat(weights), codes, flat(data.target_mu), flat(data.target_sigma),
            data.target_deviation, len(limits), out,
        )  # fmt: skip
    else:
        measures.of_classes(
            outputs, Y, flat(weights), codes, positive, limits, flat(price), data.n_classes, len(limits), out
        )
    return out


def fitting(kind: str) -> list[str]:
    """Return the measures for a kind of data."""
    return [name for name, measure in MEASURES.items() if kind in measure.kinds]


def predict_ms(model: bytes, data: Data, rows: int) -> float:
    """Return the median time, in milliseconds, to predict so many rows of the dev set."""
    from .predict import Model

    loaded = Model.load(model)
    X: Any = np.resize(data.X_dev, (rows, data.n_features))
    taken: list[float] = []
    loaded.predict_prepared(X)
    while len(taken) < _REPEATS or sum(taken) < _SECONDS:
        begin = time.perf_counter()
        loaded.predict_prepared(X)
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken)) * 1e3
