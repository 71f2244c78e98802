"""The metrics that a search names besides error and cost: of epochs by what the kernels kept, of results."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .buffers import flat
from .data.types import Array, Data
from .kernels import structs
from .metric_checks import instead
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
        self._predict_rows = settings.predict_rows
        asked = [found for name in settings.metrics if (found := named(name))]
        for metric in asked:
            self._refuse(metric)
        self.names = tuple(metric.name for metric in asked)
        self.per_trial = tuple(name for name in settings.metrics if name in PER_TRIAL)
        self._by_part: dict[str, list[ResultMetric]] = {}
        for metric in asked:
            self._by_part.setdefault(metric.part, []).append(metric)
        self._code = MEASURES[self._decided_by(asked)].code
        if self.chooses:
            for part in ("train", "dev"):
                self._by_part.setdefault(part, []).append(ResultMetric(part, "error"))
        self._sample = sample_of(len(data.X_train), len(data.X_dev))
        self.kept = tuple(part for part in ("train", "dev") if part in self._by_part)
        self.passed = tuple(part for part in ("train_dev",) if part in self._by_part)
        self._rows_of: dict[tuple[str, bool], _Rows] = {}

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
        if metric.over and getattr(data, f"groups_{metric.part}") is None:
            raise SettingError.of(
                "settings.metrics", f"{metric.name}: there are no groups",
                "name the column of groups as dataset.groups",
            )  # fmt: skip
        if data.kind not in measure.kinds:
            raise SettingError.of(
                "settings.metrics", f"{metric.name} is not for {data.kind} data",
                f"use {', '.join(fitting(data.kind))}",
            )  # fmt: skip
        if measure.positive and self._positive < 0:
            raise SettingError.of(
                "settings.metrics", f"{metric.name} is of one class, and there are {self._n}",
                f"name it as settings.positive_class, or use {instead(metric)}",
            )  # fmt: skip
        if metric.measure == "price" and not self._price.size:
            raise SettingError.of(
                "settings.metrics", f"{metric.name}: nobody said what a mistake costs",
                "give settings.price, a row of numbers for each class",
            )  # fmt: skip

    def of_epochs(self, kept: structs.Extras, epochs: int) -> tuple[Named, list[float]]:
        """Return the metrics of the first epochs whose outputs were kept, and the limit of z of each."""
        limits = np.full(epochs, self._limit)
        if self.chooses:
            m = len(self._data.X_dev)
            limits[:] = [self.limit_of(kept.dev_outputs[e * m : (e + 1) * m]) for e in range(epochs)]
        names: list[str] = []
        columns: list[Array] = []
        for part, outputs in (("train", kept.outputs), ("dev", kept.dev_outputs)):
            if part not in self.kept:
                continue
            shape = (epochs, len(getattr(self._data, f"X_{part}")), self._data.n_outputs)
            Z = outputs[: math.prod(shape)].reshape(shape)  # there may be room for further epochs
            for metrics, rows in self._of_epoch(part):
                Z_of = Z if rows is None else Z[:, rows]
                columns.append(self._measure(metrics, self._rows_in(part, rows), Z_of, limits))
                names += [metric.name for metric in metrics]
        numbers = np.concatenate(columns, axis=1).tolist() if columns else [[]] * epochs
        return Named(names, numbers), limits.tolist()

    def _of_epoch(self, part: str) -> list[tuple[list[ResultMetric], Array | None]]:
        """Return the metrics of a part, and of which rows they are: None for all of them."""
        metrics = self._by_part[part]
        if part == "dev":
            return [(metrics, None)]
        slow = [metric for metric in metrics if MEASURES[metric.measure].slow]
        others = [metric for metric in metrics if metric not in slow]
        return [(one, rows) for one, rows in ((others, None), (slow, self._sample)) if one]

    def of_part(self, part: str, outputs: Array, limit: float) -> dict[str, float]:
        """Return the metrics of a part by name; `outputs` is Z[L] (m * n[L],)."""
        metrics, rows = self._by_part[part], self._rows_in(part)
        Z = outputs.reshape(1, len(rows.Y), self._data.n_outputs)
        found = self._measure(metrics, rows, Z, np.array([limit]))[0]
        return {metric.name: number for metric, number in zip(metrics, found.tolist(), strict=True)}

    def _rows_in(self, part: str, sample: Array | None = None) -> _Rows:
        """Return the rows of a part, or its sample; they are the same at each epoch."""
        key = part, sample is not None
        if key not in self._rows_of:
            self._rows_of[key] = _Rows.of(self._data, part, sample)
        return self._rows_of[key]

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

    def _measure(self, metrics: Sequence[ResultMetric], rows: _Rows, Z: Array, limits: Array) -> Array:
        """Return metrics of these rows, ndarray(float64, (epochs, metrics)); Z is (epochs, m, n[L])."""
        out = np.empty((len(limits), len(metrics)))
        whole = [place for place, metric in enumerate(metrics) if not metric.over]
        if whole:
            out[:, whole] = self._of_rows(rows, Z, limits, [metrics[place].measure for place in whole])
        over = [place for place, metric in enumerate(metrics) if metric.over]
        if over:
            measures = [metrics[place].measure for place in over]
            each = np.array(
                [self._of_group(rows.only(chosen), Z[:, chosen], limits, measures) for chosen in rows.groups]
            )
            for j, place in enumerate(over):
                out[:, place] = over_groups(each[:, :, j], metrics[place])
        return out

    def _of_group(self, rows: _Rows, Z: Array, limits: Array, measures: list[str]) -> Array:
        """Return measures of a group, NaN where it tells nothing; Z is (epochs, m, n[L])."""
        found = self._of_rows(rows, Z, limits, measures)
        if self._data.kind == "binary" and not rows.mass_of(self._positive):
            found[:, [MEASURES[measure].hits for measure in measures]] = np.nan
        return found

    def _of_rows(self, rows: _Rows, Z: Array, limits: Array, names: list[str]) -> Array:
        codes, outputs = np.array([MEASURES[name].code for name in names], np.int64), Z.reshape(-1)
        return measure(self._data, rows.Y, outputs, codes, limits, self._positive, self._price, rows.weights)

    def of_trial(self, model: bytes, learned: int, seconds: float) -> dict[str, float]:
        """Return what is measured once, of the model that a run leaves."""
        found: dict[str, float] = {"parameters": learned, "train_seconds": seconds, "model_bytes": len(model)}
        if "predict_ms" in self.per_trial:
            found["predict_ms"] = predict_ms(model, self._data, self._predict_rows)
        return {name: found[name] for name in self.per_trial}


def measure(
    data: Data,
    Y: Array,
    outputs: Array,
    codes: Array,
    limits: Array,
    positive: int,
    price: Array,
    weights: Array,
) -> Array:
    """Return the measures of rows of a data set for some epochs, ndarray(float64, (epochs, c)).

    Parameters
    ----------
    Y : ndarray(int32, (m,)) or ndarray(dtype of Z, (m, n[L]))
        What is right, of a part of the data or some of its rows.
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
    Y = flat(Y)
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


