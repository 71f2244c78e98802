"""Checkpoints and models that commit f3935b5 wrote (tests/data/trainer) still mean the same.

The weights that training goes on to are compared with those of then up to rounding: their last bits depend on
the processor.
"""

from pathlib import Path

import numpy as np
import pytest

from caviar.trainer.choices import Optimizer
from caviar.trainer.data.types import Data
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model

FILES = Path(__file__).parents[2] / "data" / "trainer"
KINDS = {"gd": "multiclass", "momentum": "binary", "rmsprop": "regression", "adam": "multiclass"}


def data_of(kind):
    """The data of then: multiples of 1/8, the same on every machine."""
    generator = np.random.Generator(np.random.PCG64(11))
    X = (generator.integers(-8, 9, (24, 9)) / 8).astype(np.float32)
    classes = {"binary": 2, "multiclass": 3, "regression": 0}[kind]
    if classes:
        Y, target = generator.integers(0, classes, 24).astype(np.int32), {"target_names": ("y",)}
    else:
        Y = (generator.integers(-8, 9, (24, 2)) / 8).astype(np.float32)
        target = {"target_names": ("y0", "y1"), "target_mu": np.zeros(2), "target_sigma": np.ones(2)}
    return Data(
        kind, X[:16], Y[:16], X[16:], Y[16:], n_classes=classes, mu=np.zeros(9), sigma=np.ones(9),
        feature_names=tuple(f"x{j}" for j in range(9)), class_names=tuple("abc"[:classes]),
        image_shape=(3, 3, 1), **target,
    )  # fmt: skip


def restored(name, kind):
    return MLP().restore((FILES / name).read_bytes(), data_of(kind))


def test_there_are_files_of_every_optimizer_of_then():
    assert set(KINDS) <= set(Optimizer.names())


@pytest.mark.parametrize(("optimizer", "kind"), KINDS.items())
def test_a_checkpoint_goes_on_as_it_did_then(optimizer, kind):
    run, then = restored(f"{optimizer}.checkpoint", kind), restored(f"{optimizer}.ended", kind)
    assert (run.settings.optimizer, run.status, run.step) == (optimizer, "running", 8)
    while run.status == "running":
        run.advance()
    assert (run.status, run.epoch, run.step) == (then.status, then.epoch, then.step) == ("completed", 6, 18)
    np.testing.assert_allclose(run.weights, then.weights, rtol=1e-3, atol=1e-5)
    assert np.abs(run.weights).max() > 0.1
    assert run.result() == pytest.approx(then.result(), rel=1e-3)


@pytest.mark.parametrize(("optimizer", "kind"), KINDS.items())
def test_a_model_predicts_as_it_did_then(optimizer, kind):
    data = data_of(kind)
    found = Model.load((FILES / f"{optimizer}.model").read_bytes()).predict_prepared(data.X_dev)
    if kind == "regression":
        error = np.sqrt(np.mean((found.values - data.Y_dev) ** 2)) / data.target_deviation
    else:
        error = np.mean(found.probabilities.argmax(axis=1) != data.Y_dev)
    assert error == pytest.approx(restored(f"{optimizer}.ended", kind).evaluate("dev")[1], rel=1e-4)


def test_runs_that_ended_early_or_diverged_still_say_so():
    patient = restored("patience.ended", "binary")
    assert (patient.status, patient.epoch) == ("completed", 2)
    assert "no lower dev error in the 1 epochs after epoch 1" in patient.advance().reason
    diverged = restored("diverged.ended", "regression")
    assert (diverged.status, diverged.epoch) == ("diverged", 2)
    assert "not finite" in diverged.advance().reason
