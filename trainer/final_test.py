"""What a model is worth on the test set, with intervals, beside the dev set that it was chosen on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from .buffers import flat
from .data.types import Array, Data
from .measuring import fitting, measure
from .metrics import MEASURES
from .predict import Model
from .problem import DataError
from .settings import Settings, make_settings
from .weighing import positive_of, price_of, weights_of

RESAMPLES = 1000
LARGE = 2_000_000  # rows times resamples; of more rows fewer resamples are enough
FEWEST = 100
Z_95 = 1.959964  # two-sided normal quantile of 95 %

Verdict = Literal["agrees", "worse", "better"]


def final_test(model: Model, data: Data, main: str, measures: Sequence[str] = ()) -> dict[str, Any]:
    """Measure a model on the test set and on the dev set.

    Parameters
    ----------
    model : Model
    data : Data
        The same data as in training: precision and normalisation must be those of the model's settings.
    main : str
        The measure that the trial was chosen by, such as "error" or "f1"; one that does not compare
        predictions with answers (such as "parameters") stands for the error.
    measures : sequence of str
        Others that are wanted.

    Returns
    -------
    dict
        Plain JSON: `rows`, `dev_rows`, `main` (the measure that `verdict` is about), `verdict` and
        `metrics`: for each measure name, direction, value on the test set, bounds `low` and `high` of its
        95 % interval, and the value on the dev set.

    Raises
    ------
    DataError
        There is no test set.
    ValueError
        The model was trained on other columns.

    Notes
    -----
    Shares of unweighted rows have the interval of E. B. Wilson (1927), doi:10.1080/01621459.1927.10502953;
    all other measures the percentiles of a bootstrap over rows (B. Efron 1979, doi:10.1214/aos/1176344552).
    Dev and test differ by more than chance where their distance is above 1.96 of its standard error.
    """
    if data.X_test is None or not len(data.X_test):
        remedy = "give dataset.split a share for test, or dataset.test another source"
        raise DataError.of("dataset.test", "this data set has no test set", remedy)
    if model.info["sizes"][0] != data.n_features:
        message = f"the model takes {model.info['sizes'][0]} columns, the data set has {data.n_features}"
        raise ValueError(message)
    settings = make_settings(model.info["settings"])
    known = [name for name in fitting(data.kind) if MEASURES[name].code is not None]
    main = main if main in known else "error"
    names = list(dict.fromkeys([main, "error", *(name for name in measures if name in known)]))
    test, dev = (_Part(model, data, part, names, settings) for part in ("test", "dev"))
    metrics = []
    for place, name in enumerate(names):
        low, high = test.interval(place)
        metrics.append(
            {
                "name": name,
                "direction": MEASURES[name].direction,
                "value": test.values[place],
                "low": low,
                "high": high,
                "dev": dev.values[place],
            }
        )
    return {
        "rows": len(data.X_test),
        "dev_rows": len(data.X_dev),
        "main": main,
        "verdict": verdict(test, dev, MEASURES[main].direction),
        "metrics": metrics,
    }


def standard_error(model: Model, data: Data, main: str) -> float | None:
    """Return the standard error of a measure on the dev set; None if it is not of predictions and answers."""
    if main not in fitting(data.kind) or MEASURES[main].code is None:
        return None
    return _Part(model, data, "dev", [main], make_settings(model.info["settings"])).spread(0)


class _Part:
    """The measures of one part of the data, and how they spread over resamples of its rows."""

    def __init__(self, model: Model, data: Data, part: str, names: Sequence[str], settings: Settings) -> None:
        self.names, self.rows = names, len(getattr(data, f"X_{part}"))
        self.weighted = getattr(data, f"weights_{part}") is not None
        self.classes = data.kind != "regression"
        outputs = flat(model.logits(getattr(data, f"X_{part}")))
        codes = np.array([MEASURES[name].code for name in names], np.int64)
        probability = model.info.get("threshold", 0.5)
        limit = np.array([math.log(probability / (1 - probability))])
        positive, price = positive_of(settings, data), price_of(settings, data)
        of_rows, Y = weights_of(data, part), getattr(data, f"Y_{part}")

        def measured(weights: Array) -> Array:
            found = measure(data, Y, outputs, codes, limit, positive, price, weights)
            return np.asarray(found[0])

        self.values: list[float] = measured(of_rows).tolist()
        rng = np.random.default_rng(0)
        count = max(FEWEST, min(RESAMPLES, LARGE // self.rows))
        base = of_rows if of_rows.size else np.ones(self.rows)
        self.resampled = np.array(
            [
                measured(base * np.bincount(rng.integers(self.rows, size=self.rows), minlength=self.rows))
                for _ in range(count)
            ]
        )

    def spread(self, place: int) -> float:
        """Return the standard error of a measure."""
        low, high = self.interval(place)
        return (high - low) / (2 * Z_95)

    def interval(self, place: int) -> tuple[float, float]:
        """Return the 95 % interval of a measure."""
        if self.names[place] in ("error", "accuracy") and self.classes and not self.weighted:
            return wilson(self.values[place], self.rows)
        low, high = np.nanpercentile(self.resampled[:, place], [2.5, 97.5])
        return float(low), float(high)


def wilson(share: float, rows: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of so many rows."""
    z2 = Z_95**2 / rows
    middle = (share + z2 / 2) / (1 + z2)
    half = Z_95 * math.sqrt(share * (1 - share) / rows + z2 / (4 * rows)) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def verdict(test: _Part, dev: _Part, direction: str) -> Verdict:
    """Say whether the main measure on the test set agrees with that on the dev set but for chance."""
    distance = test.values[0] - dev.values[0]
    error = math.hypot(test.spread(0), dev.spread(0))
    if not abs(distance) > Z_95 * error:
        return "agrees"
    return "worse" if (distance > 0) == (direction == "minimize") else "better"
