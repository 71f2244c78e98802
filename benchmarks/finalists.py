"""Is the named winner truly better than the plain best? Both are trained with 50 seeds that no one has seen.

Each search has 24 random trials of small networks; its three leaders are trained five times each with fresh
seeds, and the winner is the leader with the best mean of these.

python -m benchmarks.finalists [--searches 20] [--seeds 50]
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from caviar.search.history import History
from caviar.search.leaders import chance_of_ties
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose
from caviar.trainer.plugin import MLP
from caviar.trial_settings import trial_seed

DATA = ("iris", "wine", "breast_cancer", "digits", "diabetes")
FIXED = {"epochs": 12, "hidden_layers": 1, "batch_size": 32}
SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-3, "high": 0.1},
    "beta1": {"scale": "one_minus_log", "low": 0.5, "high": 0.99},
    "hidden_units": {"low": 4, "high": 32, "type": "int"},
}
TRIALS, LEADERS, SEEDS = 24, 3, 5
TRAINER = MLP()


def errors(data: Any, point: dict[str, Any], seeds: range) -> np.ndarray:
    """Return the dev error of a point for each seed."""
    found = []
    for seed in seeds:
        run = TRAINER.start(FIXED | point, data, seed)
        run.advance(600.0)
        found.append(run.result()["dev_error"])
    return np.array(found)


def one_search(data: Any, number: int, seeds: int) -> tuple[float, float, list[tuple[float, float | None]]]:
    """Return the true error of the plain best and of the winner, and how each other finalist compares.

    Of each other finalist: its true error less the winner's, and the chance that the difference is none.
    """
    spec = SearchSpec.parse(
        {"space": SPACE, "strategy": "random", "budget": {"trials": TRIALS}, "seed": number}
    )
    nothing = History.empty(spec.space.dimensions)
    points = [propose(spec, trial, nothing).point for trial in range(TRIALS)]
    seeds_first = [trial_seed(number, trial) for trial in range(TRIALS)]
    first = [
        errors(data, point, range(seed, seed + 1))[0] for point, seed in zip(points, seeds_first, strict=True)
    ]
    leaders = np.argsort(first, kind="stable")[:LEADERS]
    fresh = {at: errors(data, points[at], range(10_000, 10_000 + SEEDS)) for at in leaders}
    ranked = sorted(leaders, key=lambda at: fresh[at].mean())
    truth = {at: errors(data, points[at], range(20_000, 20_000 + seeds)).mean() for at in leaders}
    chances = chance_of_ties([fresh[at] for at in ranked])
    others = [(truth[at] - truth[ranked[0]], chance) for at, chance in zip(ranked[1:], chances, strict=True)]
    return float(truth[leaders[0]]), float(truth[ranked[0]]), others


def main() -> None:
    """Print a row for each data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=50)
    asked = parser.parse_args()
    compared = f"of {asked.searches}: better / same / worse"
    head = f"| data | true error of the plain best | of the winner | {compared} |"
    print(f"{head} called real | of these real |\n|{'---|' * 6}")
    for name in DATA:
        data = TRAINER.load({"name": name}, FIXED)
        found = [one_search(data, number, asked.seeds) for number in range(asked.searches)]
        plain, winner = (np.array([one[column] for one in found]) for column in (0, 1))
        called = [gap for one in found for gap, chance in one[2] if chance is not None and chance < 0.05]
        counts = " / ".join(str(int(one.sum())) for one in (winner < plain, winner == plain, winner > plain))
        real = f"{len(called)} | {sum(gap > 0 for gap in called)}"
        print(f"| {name} | {plain.mean():.4f} | {winner.mean():.4f} | {counts} | {real} |", flush=True)


if __name__ == "__main__":
    main()
