"""How often a re-test raises an alarm: on data that has not changed, and on planted drift, with its reason.

`python -m benchmarks retests [RUNS]` searches 12 points on made-up tables, trains the best three again with
three fresh seeds on the same and on newer data, and asks for the verdict, as the server does.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from caviar.service.usecases.retest_verdict import Change, Verdict, change_of, verdict
from caviar.trainer.data.load import Prepared
from caviar.trainer.drift import drift
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model

ROWS, POINTS, LEADERS, SEEDS, EPOCHS = 500, 12, 3, 3, 15
TRAINER = MLP()
Made = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def table(rng: np.random.Generator, m: int, kind: str = "same", regression: bool = False) -> Made:
    """Return made-up features (m, 6) and a target; the last two columns have no effect."""
    X = rng.normal(size=(m, 6))
    if kind == "columns":
        X[:, 0] += 0.7
    if kind == "some columns":
        X[:, 4] = 0.5 * X[:, 4] + 0.8
    slope = np.array([1.5, -1.0, 0.8, 0.5, 0.0, 0.0])
    if kind == "relation":
        slope = slope[[1, 0, 3, 2, 4, 5]]
    score = X @ slope + X[:, 0] * X[:, 1]
    if regression:
        return X, score + rng.normal(size=m) + (1.5 if kind == "target" else 0.0)
    y = (score + rng.logistic(size=m) > 0).astype(int)
    if kind == "target":  # a class becomes rarer; within the classes nothing changes
        keep = (y == 0) | (rng.random(m) < 0.3)
        return (X[keep], y[keep]) if keep.sum() >= m // 2 else (X, y)
    return X, y


def train(prepared: Prepared, point: dict[str, Any], seed: int) -> tuple[float, bytes]:
    """Train once; return the error on the dev set, and the model."""
    run = TRAINER.start({"epochs": EPOCHS, **point}, prepared.data(0), seed)
    while run.status == "running":
        run.advance(1.0)
    return float(run.result()["dev_error"]), run.model()


def retested(seed: int, kind: str, regression: bool = False) -> Verdict:
    """Search, wait for newer data, and re-test the winners."""
    rng = np.random.default_rng(seed)
    task = "regression" if regression else "classification"
    made = [table(rng, ROWS, "same", regression), table(rng, 2 * ROWS, kind, regression)]
    made[1] = made[1][0][:ROWS], made[1][1][:ROWS]
    old, new = (Prepared({"X": X, "y": y, "task": task}) for X, y in made)
    points = [
        {"learning_rate": float(10 ** rng.uniform(-3, -1)), "hidden_units": int(rng.integers(4, 24))}
        for _ in range(POINTS)
    ]
    first = [train(old, point, seed + place)[0] for place, point in enumerate(points)]
    leaders = [points[at] for at in np.argsort(first, kind="stable")[:LEADERS]]
    sides = []
    for place, side in enumerate((old, new)):
        sides.append([[train(side, p, seed + 1000 * (place + 1) + s) for s in range(SEEDS)] for p in leaders])
    models = [Model.load(min(trained[0])[1]) for trained in sides]
    found = drift(models[0], models[1], old, new, "error")
    noise = float(np.hypot(found["noise"]["before"], found["noise"]["after"]))
    changes: list[Change] = [
        change_of([v for v, _ in one], [v for v, _ in other], noise)
        for one, other in zip(*sides, strict=True)
    ]
    return verdict(found, changes, 1.0)


def main(arguments: list[str], say: Callable[[str], object] = print) -> None:
    """Print how often there was an alarm, and for which reasons."""
    runs = int(arguments[0]) if arguments else 200
    for regression in (False, True):
        for kind in ("same", "columns", "some columns", "target", "relation"):
            count = runs if kind == "same" else max(1, runs // 4)
            seen = [retested(7919 * seed + regression, kind, regression) for seed in range(count)]
            reasons = Counter(" + ".join(one.reasons) or "none" for one in seen)
            alarms = sum(one.drifted for one in seen)
            name = "regression" if regression else "classes"
            say(f"{name:<11}{kind:<14}{alarms:>4} of {count}  {dict(reasons.most_common())}")


if __name__ == "__main__":
    main(sys.argv[1:])
