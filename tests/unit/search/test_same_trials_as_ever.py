"""One seed gives the trials that it has always given: a stored search can be continued after an update.

A digest may change only with a strategy or a rule that is meant to change, and with a new version of Optuna.
"""

import hashlib
import json

import pytest

from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec

SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1},
    "beta1": {"scale": "one_minus_log", "low": 0.9, "high": 0.999},
    "hidden_layers": {"type": "int", "low": 1, "high": 3},
    "hidden_units": {
        "scale": "log",
        "type": "int",
        "low": 16,
        "high": 256,
        "step": 16,
        "each": "hidden_layers",
    },
    "l2": {"scale": "log", "low": 1e-6, "high": 10, "zero": 0.2},
    "optimizer": {"choices": ["momentum", "adam", "rmsprop"]},
    "beta2": {"scale": "one_minus_log", "low": 0.9, "high": 0.9999, "when": {"optimizer": "adam"}},
    "activation": {"value": "relu"},
}
EPOCHS = 12


def curve(number, proposal):
    """Learn at a pace that hangs on the point, towards a value that does too; overfit later."""
    best = float(((proposal.unit - 0.3) ** 2).mean())
    pace = 0.5 + float(proposal.unit.sum()) % 1
    return [best + 1 / (1 + pace * epoch) + 0.05 * max(epoch - 5, 0) for epoch in range(EPOCHS)]


def written(value):
    """Round numbers to what every machine agrees on: the last bits are those of its libraries."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return [written(one) for one in value] if isinstance(value, list) else value


def digest(**search):
    spec = SearchSpec.parse({"space": SPACE, "seed": 3, "parallel": 3, "budget": {"trials": 40}, **search})
    done = simulate(spec, curve, workers=3)
    rows = [
        {
            **{name: written(value) for name, value in one.point.items()},
            "of": [one.origin, one.why, one.round, one.continue_from, one.epochs, len(epochs)],
        }
        for one, epochs in zip(done.proposals, done.curves, strict=True)
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("strategy", "known"),
    [
        ("random", "eb037212c54b6b5e"),
        ("sobol", "f4a22ca319e5bbcd"),
        ("grid", "1a49b26911753fc0"),
        ("coarse_to_fine", "4a9b346282bcdabc"),  # as version 1: without noise no point is tried again
        ({"name": "coarse_to_fine", "version": 1}, "4a9b346282bcdabc"),
        ({"name": "coarse_to_fine", "rounds": 4}, "ce0f5b7889ad8773"),
        ({"name": "coarse_to_fine", "epochs_per_round": [2, 5, 12]}, "f1cfc56b9ec33492"),
        ("tpe", "a34cabe5ba20b616"),
        ("cmaes", "ff2c2dfe8245d708"),
    ],
)
def test_strategies(strategy, known):
    assert digest(strategy=strategy) == known


@pytest.mark.torch
def test_gaussian_process():
    assert digest(strategy="gp", budget={"trials": 14}) == "d50eb48c0eebda94"


@pytest.mark.parametrize(
    ("rule", "known"),
    [
        ("median", "d4fe4fabf1c3c3ab"),
        ("successive_halving", "d59b445df67c8d08"),
        ("hyperband", "eca0cd7f9892335a"),
        ({"name": "patience", "epochs": 3}, "bb6210982cc4f49f"),
        ({"name": "threshold", "bound": 0.3, "warmup": 5}, "2df4cb0c705c7b1c"),
    ],
)
def test_stopping_rules(rule, known):
    assert digest(strategy="random", stopping=rule) == known
