"""Trainings whose trouble is known since it was made: ten kinds of it, and healthy ones.

Each draws a table, a network, an optimiser and sizes from its seed. A trouble that did not come about is
drawn again; whether it did is seen by other means than the advice's: by whole passes and by costs alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from caviar.trainer.data.types import Data
from caviar.trainer.plugin import MLP

TRAINER = MLP()
BUILT_IN = ("iris", "wine", "breast_cancer", "digits", "diabetes")
MADE = ("blobs", "classes", "moons", "circles", "friedman", "linear", "noisy")
Settings = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A training: `kind` is its trouble, None for a healthy one."""

    kind: str | None
    table: str
    data: Data
    settings: Settings
    epochs: int
    seed: int


@cache
def table(name: str, seed: int = 0) -> Data:
    """Return a built-in data set, or one that is made."""
    if name in BUILT_IN:
        return TRAINER.load({"name": name, "seed": seed}, {})  # type: ignore[return-value]
    rng = np.random.default_rng([seed, MADE.index(name)])
    X, Y, kind = _made(name, rng, seed)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    cut = len(X) * 7 // 10
    X = np.ascontiguousarray(X, np.float32)
    if kind == "regression":
        Y = ((Y - Y.mean()) / Y.std()).reshape(-1, 1)
    Y = np.ascontiguousarray(Y, np.float32 if kind == "regression" else np.int32)
    more: Settings = {"mu": np.zeros(X.shape[1]), "sigma": np.ones(X.shape[1])}
    more |= (
        {"target_mu": np.zeros(1), "target_sigma": np.ones(1)}
        if kind == "regression"
        else {"n_classes": int(Y.max()) + 1}
    )
    return Data(kind, X[:cut], Y[:cut], X[cut:], Y[cut:], **more)  # type: ignore[arg-type]


def _made(name: str, rng: np.random.Generator, seed: int) -> tuple[Any, Any, str]:
    from sklearn import datasets as sk

    m = int(rng.integers(200, 1500))
    if name == "blobs":
        k = int(rng.integers(3, 7))
        return *sk.make_blobs(m, 8, centers=k, cluster_std=3.0, random_state=seed), "multiclass"
    if name == "classes":
        k = int(rng.integers(2, 5))
        made = sk.make_classification(
            m, 20, n_informative=10, n_classes=k, n_clusters_per_class=2, random_state=seed
        )
        return *made, "binary" if k == 2 else "multiclass"
    if name == "moons":
        return *sk.make_moons(m, noise=0.2, random_state=seed), "binary"
    if name == "circles":
        return *sk.make_circles(m, noise=0.1, factor=0.5, random_state=seed), "binary"
    if name == "friedman":
        return *sk.make_friedman1(m, 10, noise=1.0, random_state=seed), "regression"
    if name == "linear":
        return *sk.make_regression(m, 15, n_informative=8, noise=40.0, random_state=seed), "regression"
    made = sk.make_classification(m, 20, n_informative=6, n_classes=2, flip_y=0.2, random_state=seed)
    return *made, "binary"


def train(case: Case, settings: Settings, epochs: int) -> tuple[Any, list[dict[str, float]]]:
    """Train so many epochs; the run could go on."""
    run = TRAINER.start({**settings, "epochs": 100 * epochs}, case.data, case.seed)
    return run, go_on(run, epochs)


def go_on(run: Any, until: int) -> list[dict[str, float]]:
    """Train up to an epoch and return the rows."""
    rows: list[dict[str, float]] = []
    while run.status == "running" and run.epoch < until:
        rows += run.advance(60.0, until_epoch=until).epochs
    return rows


def _rate(rng: np.random.Generator, low: float, high: float) -> float:
    return float(f"{10 ** rng.uniform(np.log10(low), np.log10(high)):.3g}")


def _batch(rng: np.random.Generator, m: int, low: int = 16, high: int = 256) -> int:
    return int(min(m, 2 ** rng.integers(int(np.log2(low)), int(np.log2(high)) + 1)))


def _units(rng: np.random.Generator, low: int, high: int) -> list[int]:
    return [int(rng.choice([8, 16, 32, 64]))] * int(rng.integers(low, high + 1))


