"""The training cost without dropout, regulariser and augmentation, against NumPy; it changes no bit."""

import numpy as np
import pytest

from caviar.trainer.kernels.structs import EVALUATING
from caviar.trainer.plugin import MLP
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings

TRAINER = MLP()
NOISY = {"keep_prob": 0.7, "input_keep_prob": 0.9, "l2": 3.0, "l1": 0.5, "precision": "float64", "epochs": 4}
LONG = 1e6  # seconds: kernels may have to be compiled first
ASKED = {"clean_train_cost": True}


def data_of(name):
    return TRAINER.load({"name": name}, {"precision": "float64"})


def run_of(data, seed=5, **settings):
    return Run(make_settings({**NOISY, "batch_size": 32, "hidden_units": [7, 5], **settings}), data, seed)


def cost_and_error(run):
    """-log a of what is right, or the squared distance, of plain matrix products."""
    tensors, data = run.network.tensors(run._state.weights), run.data
    A = np.maximum(data.X_train @ tensors["W1"].T + tensors["b1"], 0)
    A = np.maximum(A @ tensors["W2"].T + tensors["b2"], 0)
    Z, Y = A @ tensors["W3"].T + tensors["b3"], data.Y_train
    if data.kind == "regression":
        squares = (Z - Y.reshape(Z.shape)) ** 2
        return squares.mean(), np.sqrt(squares.mean()) / np.std(Y)
    if data.kind == "binary":
        a = 1 / (1 + np.exp(-Z[:, 0]))
        return -np.mean(np.log(np.where(Y == 1, a, 1 - a))), np.mean((Z[:, 0] > 0) != Y)
    a = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -np.mean(np.log(a[np.arange(len(Y)), Y])), np.mean(a.argmax(axis=1) != Y)


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "diabetes"])
def test_it_is_that_of_plain_products_after_each_epoch(name):
    run = run_of(data_of(name), **ASKED)
    for epoch in (1, 2, 3):
        [row] = run.advance(LONG, until_epoch=epoch).epochs
        told = row["clean_train_cost"], row["clean_train_error"]
        assert told == pytest.approx(cost_and_error(run), rel=1e-10)
        assert row["train_cost"] > row["clean_train_cost"]  # that has masks and a regulariser


def rows_of(run, seconds=LONG):
    rows = []
    while run.status == "running":
        rows += run.advance(seconds).epochs
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_it_changes_no_bit_and_ends_where_the_result_does():
    data = data_of("iris")
    plain, asked = run_of(data, batch_norm=True), run_of(data, batch_norm=True, **ASKED)
    before, after = rows_of(plain), rows_of(asked)
    assert np.array_equal(plain.weights, asked.weights)
    assert all(one.items() <= other.items() for one, other in zip(before, after, strict=True))
    last, result = after[-1], asked.result()
    told = {name: last[f"clean_{name}"] for name in ("train_cost", "train_error")}
    assert told == {name: result[name] for name in told}


def test_augmentation_is_no_part_of_it():
    data = TRAINER.load({"name": "digits"}, {})
    run = run_of(
        data, precision="float32", augmentation="shift", augmentation_strength=0.5, epochs=1, **ASKED
    )
    [row] = rows_of(run)
    assert row["clean_train_cost"] == run.result()["train_cost"]


def test_it_is_asked_for_and_left_again_while_a_run_goes_on():
    run = run_of(data_of("iris"))
    rows = run.advance(LONG, until_epoch=1).epochs
    run.change(ASKED)
    rows += run.advance(LONG, until_epoch=3).epochs
    run.change({"clean_train_cost": False})
    rows += run.advance(LONG).epochs
    assert ["clean_train_cost" in row for row in rows] == [False, True, True, False]


@pytest.mark.parametrize("more", [ASKED, {"metrics": ["train_dev_log_loss"]}], ids=["clean", "train_dev"])
def test_an_epoch_that_a_change_ends_has_its_own_row(more):
    """A change while the dev set is passed: the epoch's row waits, measured before the change."""
    split = {"train": 0.6, "train_dev": 0.2, "dev": 0.2, "test": 0.2}
    data = TRAINER.load({"name": "breast_cancer", "split": split}, {"precision": "float64"})
    whole = rows_of(run_of(data, **more))
    run, rows = run_of(data, **more), []
    while run._phase != EVALUATING:
        rows += run.advance(0.0).epochs
    run.change({"layer_statistics": False})  # nothing that trains
    rows += rows_of(run, 0.0)
    for row in rows:
        row.pop("seconds", None)
    assert rows == whole
