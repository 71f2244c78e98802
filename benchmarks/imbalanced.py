"""Does a search by F1, average precision or balanced accuracy find a better one than a search by error?

python -m benchmarks.imbalanced [--seeds 20] [--trials 24]

Seven real tables on which one class is rare. Each seed has a split and a random search of its own; the trials
of a seed are the same for all metrics, so that only the choice of the winner differs. Each winner is measured
on a test set of 30 % that no search sees. Printed: mean over the seeds, how often the winner by the metric
was better or worse there than the winner by error, and the p value of Wilcoxon's signed-rank test (1945).
"""

from __future__ import annotations

import argparse
import os
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

METRICS = ("f1", "average_precision", "balanced_accuracy")
SPACE = {
    "learning_rate": {"scale": "log", "low": 0.0003, "high": 0.03},
    "hidden_units": {"scale": "log", "type": "int", "low": 4, "high": 32},
    "l2": {"scale": "log", "low": 0.001, "high": 10.0},
    "class_weight": {"choices": [None, "balanced"]},
}
SETTINGS = {"epochs": 30, "batch_size": 32}
Array = np.ndarray[Any, Any]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=24)
    arguments = parser.parse_args()
    print("| table | rare class | metric | by error | by the metric | better, worse | p |")
    print("|---|---|---|---|---|---|---|")
    for name, X, y in tables():
        found = [winners(X, y, seed, arguments.trials) for seed in range(arguments.seeds)]
        for place, metric in enumerate(METRICS):
            print(row(name, y.mean(), metric, np.array([one[place] for one in found])), flush=True)


def row(name: str, share: float, metric: str, pairs: Array) -> str:
    """Return a line of the table; pairs (seeds, 2): by error, by the metric."""
    from scipy.stats import wilcoxon

    gain = pairs[:, 1] - pairs[:, 0]
    p = wilcoxon(gain, alternative="greater").pvalue if gain.any() else 1.0
    means = " | ".join(f"{mean:.3f}" for mean in pairs.mean(axis=0))
    return f"| {name} | {share:.1%} | {metric} | {means} | {(gain > 0).sum()}, {(gain < 0).sum()} | {p:.2g} |"


def tables() -> list[tuple[str, Array, Array]]:
    """Return names, features and labels, 1 for the rare class."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

    digits, cancer, sugar, wine = load_digits(), load_breast_cancer(), load_diabetes(), load_wine()
    low, high = np.quantile(sugar.target, [0.1, 0.9])
    two = cancer.data[:, [1, 4]]  # texture and smoothness: the classes overlap
    return [
        ("digits, eights thinned", *thinned(digits.data, digits.target == 8, 0.03)),
        ("digits, fours thinned", *thinned(digits.data, digits.target == 4, 0.05)),
        ("breast_cancer, malignant thinned", *thinned(cancer.data, cancer.target == 0, 0.08)),
        ("breast_cancer, two columns, thinned", *thinned(two, cancer.target == 0, 0.1)),
        ("diabetes, highest tenth", sugar.data, sugar.target >= high),
        ("diabetes, lowest tenth", sugar.data, sugar.target <= low),
        ("wine, third kind thinned", *thinned(wine.data, wine.target == 2, 0.1)),
    ]


def thinned(X: Array, rare: Array, share: float) -> tuple[Array, Array]:
    """Leave out rows of the rare class until it has this share."""
    keep = round(share * (~rare).sum() / (1 - share))
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(rare))[:keep]
    rows = np.sort(np.concatenate([np.flatnonzero(~rare), chosen]))
    return X[rows], rare[rows]


def winners(X: Array, y: Array, seed: int, trials: int) -> list[tuple[float, float]]:
    """Return of each metric its values on the test set: of the winner by error, and by the metric."""
    from caviar.search.history import History
    from caviar.search.spec import SearchSpec
    from caviar.search.strategies import propose
    from caviar.trainer.plugin import MLP

    mlp, named = MLP(), [f"dev_{metric}" for metric in METRICS]
    search = {"space": SPACE, "strategy": "random", "budget": {"trials": trials}, "seed": seed, "parallel": 1}
    spec = SearchSpec.parse({"dataset": {"name": "digits"}, **search})
    split = {"train": 0.4, "dev": 0.3, "test": 0.3}
    data = mlp.load({"X": X, "y": y.astype(int), "split": split, "seed": seed}, {})
    dev, test = [], []
    for number in range(1, trials + 1):
        point = propose(spec, number, History.empty(spec.space.dimensions)).point
        run = mlp.start({**SETTINGS, **point, **mlp.settings_for(named)}, data, seed=seed * 1000 + number)
        while run.status == "running":
            run.advance(60)
        result = run.result()
        dev.append([-result["dev_error"], *(result[name] for name in named)])
        test.append(scores(data, run.model()))
    values, measured = np.array(dev), np.array(test)
    best = values.argmax(axis=0)  # the first of equally good ones
    return [(measured[best[0], j], measured[best[j + 1], j]) for j in range(len(METRICS))]


def scores(data: Any, model: bytes) -> list[float]:
    """Return the metrics on the test set, by scikit-learn."""
    from sklearn.metrics import average_precision_score, balanced_accuracy_score, f1_score

    from caviar.trainer.predict import Model

    found = Model.load(model).predict_prepared(data.X_test)
    decided, shares = found.numbers, found.probabilities[:, 1]
    truth = data.Y_test
    return [
        float(f1_score(truth, decided, zero_division=0)),
        float(average_precision_score(truth, shares)),
        float(balanced_accuracy_score(truth, decided)),
    ]


if __name__ == "__main__":
    main()