def _one(rng: np.random.Generator, *choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


def small_rate(rng: np.random.Generator, m: int) -> Settings:
    """Alpha is a hundredth to a thousandth of what is usual, or decays away within the first epochs."""
    optimizer = _one(rng, "gd", "momentum", "adam")
    usual = 0.1 if optimizer != "adam" else 3e-3
    made = {
        "hidden_units": _units(rng, 1, 2),
        "activation": _one(rng, "relu", "tanh", "leaky_relu"),
        "optimizer": optimizer,
        "batch_size": _batch(rng, m, 64),
        "l2": 0,
    }
    if rng.random() < 0.3:
        return made | {
            "learning_rate": usual / 3,
            "decay": "exponential",
            "decay_rate": _one(rng, 0.2, 0.3, 0.4),
        }
    return made | {"learning_rate": _rate(rng, usual / 3000, usual / 100)}


def vanishing(rng: np.random.Generator, m: int) -> Settings:
    """Many layers of sigmoids."""
    return {
        "hidden_units": [int(rng.choice([16, 32, 64]))] * int(rng.integers(4, 9)),
        "activation": "sigmoid",
        "optimizer": _one(rng, "gd", "momentum"),
        "batch_size": _batch(rng, m),
        "learning_rate": _rate(rng, 0.03, 0.3),
        "l2": 0,
    }


def saturated(rng: np.random.Generator, m: int) -> Settings:
    """Weights so large that sigmoids or tanh are at their ends."""
    return {
        "hidden_units": _units(rng, 1, 3),
        "activation": _one(rng, "sigmoid", "tanh"),
        "optimizer": _one(rng, "gd", "momentum"),
        "batch_size": _batch(rng, m),
        "learning_rate": _rate(rng, 3e-3, 0.05),
        "initialization": _one(rng, "xavier", "glorot"),
        "init_scale": _rate(rng, 20, 100),
        "l2": 0,
    }


def dead_units(rng: np.random.Generator, m: int) -> Settings:
    """Steps so long that the units of a layer of ReLU end below 0 for every row."""
    optimizer = _one(rng, "gd", "adam", "momentum")
    return {
        "hidden_units": _units(rng, 1, 4),
        "activation": "relu",
        "optimizer": optimizer,
        "batch_size": _batch(rng, m),
        "learning_rate": _rate(rng, 0.1, 3) if optimizer == "adam" else _rate(rng, 0.5, 8),
        "l2": 0,
    }


def symmetry(rng: np.random.Generator, m: int) -> Settings:
    """All weights begin at zero."""
    return {
        "hidden_units": _units(rng, 1, 3),
        "activation": _one(rng, "sigmoid", "tanh", "relu", "leaky_relu"),
        "optimizer": _one(rng, "gd", "momentum", "adam"),
        "batch_size": _batch(rng, m),
        "learning_rate": _rate(rng, 1e-3, 0.1),
        "l2": 0,
        **_one(rng, {"initialization": "zeros"}, {"init_scale": 0}),
    }


def saddle(rng: np.random.Generator, m: int) -> Settings:
    """All weights begin near zero."""
    return {
        "hidden_units": [int(rng.choice([16, 32, 64]))] * int(rng.integers(2, 5)),
        "activation": _one(rng, "tanh", "relu", "leaky_relu"),
        "optimizer": _one(rng, "gd", "momentum"),
        "batch_size": _batch(rng, m),
        "learning_rate": _rate(rng, 0.01, 0.1),
        "initialization": "normal",
        "init_scale": _rate(rng, 1e-4, 2e-3),
        "l2": 0,
    }


def noise(rng: np.random.Generator, m: int) -> Settings:
    """Single rows or a few, and steps too long to settle."""
    optimizer = _one(rng, "gd", "momentum", "adam")
    return {
        "hidden_units": _units(rng, 0, 1),
        "activation": _one(rng, "relu", "tanh"),
        "optimizer": optimizer,
        "batch_size": int(rng.choice([1, 2, 4, 8])),
        "learning_rate": _rate(rng, 0.01, 0.05) if optimizer == "adam" else _rate(rng, 0.02, 0.15),
        "l2": 0,
    }


def exploding(rng: np.random.Generator, m: int) -> Settings:
    """Weights that let gradients grow with each layer, or steps far too long."""
    made = {
        "hidden_units": _units(rng, 1, 3),
        "activation": _one(rng, "relu", "leaky_relu"),
        "optimizer": _one(rng, "gd", "momentum"),
        "batch_size": _batch(rng, m),
        "l2": 0,
    }
    if rng.random() < 0.5:
        deep = [int(rng.choice([16, 32, 64]))] * int(rng.integers(5, 9))
        more = {
            "initialization": "he",
            "init_scale": _rate(rng, 4, 10),
            "learning_rate": _rate(rng, 0.01, 0.1),
        }
        return made | more | {"hidden_units": deep}
    return made | {"learning_rate": _rate(rng, 1, 100)}


def oscillating(rng: np.random.Generator, m: int) -> Settings:
    """The whole batch, and steps across the valley."""
    optimizer = _one(rng, "gd", "rmsprop")
    return {
        "hidden_units": _units(rng, 0, 1),
        "activation": _one(rng, "relu", "leaky_relu"),
        "optimizer": optimizer,
        "batch_size": m,
        "learning_rate": _rate(rng, 0.03, 0.5) if optimizer == "rmsprop" else _rate(rng, 2, 60),
        "l2": 0,
    }


def regularised(rng: np.random.Generator, m: int) -> Settings:
    """L2 or L1 that pulls all weights to zero."""
    batch = _batch(rng, m)
    return {
        "hidden_units": _units(rng, 1, 2),
        "activation": _one(rng, "relu", "tanh", "sigmoid"),
        "optimizer": _one(rng, "gd", "momentum", "adam"),
        "batch_size": batch,
        "learning_rate": _rate(rng, 0.01, 0.1),
        "l2": 0,
        **({"l2": batch * _rate(rng, 0.5, 3)} if rng.random() < 0.7 else {"l1": batch * _rate(rng, 0.1, 1)}),
    }


def healthy(rng: np.random.Generator, m: int) -> Settings:
    """Usual settings: the defaults, or such as anybody would choose."""
    optimizer = _one(rng, "gd", "momentum", "rmsprop", "adam")
    made: Settings = {"hidden_units": _units(rng, 1, 2), "optimizer": optimizer}
    if rng.random() < 0.5:
        made |= {"activation": _one(rng, "relu", "tanh", "leaky_relu"), "batch_size": _batch(rng, m, 32, 128)}
        made |= {"learning_rate": 1e-3 if optimizer in ("adam", "rmsprop") else _rate(rng, 0.03, 0.1)}
    return made


TROUBLES: dict[str, Callable[[np.random.Generator, int], Settings]] = {
    one.__name__: one
    for one in (
        small_rate,
        vanishing,
        saturated,
        dead_units,
        symmetry,
        saddle,
        noise,
        exploding,
        oscillating,
        regularised,
    )
}


def troubled(kind: str, seed: int) -> Case:
    """Return a training with this trouble."""
    rng = np.random.default_rng([seed, list(TROUBLES).index(kind)])
    for _ in range(300):
        case = _drawn(rng, kind, TROUBLES[kind], int(rng.integers(16, 80)))
        if _came_about(kind, case):
            return case
    raise RuntimeError(f"no {kind} came about with seed {seed}")


def sound(seed: int) -> Case:
    """Return a training without trouble."""
    rng = np.random.default_rng([seed, 99])
    for _ in range(100):
        case = _drawn(rng, None, healthy, int(rng.integers(16, 150)))
        if _learns(case):
            return case
    raise RuntimeError(f"no healthy training came about with seed {seed}")


def _drawn(rng: np.random.Generator, kind: str | None, settings: Any, epochs: int) -> Case:
    name = _one(rng, *BUILT_IN, *MADE)
    data = table(name, int(rng.integers(0, 4)))
    return Case(kind, name, data, settings(rng, len(data.X_train)), epochs, int(rng.integers(2**31)))


def _came_about(kind: str, case: Case) -> bool:
    """Return whether a trouble is there, seen by whole passes and by the costs alone."""
    run, rows = train(case, case.settings, case.epochs)
    costs = np.array([row["train_cost"] for row in rows])
    ill = run.status == "diverged" or not np.all(np.isfinite(costs)) or len(costs) < case.epochs
    if kind == "exploding":
        return ill or bool(costs[-1] > 1e3 * costs[0])
    if ill or run.evaluate("train").cost > 1e6:
        return False
    if kind == "dead_units":
        return _has_constant_layer(run, case)
    if kind == "oscillating":
        last = costs[-10:]
        steps = np.diff(last)
        high = last.mean() > 0.05 * _constant_cost(case)
        return bool(
            high and np.sum(steps[1:] * steps[:-1] < 0) >= 6 and np.mean(np.abs(steps)) > 0.1 * last.mean()
        )
    if kind == "noise":
        return not _has_constant_layer(run, case) and _settles(case, run)
    if kind == "small_rate":
        return run.evaluate("train").cost > 0.8 * _constant_cost(case)
    return run.evaluate("train").cost > 0.95 * _constant_cost(case) or kind == "saturated"


def _has_constant_layer(run: Any, case: Case) -> bool:
    """Return whether all units of some hidden layer give the same for every row."""
    tensors, A = run.network.tensors(run.weights), case.data.X_train.astype(np.float64)
    for layer in range(1, run.network.layers):
        Z = A @ tensors[f"W{layer}"].T + tensors[f"b{layer}"]
        A = {"relu": np.maximum(Z, 0), "tanh": np.tanh(Z)}.get(run.network.activation, Z)
        if np.all(A.std(axis=0) <= 1e-12):
            return True
    return False


def _settles(case: Case, run: Any) -> bool:
    """Return whether a tenth of the rate lowers a cost by a tenth or more that hardly falls by itself."""
    cost = run.evaluate("train").cost
    other, _ = train(case, case.settings, case.epochs)
    go_on(run, 2 * case.epochs)
    other.change({"learning_rate": case.settings["learning_rate"] / 10})
    go_on(other, 2 * case.epochs)
    alone, lower = run.evaluate("train").cost, other.evaluate("train").cost
    return bool(lower < 0.9 * alone and alone > 0.8 * cost and alone > 0.02 * _constant_cost(case))


def _learns(case: Case) -> bool:
    """Return whether the cost falls well, to its end, and that of the dev set does not rise again."""
    run, rows = train(case, case.settings, case.epochs)
    costs, dev = (np.array([row[name] for row in rows]) for name in ("train_cost", "dev_cost"))
    if run.status == "diverged" or len(costs) < case.epochs:
        return False
    return bool(run.evaluate("train").cost < 0.7 * _constant_cost(case) and dev[-1] < 1.05 * dev.min())


def _constant_cost(case: Case) -> float:
    Y = case.data.Y_train
    if case.data.kind == "regression":
        return float(np.var(Y))
    p = np.bincount(Y) / len(Y)
    return float(-np.sum(p[p > 0] * np.log(p[p > 0])))
