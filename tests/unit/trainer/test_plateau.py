"""Why a cost stands: real trainings with one trouble each, what is said of them, and that it helps."""

import numpy as np
import pytest

from caviar.trainer.advice import advise
from caviar.trainer.plugin import MLP

TRAINER = MLP()
SIGMOIDS = {"activation": "sigmoid", "optimizer": "gd", "l2": 0}
THE_CASE = {**SIGMOIDS, "hidden_units": [32, 32], "batch_size": 256, "learning_rate": 0.01}
TROUBLES = {
    "small_rate": (THE_CASE, 48),
    "vanishing": ({**SIGMOIDS, "hidden_units": [16] * 4, "batch_size": 64, "learning_rate": 0.1}, 16),
    "saturated": ({**SIGMOIDS, "batch_size": 64, "learning_rate": 0.01, "init_scale": 50.0}, 16),
    "symmetry": ({**SIGMOIDS, "batch_size": 64, "learning_rate": 0.1, "initialization": "zeros"}, 16),
    "saddle": (
        {
            "hidden_units": [16] * 3,
            "activation": "tanh",
            "optimizer": "gd",
            "batch_size": 64,
            "learning_rate": 0.05,
            "initialization": "normal",
            "init_scale": 1e-3,
        },
        16,
    ),
    "dead_units": ({"hidden_units": [16] * 3, "batch_size": 64, "learning_rate": 2.0}, 16),
    "regularised": ({"hidden_units": 16, "batch_size": 64, "learning_rate": 0.01, "l2": 200.0}, 16),
    "noise": ({"hidden_units": [], "optimizer": "gd", "batch_size": 2, "learning_rate": 0.05}, 16),
    "exploding": ({"hidden_units": 16, "optimizer": "gd", "batch_size": 64, "learning_rate": 50.0}, 16),
}
DATA = {"noise": "diabetes"}


@pytest.fixture(scope="module")
def data():
    names = ("digits", "diabetes")
    return {name: TRAINER.load({"name": name}, {}) for name in names}


def trained(settings, data, epochs, run=None):
    run = run or TRAINER.start({**settings, "epochs": 10_000}, data, 1)
    rows = []
    while run.status == "running" and run.epoch < epochs:
        rows += run.advance(10.0, until_epoch=epochs).epochs
    return run, rows


def columns(rows):
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, np.nan) for row in rows] for name in names}


def cost(run):
    return np.inf if run.status == "diverged" else run.evaluate("train").cost


@pytest.mark.parametrize("kind", TROUBLES)
def test_the_trouble_is_named_and_the_advice_mends_it(kind, data):
    settings, epochs = TROUBLES[kind]
    table = data[DATA.get(kind, "digits")]
    run, rows = trained(settings, table, epochs)
    [advice] = advise(columns(rows), settings, run.status == "diverged")
    assert advice.kind == kind
    alone, _ = trained(settings, table, 2 * epochs, run)
    if advice.command and advice.command["kind"] == "set":
        helped, _ = trained(settings, table, epochs)
        helped.change(advice.command["arguments"])
        trained(settings, table, 2 * epochs, helped)
    else:
        changes = advice.settings or advice.command["arguments"]["changes"]
        helped, _ = trained({**settings, **changes}, table, 2 * epochs)
    assert cost(helped) < 0.995 * cost(alone)


def test_identical_units_are_told_that_nothing_else_helps(data):
    settings, epochs = TROUBLES["symmetry"]
    _, rows = trained(settings, data["digits"], epochs)
    [advice] = advise(columns(rows), settings)
    assert advice.command is None
    assert "only another initialisation" in advice.text
    assert advice.settings == {"initialization": "xavier", "init_scale": 1}


@pytest.mark.parametrize("name", ["digits", "diabetes"])
@pytest.mark.parametrize("epochs", [30, 100])
def test_a_healthy_training_gets_no_advice(name, epochs, data):
    _, rows = trained({"hidden_units": 16}, data[name], epochs)
    assert advise(columns(rows), {}) == []
