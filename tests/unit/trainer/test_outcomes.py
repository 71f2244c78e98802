"""What a model gets right and wrong, counted by hand and by the trainer's own evaluation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.trainer.outcomes import MOST_POINTS, confusion, outcomes, residuals
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model


def trained(dataset: str | dict[str, object], **settings: object):
    trainer = MLP()
    settings = {"epochs": 3, "hidden_layers": 1, "hidden_units": 8, **settings}
    data = trainer.load({"name": dataset} if isinstance(dataset, str) else dataset, settings)
    run = trainer.start(settings, data, 3)
    run.advance(60.0, until_epoch=3)
    return run, data


def test_a_confusion_matrix_counts_actual_down_and_predicted_across():
    found = confusion(("a", "b", "c"), np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, 0, 2]))
    assert found["matrix"] == [[1, 1, 0], [0, 1, 0], [2, 0, 1]]
    assert found["confused"] == [
        {"actual": "c", "predicted": "a", "count": 2},
        {"actual": "a", "predicted": "b", "count": 1},
    ]


def test_of_many_classes_only_the_pairs_are_given():
    names = tuple(map(str, range(60)))
    found = confusion(names, np.arange(60), np.roll(np.arange(60), 1))
    assert found["matrix"] is None
    assert len(found["confused"]) == 50


@pytest.mark.parametrize("dataset", ["digits", "breast_cancer"])
def test_classes_have_the_error_of_the_run(dataset):
    run, data = trained(dataset)
    found = outcomes(Model.load(run.model()), data)
    matrix = np.array(found["matrix"])
    assert matrix.sum() == found["rows"] == len(data.Y_dev)
    assert matrix.sum(axis=1).tolist() == np.bincount(data.Y_dev).tolist()
    assert found["error"] == pytest.approx(1 - np.trace(matrix) / matrix.sum())
    assert found["error"] == pytest.approx(run.result()["dev_error"], abs=1 / len(data.Y_dev))


def test_a_regression_has_the_error_of_the_run_and_points_in_the_users_units():
    run, data = trained("diabetes")
    found = outcomes(Model.load(run.model()), data)
    [target] = found["targets"]
    assert found["error"] == pytest.approx(run.result()["dev_error"], rel=1e-4)
    actual, predicted = np.array(target["actual"]), np.array(target["predicted"])
    assert actual == pytest.approx((data.Y_dev * data.target_sigma + data.target_mu)[:, 0])
    assert target["root_mean_squared_error"] == pytest.approx(np.sqrt(np.mean((predicted - actual) ** 2)))
    assert target["r2"] == pytest.approx(1 - np.var(predicted - actual) / np.var(actual), abs=0.1)


def test_a_target_that_is_constant_in_training_counts_as_it_does_in_the_run():
    X = np.random.default_rng(0).normal(size=(100, 3))
    run, data = trained({"X": X, "y": np.column_stack([X[:, 0], np.ones(100)])})
    assert outcomes(Model.load(run.model()), data)["error"] == pytest.approx(run.evaluate("dev")[1], rel=1e-4)


def test_of_many_rows_the_worst_are_kept():
    actual = np.zeros(50_000)
    predicted = np.random.default_rng(1).normal(size=50_000)
    predicted[31_234] = 99.0
    found = residuals("y", actual, predicted)
    assert len(found["row"]) <= MOST_POINTS
    assert found["predicted"][found["row"].index(31_234)] == 99.0
    assert found["r2"] is None


def test_a_model_of_other_columns_is_refused():
    run, data = trained("digits")
    with pytest.raises(ValueError, match="64 columns, the data set has 3"):
        outcomes(Model.load(run.model()), replace(data, X_train=data.X_train[:, :3]))
