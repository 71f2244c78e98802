"""Does every optimiser train with its defaults alone? On every built-in data set and twelve other tables.

python -m benchmarks.default_settings [--epochs 30] [--seeds 3] [--settings '{"defaults": 1}']

Shown is, for the worst of the seeds, the cost of the training set at the end over that of the best constant
model, and by how many times the cost rose above that of its first epoch on the way. A training has failed if
it ends above 95 % of the constant model's cost, or rose to twice its first cost, or was not finite.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn import datasets as made

from caviar.trainer.data.types import Data
from caviar.trainer.plugin import MLP
from caviar.trainer.probe import constant_cost, sample_of
from caviar.trainer.settings import make_settings

TRAINER = MLP()
BUILT_IN = ("iris", "wine", "breast_cancer", "digits", "diabetes")
OPTIMIZERS = ("gd", "momentum", "rmsprop", "adam")
MOST_RISE, MOST_COST = 2.0, 0.95


def tables() -> Iterator[tuple[str, Data]]:
    """Yield name and data."""
    for name in BUILT_IN:
        yield name, TRAINER.load({"name": name}, {})  # type: ignore[misc]
    rng = np.random.default_rng(5)
    heavy = rng.standard_t(2, (1200, 12))
    yield "two classes, 20 columns", _classes(made.make_classification(1000, 20, random_state=1))
    yield (
        "two classes, 300 columns",
        _classes(made.make_classification(800, 300, n_informative=40, random_state=2)),
    )
    yield (
        "six classes, 6,000 rows",
        _classes(made.make_classification(6000, 30, n_informative=15, n_classes=6, random_state=3)),
    )
    yield (
        "one class of twenty rows",
        _classes(made.make_classification(900, 15, weights=[0.95], random_state=4)),
    )
    yield "moons", _classes(made.make_moons(600, noise=0.2, random_state=5))
    yield (
        "quantiles",
        _classes(made.make_gaussian_quantiles(n_samples=900, n_features=6, n_classes=4, random_state=6)),
    )
    yield "friedman1", _quantity(made.make_friedman1(800, 10, noise=1.0, random_state=7))
    yield "friedman2", _quantity(made.make_friedman2(5000, noise=50.0, random_state=8))
    yield "linear, 100 columns", _quantity(made.make_regression(700, 100, noise=10.0, random_state=9))
    yield "linear, 50 rows", _quantity(made.make_regression(50, 8, noise=10.0, random_state=10))
    yield "heavy tails", _quantity((heavy, heavy[:, 0] * heavy[:, 1] + heavy[:, 2]))
    skewed = np.exp(rng.standard_normal((3000, 8)))
    yield (
        "columns alike, skewed",
        _quantity((np.hstack([skewed, skewed * 1.01]), np.log1p(skewed.sum(axis=1)))),
    )


def _classes(table: Any) -> Data:
    X, Y = table
    return _cut(
        X, np.asarray(Y, np.int32), "binary" if Y.max() == 1 else "multiclass", n_classes=int(Y.max()) + 1
    )


def _quantity(table: Any) -> Data:
    X, Y = table
    Y = ((Y - Y.mean()) / Y.std()).reshape(-1, 1).astype(np.float32)
    return _cut(X, Y, "regression", target_mu=np.zeros(1), target_sigma=np.ones(1))


def _cut(X: Any, Y: Any, kind: Any, **more: Any) -> Data:
    X = np.ascontiguousarray((X - X.mean(axis=0)) / X.std(axis=0), np.float32)
    cut, zeros = len(X) * 7 // 10, np.zeros(X.shape[1])
    return Data(kind, X[:cut], Y[:cut], X[cut:], Y[cut:], mu=zeros, sigma=zeros + 1, **more)


def trained(data: Data, settings: dict[str, Any], epochs: int, seed: int) -> tuple[float, float]:
    """Return the share of the constant model's cost at the end, and the largest rise on the way."""
    run = TRAINER.start({**settings, "epochs": epochs}, data, seed)
    costs: list[float] = []
    while run.status == "running":
        costs += [row["train_cost"] for row in run.advance(60.0).epochs]
    if run.status == "diverged":
        return np.inf, np.inf
    constant = constant_cost(data.kind, sample_of(data, make_settings(settings)))
    return run.evaluate("train").cost / constant, max(costs) / costs[0]  # type: ignore[union-attr, operator]


def main() -> int:
    """Print the table; the exit code says whether all trained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--settings", type=json.loads, default={})
    asked = parser.parse_args()
    print(f"| table | rows | {' | '.join(OPTIMIZERS)} |\n|{'---|' * (2 + len(OPTIMIZERS))}")
    failed = 0
    for name, data in tables():
        cells = []
        for optimizer in OPTIMIZERS:
            settings = {"optimizer": optimizer, **asked.settings}
            found = [trained(data, settings, asked.epochs, seed) for seed in range(asked.seeds)]
            share, rise = np.max(found, axis=0)
            bad = not (share < MOST_COST and rise < MOST_RISE)
            failed += bad
            cells.append(
                f"{share:.3g}{f', rose {rise:.2g} times' if rise > 1.05 else ''}{' FAILED' if bad else ''}"
            )
        print(f"| {name} | {len(data.X_train)} | {' | '.join(cells)} |", flush=True)
    print(f"Failed: {failed}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
