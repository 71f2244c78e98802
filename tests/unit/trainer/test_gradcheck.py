"""The gradient check at 1e-7: every activation, loss and depth, batch norm, regularisers, fixed masks."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from caviar.trainer import gradcheck
from caviar.trainer.data import load
from caviar.trainer.problem import DataError, SettingError

REGULARISERS = {"none": {}, "l1": {"l1": 0.3}, "l2": {"l2": 0.3}, "both": {"l1": 0.2, "l2": 0.4}}
DEPTHS = [(), (5,), (5, 4), (5, 4, 3)]
ACTIVATIONS = ["relu", "leaky_relu", "tanh", "sigmoid"]


@pytest.fixture(scope="module")
def data():
    """Small sets of all three kinds; fewer columns make fewer parameters, which are then all compared."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 4))
    targets = {
        "binary": (X[:, 0] + X[:, 1] > 0).astype(int),
        "multiclass": np.array(["a", "b", "c"])[np.digitize(X[:, 0] - X[:, 2], (-0.6, 0.6))],
        "regression": np.column_stack([X @ rng.normal(size=4), X[:, 0] * X[:, 1]]),
    }
    split = {"train": 0.6, "dev": 0.4}
    return {kind: load({"X": X, "y": y, "split": split}, "float64") for kind, y in targets.items()}


def check_all(settings, data, **options):
    return gradcheck.gradient_check(
        {"precision": "float64", "learning_rate": 0.05, **settings},
        data,
        epochs=2,
        most=None,
        examples=12,
        **options,
    )


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_combination_is_great(data, kind, activation):
    combinations = itertools.product(DEPTHS, (False, True), REGULARISERS.values(), (False, True))
    for units, batch_norm, regulariser, dropout in combinations:
        if not units and (batch_norm or dropout):
            continue  # there is no hidden layer to apply them to
        settings = {
            "hidden_units": list(units),
            "activation": activation,
            "batch_norm": batch_norm,
            "keep_prob": 0.7,
            **regulariser,
        }
        for check in check_all(settings, data[kind], dropout=dropout):
            assert check.error <= 1e-7, (settings, check)
            assert check.verdict == "great", (settings, check)
            assert check.checked > 5 * check.kinks, (settings, check)


def test_every_tensor_is_named(data):
    check = check_all({"hidden_units": [3, 2], "batch_norm": True, "activation": "tanh"}, data["binary"])[0]
    assert list(check.errors) == ["W1", "gamma1", "beta1", "W2", "gamma2", "beta2", "W3", "b3"]
    assert check.checked == 4 * 3 + 6 + 3 * 2 + 4 + 2 + 1


def test_it_looks_at_initialisation_and_after_training(data):
    first, later = check_all({"hidden_units": 3, "activation": "tanh"}, data["binary"])
    assert (first.epochs, later.epochs) == (0, 2)
    assert first.errors != later.errors


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
def test_a_wrong_gradient_is_found_and_named(data, name, monkeypatch):
    right = gradcheck.CostFunction.__call__

    def wrong(self, weights):
        J, g = right(self, weights)
        self.network.tensors(g)[name][...] *= 1.01
        return J, g

    monkeypatch.setattr(gradcheck.CostFunction, "__call__", wrong)
    check = check_all({"hidden_units": 3, "activation": "tanh"}, data["multiclass"])[0]
    assert check.verdict == "wrong"
    assert check.worst == name
    assert check.errors[name] == pytest.approx(0.005, rel=0.05)


def test_a_forgotten_regulariser_is_found(data, monkeypatch):
    right = gradcheck.CostFunction.__call__

    def without(self, weights):
        J, g = right(self, weights)
        for name, W in self.network.tensors(weights).items():
            if name.startswith("W"):
                self.network.tensors(g)[name][...] -= 0.5 / 12 * W
        return J, g

    monkeypatch.setattr(gradcheck.CostFunction, "__call__", without)
    check = check_all({"hidden_units": 3, "activation": "tanh", "l2": 0.5}, data["multiclass"])[0]
    assert check.verdict == "wrong"
    assert check.worst.startswith("W")


def test_kinks_are_left_out_and_counted(data):
    still = replace(data["multiclass"], X_train=np.zeros_like(data["multiclass"].X_train))
    check = check_all({"hidden_units": 3, "activation": "relu"}, still)[0]
    assert check.kinks == 3  # with X = 0 and b = 0 every unit stands at the kink of its ReLU, seen from b1
    assert check.verdict == "great"


def test_a_gradient_that_vanishes_is_not_called_wrong_for_rounding(data):
    still = replace(data["multiclass"], X_train=np.zeros_like(data["multiclass"].X_train))
    check = check_all({"hidden_units": [], "l2": 0.1, "initialization": "zeros"}, still)[0]
    assert check.errors["W1"] <= 1e-7 or check.roundings["W1"] > 1
    assert check.verdict == "great"


def test_large_nets_are_sampled(data):
    checks = gradcheck.gradient_check(
        {"precision": "float64", "hidden_units": 50, "activation": "tanh"}, data["binary"], epochs=0, most=20
    )
    assert len(checks) == 1
    assert checks[0].checked == 20 + 20 + 20 + 1
    assert checks[0].verdict == "great"


def test_only_in_float64():
    with pytest.raises(SettingError, match="float64"):
        gradcheck.gradient_check({}, load({"name": "iris"}))


def test_of_a_description_as_plain_values():
    checks = gradcheck.check_description(
        {"dataset": {"name": "iris"}, "settings": {"hidden_units": 4, "activation": "tanh"}, "space": {}},
        epochs=1,
    )
    assert [check["verdict"] for check in checks] == ["great", "great"]
    assert set(checks[0]) == {
        "epochs",
        "error",
        "errors",
        "rounding",
        "roundings",
        "checked",
        "kinks",
        "worst",
        "verdict",
    }
    with pytest.raises(DataError):
        gradcheck.check_description({"settings": {}})
    with pytest.raises(SettingError):
        gradcheck.check_description({"dataset": {"name": "iris"}, "settings": {"depth": 3}})


def test_dropout_is_off_unless_asked_for_and_then_fixed(data):
    settings = {"hidden_units": 20, "keep_prob": 0.5, "activation": "tanh"}
    off, on = (check_all(settings, data["binary"], dropout=dropout)[0] for dropout in (False, True))
    without = check_all({**settings, "keep_prob": 1.0}, data["binary"])[0]
    assert off.errors == without.errors
    assert on.errors != off.errors
    assert on.verdict == "great"  # masks drawn anew would differ on both sides


def test_training_that_diverges_leaves_nothing_to_check_and_says_so(data):
    with pytest.raises(SettingError, match="diverged at step"):
        check_all({"optimizer": "gd", "learning_rate": 900.0, "batch_size": 1}, data["regression"])


def test_a_start_whose_cost_is_not_finite_has_no_slope(data):
    with pytest.raises(SettingError, match="no slope"):
        check_all({"hidden_layers": 150, "hidden_units": 20, "init_scale": 1000.0}, data["regression"])
