"""How well default settings do: the trainer against scikit-learn's multi-layer perceptron, at equal epochs.

Run it as `python -m benchmarks.trainer_quality [epochs]`; it takes minutes. Both get the same rows,
normalised in the same way, regression targets too; both use Adam, scikit-learn one thread, no early stopping.
Reported is the median dev error over five seeds, each with a split, weights and order of its own.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from benchmarks.data_sets import dataset
from caviar.trainer.data.types import Data
from caviar.trainer.plugin import MLP

NAMES = ("digits", "breast_cancer", "mnist_5k", "letter", "diamonds", "diabetes")
SEEDS = range(5)
EPOCHS = 30  # the trainer's default


@dataclass(frozen=True)
class Row:
    """One data set: median dev error over the seeds, for both."""

    name: str
    rows: int
    ours: float
    theirs: float

    @property
    def text(self) -> str:
        """A line of the table."""
        verdict = "yes" if self.ours <= self.theirs else "no"
        return f"| {self.name} | {self.rows} | {self.ours:.4f} | {self.theirs:.4f} | {verdict} |"


def measure(name: str, epochs: int) -> Row:
    """Train both on one data set."""
    ours, theirs = [], []
    with threadpool_limits(1):
        for seed in SEEDS:
            data = MLP().load({**dataset(name), "seed": seed}, {})
            ours.append(train(data, seed, epochs))
            theirs.append(train_scikit_learn(data, seed, epochs))
    return Row(name, len(data.X_train), float(np.median(ours)), float(np.median(theirs)))


def train(data: Data, seed: int, epochs: int) -> float:
    """Return the dev error of a run with default settings."""
    run = MLP().start({"epochs": epochs}, data, seed)
    while run.status == "running":
        run.advance(1.0)
    return run.result()["dev_error"]


def train_scikit_learn(data: Data, seed: int, epochs: int) -> float:
    """Return the dev error of scikit-learn with its default settings."""
    kind = MLPRegressor if data.kind == "regression" else MLPClassifier
    model = kind(max_iter=epochs, random_state=seed, tol=0.0, n_iter_no_change=epochs + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.X_train, data.Y_train.ravel())
    predicted = model.predict(data.X_dev)
    if data.kind == "regression":
        return float(np.sqrt(np.mean((predicted - data.Y_dev.ravel()) ** 2)))
    return float(np.mean(predicted != data.Y_dev))


def main() -> None:
    """Print the table."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else EPOCHS
    print(f"Median dev error over {len(SEEDS)} seeds, {epochs} epochs, default settings, Adam")
    print("| data set | training rows | caviar | scikit-learn | no worse |")
    print("|---|---|---|---|---|")
    for name in NAMES:
        print(measure(name, epochs).text, flush=True)


if __name__ == "__main__":
    main()