class Named(NamedTuple):
    """Metrics of some epochs: their names, and a row of numbers for each epoch."""

    names: list[str]
    rows: list[list[float]]


class _Rows(NamedTuple):
    """Rows that are measured: Y (m,) or (m, k), weights (m,) or (0,), and the rows of each group."""

    Y: Array
    weights: Array
    groups: list[Array]

    @classmethod
    def of(cls, data: Data, part: str, chosen: Array | None = None) -> _Rows:
        """Return all rows of a part, or some."""
        Y, numbers, weights = (
            getattr(data, f"Y_{part}"),
            getattr(data, f"groups_{part}"),
            weights_of(data, part),
        )
        if chosen is not None and len(chosen) < len(Y):
            Y, weights = Y[chosen], weights[chosen] if weights.size else weights
            numbers = None if numbers is None else numbers[chosen]
        groups = [] if numbers is None else [np.flatnonzero(numbers == one) for one in np.unique(numbers)]
        return cls(Y, weights, groups)

    def only(self, chosen: Array) -> _Rows:
        """Return some of the rows."""
        return _Rows(self.Y[chosen], self.weights[chosen] if self.weights.size else self.weights, [])

    def mass_of(self, label: int) -> float:
        """Return what the rows of a class count."""
        there = np.asarray(label == self.Y)
        return float(self.weights[there].sum() if self.weights.size else there.sum())


def sample_of(m: int, dev: int) -> Array:
    """Return the rows of the training set that slow metrics of epochs are of: as many as the dev set has.

    They are evenly spaced: a split leaves rows in random order, or in that of time.
    """
    k = min(m, dev)
    return np.arange(k, dtype=np.int64) * m // k


def over_groups(found: Array, metric: ResultMetric) -> Array:
    """Return the mean over the groups, or the worst of them; NaN in a group does not count.

    Parameters
    ----------
    found : ndarray(float64, (groups, epochs))
    metric : ResultMetric

    Returns
    -------
    ndarray(float64, (epochs,))
        NaN where no group counts.
    """
    there = ~np.isnan(found)
    if metric.over == "_group_mean":
        sums, counts = np.where(there, found, 0.0).sum(axis=0), there.sum(axis=0)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    sign = 1.0 if MEASURES[metric.measure].direction == "minimize" else -1.0
    worst = np.where(there, sign * found, -np.inf).max(axis=0)
    return np.where(there.any(axis=0), sign * worst, np.nan)


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
