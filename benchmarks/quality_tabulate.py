"""Train the grids of the quality bench: python -m benchmarks.quality_tabulate [name ...].

Every point of a space is trained on data that scikit-learn brings, with several seeds: each cuts the data
anew into 70 % to learn from and 30 % to judge by, and seeds the model. What does not end within its
iterations counts as failed. Takes about ten minutes of one core; what is stored are the values, in the
order of `grid_of`.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR

from benchmarks.quality_grids import GRIDS, grid_of
from benchmarks.quality_tables import counted
from caviar.search.space import Point, Space

Cut = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # X to learn from, to judge by; y likewise
Train = Callable[[list[Point], Cut, int], Iterator[tuple[int, float]]]  # place of a point, its value

LOADERS: dict[str, Any] = {
    "diabetes": datasets.load_diabetes,
    "cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
}
SCALERS: dict[str, Any] = {
    "none": FunctionTransformer,
    "standard": StandardScaler,
    "range": MinMaxScaler,
}


def boosted(points: list[Point], cut: Cut, seed: int) -> Iterator[tuple[int, float]]:
    """Train boosted trees: one training gives the values at all numbers of iterations."""
    learn, judge, known, truth = cut
    kinds = HistGradientBoostingClassifier, HistGradientBoostingRegressor
    classifies = known.dtype.kind == "i"
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, point in enumerate(points):
        groups.setdefault(tuple(value for name, value in point.items() if name != "iterations"), []).append(
            place
        )
    for places in groups.values():
        first = points[places[0]]
        model = kinds[not classifies](
            learning_rate=first["learning_rate"],
            max_leaf_nodes=first["leaves"],
            min_samples_leaf=first["min_samples_leaf"],
            max_features=first["max_features"],
            max_iter=max(points[place]["iterations"] for place in places),
            early_stopping=False,
            random_state=seed,
        ).fit(learn, known)
        staged = list((model.staged_predict_proba if classifies else model.staged_predict)(judge))
        for place in places:
            said = staged[points[place]["iterations"] - 1]
            yield place, log_loss(truth, said) if classifies else float(np.mean((said - truth) ** 2))


def machines(points: list[Point], cut: Cut, seed: int) -> Iterator[tuple[int, float]]:
    """Train support vector machines; classifiers that do not converge in 3,000 steps fail."""
    classifies = cut[-1].dtype.kind == "i"
    for place, point in enumerate(points):
        settings: dict[str, Any] = {
            "C": point["C"],
            "gamma": point["gamma"],
            "kernel": point.get("kernel", "rbf"),
            "max_iter": 3_000,
        }
        if "epsilon" in point:
            model = SVR(**settings, epsilon=point["epsilon"])
        else:
            model = SVC(**settings, degree=2, coef0=1.0)
        yield place, _judged(make_pipeline(SCALERS[point["scaling"]](), model), cut, classifies)


def models(points: list[Point], cut: Cut, seed: int) -> Iterator[tuple[int, float]]:
    """Train one of four kinds of model, each with settings of its own."""
    for place, point in enumerate(points):
        yield place, _judged(_model(point, seed), cut, False)


def _model(point: Point, seed: int) -> Any:
    scaler = SCALERS[point.get("scaling", "none")]()
    if point["model"] == "trees":
        return ExtraTreesClassifier(
            30,
            max_depth=point["depth"],
            max_features=point["features"],
            min_samples_leaf=point["min_samples_leaf"],
            random_state=seed,
        )
    if point["model"] == "neighbours":
        return make_pipeline(
            scaler, KNeighborsClassifier(point["neighbours"], weights=point["weights"], p=point["power"])
        )
    if point["model"] == "logistic":
        return make_pipeline(scaler, LogisticRegression(C=point["logistic_C"], max_iter=500))
    kernel, degree = point["kernel"], point.get("degree", 3)
    machine = SVC(C=point["C"], gamma=point["gamma"], kernel=kernel, degree=degree, coef0=1.0, max_iter=3_000)
    return make_pipeline(scaler, machine)


def _judged(model: Any, cut: Cut, strict: bool) -> float:
    """Return the error of a model on what it has not learnt from; NaN if it had to converge and did not."""
    learn, judge, known, truth = cut
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        said = model.fit(learn, known).predict(judge)
    if strict and any(issubclass(one.category, ConvergenceWarning) for one in caught):
        return float("nan")
    return float(np.mean((said - truth) ** 2) if truth.dtype.kind == "f" else np.mean(said != truth))


TREES = {
    "learning_rate": counted(0.01, 0.03, 0.06, 0.12, 0.25, 0.5),
    "iterations": counted(15, 30, 50, 80, 120),
    "leaves": counted(3, 6, 12),
    "min_samples_leaf": counted(3, 10, 30),
    "max_features": counted(0.3, 1.0),
}
COSTS = counted(*(float(f"{cost:.2g}") for cost in np.logspace(-2, 4, 9)))
WIDTHS = counted(*(float(f"{width:.2g}") for width in np.logspace(-5, 1, 10)))
SCALINGS = {"choices": list(SCALERS)}
MODELS: dict[str, Any] = {
    "model": {"choices": ["machine", "trees", "neighbours", "logistic"]},
    "scaling": {**SCALINGS, "when": {"model": ["machine", "neighbours", "logistic"]}},
    "C": {**counted(0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0), "when": {"model": "machine"}},
    "gamma": {**counted(1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 1.0), "when": {"model": "machine"}},
    "kernel": {"choices": ["rbf", "poly"], "when": {"model": "machine"}},
    "degree": {"type": "int", "low": 1, "high": 4, "when": {"kernel": "poly"}},
    "depth": {**counted(2, 4, 6, 9, 14), "when": {"model": "trees"}},
    "features": {**counted(0.1, 0.2, 0.4, 0.7, 1.0), "when": {"model": "trees"}},
    "min_samples_leaf": {**counted(1, 2, 5, 10), "when": {"model": "trees"}},
    "neighbours": {**counted(1, 2, 3, 5, 8, 12, 20, 30), "when": {"model": "neighbours"}},
    "weights": {"choices": ["uniform", "distance"], "when": {"model": "neighbours"}},
    "power": {**counted(1, 2), "when": {"model": "neighbours"}},
    "logistic_C": {**counted(1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0), "when": {"model": "logistic"}},
}


@dataclass(frozen=True)
class Made:
    """A grid to be made."""

    name: str
    title: str
    data: str
    train: Train
    space: dict[str, Any]
    seeds: int


MACHINES = {"C": COSTS, "gamma": WIDTHS, "scaling": SCALINGS}
CLASSIFIERS = {**MACHINES, "kernel": {"choices": ["rbf", "poly", "sigmoid"]}}
REGRESSORS = {**MACHINES, "epsilon": counted(0.1, 1.0, 10.0, 40.0)}
ALL = (
    Made("trees_diabetes", "boosted trees, diabetes", "diabetes", boosted, TREES, 3),
    Made("trees_cancer", "boosted trees, breast cancer", "cancer", boosted, TREES, 3),
    Made("kernels_digits", "support vectors, digits", "digits", machines, CLASSIFIERS, 4),
    Made("kernels_diabetes", "support vectors, diabetes", "diabetes", machines, REGRESSORS, 4),
    Made("failing_cancer", "support vectors that do not converge", "cancer", machines, CLASSIFIERS, 4),
    Made("models_cancer", "four kinds of model, breast cancer", "cancer", models, MODELS, 4),
    Made("models_digits", "four kinds of model, digits", "digits", models, MODELS, 4),
)


def make(made: Made) -> None:
    """Train a grid and write its file."""
    began, space = time.monotonic(), Space.model_validate(made.space)
    points = [space.from_unit(unit) for unit in grid_of(space)]
    data = LOADERS[made.data]()
    rows = np.random.default_rng(0).permutation(len(data.target))[:400]  # more would take hours
    values = np.full((len(points), made.seeds), np.nan)
    for seed in range(made.seeds):
        cut = train_test_split(data.data[rows], data.target[rows], test_size=0.3, random_state=seed)
        for place, value in made.train(points, cut, seed):
            values[place, seed] = value
    values[np.isnan(values).any(axis=1)] = np.nan
    GRIDS.mkdir(parents=True, exist_ok=True)
    about = json.dumps({"title": made.title, "space": made.space})
    rounded = [[float(f"{value:.5g}") for value in row] for row in values.tolist()]
    np.savez_compressed(GRIDS / f"{made.name}.npz", about=about, values=np.array(rounded, dtype=np.float32))
    mean = np.sort(values.mean(axis=1)[~np.isnan(values).any(axis=1)])
    spread, noise = mean[len(mean) // 2] - mean[0], float(np.nanmean(values.std(axis=1, ddof=1)))
    print(
        f"{made.name}: {len(points)} points, {len(points) - len(mean)} fail, best {mean[0]:.4g}, "
        f"median {mean[len(mean) // 2]:.4g}, noise {noise / spread:.2f} of the spread between them, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    wanted = sys.argv[1:] or [made.name for made in ALL]
    for each in ALL:
        if each.name in wanted:
            make(each)
