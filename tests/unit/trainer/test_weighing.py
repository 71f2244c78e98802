"""Weights of classes and of rows: a row of weight 2 is a row that stands there twice."""

from dataclasses import replace

import numpy as np
import pytest

from caviar.trainer.data.load import load
from caviar.trainer.gradient import CostFunction
from caviar.trainer.predict import Model
from caviar.trainer.problem import DataError
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings
from caviar.trainer.weighing import cost_weights_of
from tests.support.small_runs import BASE, make_data


def wide(kind):
    data = make_data(kind)
    changes = {name: getattr(data, name).astype(float) for name in ("X_train", "X_dev")}
    if kind == "regression":
        changes |= {name: getattr(data, name).astype(float) for name in ("Y_train", "Y_dev")}
    return replace(data, **changes)


def settings(**more):
    return make_settings({**BASE, "batch_size": None, "l2": 0, "precision": "float64", **more})


def drawn(function):
    return np.random.default_rng(5).normal(0, 0.5, function.network.total)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_the_gradient_of_a_weighted_cost(kind):
    data = wide(kind)
    weights = np.random.default_rng(1).exponential(1, len(data.X_train))
    data = replace(data, weights_train=weights / weights.mean())
    function = CostFunction(settings(activation="tanh"), data)
    at, h = drawn(function), 1e-6
    _, gradient = function(at)
    learned = [o + i for name, o, s in function.network.entries() for i in range(int(np.prod(s)))]
    for place in learned[::7]:
        up, down = at.copy(), at.copy()
        up[place], down[place] = at[place] + h, at[place] - h
        numeric = (function(up)[0] - function(down)[0]) / (2 * h)
        assert gradient[place] == pytest.approx(numeric, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_a_row_of_weight_two_is_a_row_twice(kind):
    data = wide(kind)
    counts = np.random.default_rng(2).integers(1, 4, len(data.X_train))
    twice = replace(
        data, X_train=data.X_train.repeat(counts, axis=0), Y_train=data.Y_train.repeat(counts, axis=0)
    )
    weighted = CostFunction(settings(), replace(data, weights_train=counts / counts.mean()))
    plain = CostFunction(settings(), twice)
    at = drawn(plain)
    (cost, gradient), (wanted, slope) = weighted(at), plain(at)
    assert cost == pytest.approx(wanted) and gradient == pytest.approx(slope)


def test_class_weights_and_their_mean():
    data = wide("multiclass")
    share = np.bincount(data.Y_train) / len(data.Y_train)
    assert cost_weights_of(settings(class_weight="balanced"), data) == pytest.approx(
        1 / (3 * share[data.Y_train])
    )
    given = cost_weights_of(settings(class_weight={"b": 10}), data)
    assert given.mean() == pytest.approx(1)
    assert given[data.Y_train == 1][0] / given[data.Y_train == 0][0] == pytest.approx(10)
    assert cost_weights_of(settings(), data).size == 0


def test_a_column_of_weights_is_no_feature(tmp_path):
    generator = np.random.default_rng(4)
    rows = [f"{generator.normal():.6f},{i % 5 + 1},{'ab'[i % 2]}" for i in range(100)]
    path = tmp_path / "weighed.csv"
    path.write_text("\n".join(["x,w,kind", *rows]) + "\n")
    dataset = {"path": str(path), "target": "kind", "weights": "w"}
    data = load(dataset)
    assert data.feature_names == ("x",)
    assert data.weights_train.mean() == pytest.approx(1) and data.weights_dev.mean() == pytest.approx(1)
    plain = load({"path": str(path), "target": "kind", "ignore": ["w"]})
    assert len(np.unique(data.weights_train)) == 5 and data.digest != plain.digest
    run = Run(settings(precision="float32", batch_size=8, metrics=["dev_accuracy"]), data, 1)
    run.advance(10)
    result = run.result()
    assert result["dev_accuracy"] == pytest.approx(1 - result["dev_error"])
    wrong = Model.load(run.model()).predict_prepared(data.X_dev).numbers != data.Y_dev
    assert result["dev_error"] == pytest.approx(np.average(wrong, weights=data.weights_dev))
    for column in ("nothing", "kind"):
        with pytest.raises(DataError, match=column):
            load(dataset | {"weights": column})
