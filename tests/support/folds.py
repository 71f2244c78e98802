"""Simulated searches with folds: whether the race lost the true winner, and what it saved."""

from typing import Any

import numpy as np

from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec

KINDS = ("normal", "uneven", "heavy", "counts")
TRIALS = 40


def raced(
    folds: int, repeats: int, noise: float, seed: int, kind: str = "normal", **race: Any
) -> tuple[bool, float]:
    """Search with two workers; errors run from 0.1 to 0.5, single folds stray by `noise` from them.

    The true winner is the trial with the lowest mean over all folds, had every trial gone through all.
    Kinds of noise: normal; uneven, larger for worse trials; heavy, by Student's t with three degrees of
    freedom; counts, wrong ones among as many rows as give about that noise.
    """
    trainings = folds * repeats
    spec = SearchSpec.parse(
        {
            "space": {"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}},
            "dataset": {"name": "digits", "folds": folds, "repeats": repeats},
            "strategy": "random",
            "budget": {"trials": TRIALS},
            "seed": seed,
            "parallel": 2,
            "stopping": {"name": "race", **race},
        }
    )
    hard = np.random.default_rng(seed).normal(size=trainings) * 1.5 * noise
    whole = np.zeros(TRIALS)

    def train(number: int, proposal: Any) -> list[float]:
        x, y = proposal.unit
        error = 0.1 + (x - 0.4) ** 2 + 0.5 * (y - 0.7) ** 2
        rng = np.random.default_rng([seed, number])
        if kind == "counts":
            rows = int(0.1 * 0.9 / noise**2)
            scores = rng.binomial(rows, np.clip(error + hard, 0.001, 0.9)) / rows
        else:
            stray = rng.standard_t(3, trainings) / 3**0.5 if kind == "heavy" else rng.normal(size=trainings)
            scores = error + hard + noise * stray * (5 * error if kind == "uneven" else 1.0)
        course = np.cumsum(scores) / np.arange(1, trainings + 1)
        whole[number] = course[-1]
        return [float(one) for one in course]

    found = simulate(spec, train, workers=2)
    through = [len(curve) == trainings for curve in found.curves]
    lost = not any(through[number] for number in np.flatnonzero(whole == whole.min()))
    return lost, 1.0 - sum(map(len, found.curves)) / (TRIALS * trainings)
