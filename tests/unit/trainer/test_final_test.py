"""What the final test says, against scikit-learn, closed forms and data whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from caviar.trainer.data.types import Data
from caviar.trainer.final_test import final_test, wilson
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model
from caviar.trainer.problem import DataError

TRAINER = MLP()


def model_and_data(name: str, epochs: int = 8) -> tuple[Model, Data]:
    settings = {"epochs": epochs, "hidden_layers": 1, "hidden_units": 8}
    data = TRAINER.load({"name": name}, settings)
    run = TRAINER.start(settings, data, seed=1)
    run.advance(60.0, until_epoch=epochs)
    return Model.load(run.model()), data


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["metrics"]}


def test_the_measures_are_those_of_scikit_learn() -> None:
    model, data = model_and_data("breast_cancer")
    found = by_name(final_test(model, data, "roc_auc", ["f1", "log_loss", "predict_ms", "r2"]))
    assert list(found) == ["roc_auc", "error", "f1", "log_loss"]
    predicted = model.predict_prepared(data.X_test)
    chances = predicted.probabilities[:, 1].astype(float)
    wanted = {
        "roc_auc": metrics.roc_auc_score(data.Y_test, chances),
        "error": 1 - metrics.accuracy_score(data.Y_test, predicted.numbers),
        "f1": metrics.f1_score(data.Y_test, predicted.numbers),
        "log_loss": metrics.log_loss(data.Y_test, chances),
    }
    assert {name: one["value"] for name, one in found.items()} == pytest.approx(wanted, rel=1e-4)


def test_a_regression_has_its_measures_in_its_own_units() -> None:
    model, data = model_and_data("diabetes")
    found = by_name(final_test(model, data, "mae", ["r2"]))
    values = model.predict_prepared(data.X_test).values
    actual = data.Y_test * data.target_sigma + data.target_mu
    assert found["mae"]["value"] == pytest.approx(metrics.mean_absolute_error(actual, values), rel=1e-4)
    assert found["r2"]["value"] == pytest.approx(metrics.r2_score(actual, values), rel=1e-4)
    spread = np.abs(actual - values).std() / np.sqrt(len(values))
    assert found["mae"]["high"] - found["mae"]["low"] == pytest.approx(2 * 1.96 * spread, rel=0.15)


@pytest.mark.parametrize(
    ("wrong", "rows", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 100, 0.0552, 0.1744), (50, 100, 0.4038, 0.5962)],
)
def test_the_interval_of_a_share_is_wilsons(wrong: int, rows: int, low: float, high: float) -> None:
    assert wilson(wrong / rows, rows) == pytest.approx((low, high), abs=1e-4)


def redrawn(data: Data, rng: np.random.Generator, flipped: float) -> Data:
    """Dev and test set drawn anew from the rows there are, a share of the test set's answers made wrong."""
    X, Y = np.concatenate([data.X_dev, data.X_test]), np.concatenate([data.Y_dev, data.Y_test])
    dev, test = rng.integers(len(X), size=(2, 300))
    wrong = rng.random(300) < flipped
    answers = np.where(wrong, (Y[test] + 1) % data.n_classes, Y[test]).astype(np.int32)
    return replace(data, X_dev=X[dev], Y_dev=Y[dev], X_test=X[test], Y_test=answers)


def test_chance_is_told_from_a_difference() -> None:
    model, data = model_and_data("breast_cancer")
    rng = np.random.default_rng(3)
    same = [final_test(model, redrawn(data, rng, 0.0), "error")["verdict"] for _ in range(60)]
    worse = [final_test(model, redrawn(data, rng, 0.2), "error")["verdict"] for _ in range(20)]
    assert same.count("agrees") >= 54  # 57 expected
    assert worse.count("worse") >= 19


def test_without_a_test_set_it_says_so() -> None:
    model, data = model_and_data("iris", epochs=1)
    with pytest.raises(DataError, match="no test set"):
        final_test(model, replace(data, X_test=None, Y_test=None), "error")
