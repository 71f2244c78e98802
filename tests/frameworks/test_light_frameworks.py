"""Callbacks of what is imported quickly, against the same training without Caviar."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.model_selection import cross_val_score as of_sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar.errors import CaviarError
from caviar.frameworks.sklearn import cross_val_score, epochs
from tests.support.told_trial import ToldTrial

X, y = load_breast_cancer(return_X_y=True)
ROUNDS = 8
RATES = [0.3] * 3 + [0.05] * 5  # changed after three rounds


# scikit-learn


def pipeline() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def test_scores_of_folds_are_those_of_scikit_learn_and_each_fold_tells_their_mean_so_far() -> None:
    trial = ToldTrial(metric="accuracy", direction="maximize")
    scores = cross_val_score(trial, pipeline(), X, y, cv=FOLDS, scoring="roc_auc")
    expected = of_sklearn(pipeline(), X, y, cv=FOLDS, scoring="roc_auc")
    assert scores == pytest.approx(expected, abs=0)
    assert trial.steps == [1, 2, 3, 4, 5]
    assert [told["accuracy"] for _, told in trial.told] == pytest.approx(np.cumsum(expected) / range(1, 6))


def test_folds_go_on_after_the_last_that_was_done_and_cannot_be_of_two_models() -> None:
    trial = ToldTrial(metric="accuracy", direction="maximize")
    trial.stops_after, trial.changes_at = 2, {1: {"C": 3.0}}
    cross_val_score(trial, pipeline(), X, y, cv=FOLDS)
    assert trial.steps == [1, 2] and "one model" in trial.refused["C"]
    again = trial.resumed()
    scores = cross_val_score(again, pipeline(), X, y, cv=FOLDS)
    assert again.steps == [1, 2, 3, 4, 5]
    assert scores == pytest.approx(of_sklearn(pipeline(), X, y, cv=FOLDS))


def test_scores_are_not_minimized() -> None:
    with pytest.raises(CaviarError, match="direction: maximize"):
        cross_val_score(ToldTrial(), pipeline(), X, y)


def sgd(rate: float) -> SGDClassifier:
    return SGDClassifier(learning_rate="constant", eta0=rate, random_state=0)


def by_epochs(trial: ToldTrial, rate: float) -> SGDClassifier:
    features, classes = load_iris(return_X_y=True)
    model = sgd(rate)
    for epoch in epochs(trial, model, names={"learning_rate": "eta0"}, every=2):
        model.partial_fit(features, classes, classes=np.arange(3))
        trial.report(epoch, loss=1.0)
    return model


def test_partial_fit_resumes_and_changes_its_rate_where_it_was_told() -> None:
    features, classes = load_iris(return_X_y=True)
    plain = sgd(RATES[0])
    for rate in RATES:
        plain.set_params(eta0=rate).partial_fit(features, classes, classes=np.arange(3))
    trial = ToldTrial(epochs=ROUNDS)
    trial.changes_at, trial.stops_after = {3: {"learning_rate": RATES[-1], "nothing": 1}}, 5
    by_epochs(trial, RATES[0])
    assert sorted(trial.states) == [2, 4, 5] and "cannot change nothing" in trial.refused["nothing"]
    again = trial.resumed()
    model = by_epochs(again, RATES[0])
    assert again.steps == list(range(1, ROUNDS + 1))
    assert np.array_equal(model.coef_, plain.coef_)


def test_a_model_that_cannot_train_on_and_a_name_that_is_none_are_said() -> None:
    with pytest.raises(CaviarError, match="no partial_fit"):
        next(epochs(ToldTrial(3), LogisticRegression()))
    with pytest.raises(CaviarError, match="'rate' is to be 'eta1', which is none of"):
        next(epochs(ToldTrial(3), sgd(0.1), names={"rate": "eta1"}))
    with pytest.raises(CaviarError, match="how many epochs"):
        next(epochs(ToldTrial(), sgd(0.1)))
    with pytest.raises(CaviarError, match="every=0"):
        next(epochs(ToldTrial(3), sgd(0.1), every=0))


# XGBoost and LightGBM


def test_xgboost_resumes_and_changes_its_rate() -> None:
    xgb = pytest.importorskip("xgboost")
    from caviar.frameworks.xgboost import TrialCallback

    def train(callbacks: list[Any], rounds: int = ROUNDS, model: Any = None) -> Any:
        settings = {"objective": "binary:logistic", "learning_rate": RATES[0], "nthread": 1}
        rows = xgb.DMatrix(X, y)
        known = {"evals": [(rows, "dev")], "verbose_eval": False, "xgb_model": model}
        return xgb.train(settings, rows, rounds, callbacks=callbacks, **known)

    plain = train([xgb.callback.LearningRateScheduler(RATES[1:] + RATES[-1:])])  # each holds after its round
    trial = ToldTrial()
    trial.changes_at, trial.stops_after = {3: {"learning_rate": RATES[-1], "max_depth": 2}}, 5
    train([TrialCallback(trial)])
    assert "it can change learning_rate, eta" in trial.refused["max_depth"]
    again = trial.resumed()
    callback = TrialCallback(again)
    model = train([callback], callback.rounds(ROUNDS), callback.resume)
    assert again.steps == list(range(1, ROUNDS + 1)) and list(again.told[0][1]) == ["dev_logloss"]
    rows = xgb.DMatrix(X)
    assert np.allclose(model.predict(rows), plain.predict(rows), atol=1e-6)


def test_lightgbm_resumes_and_changes_its_rate() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    from caviar.frameworks.lightgbm import TrialCallback

    def train(callbacks: list[Any], rounds: int = ROUNDS, model: Any = None, rate: float = RATES[0]) -> Any:
        settings = {"objective": "binary", "learning_rate": rate, "num_threads": 1, "verbosity": -1}
        rows = lightgbm.Dataset(X, y)
        known = {"valid_sets": [rows.create_valid(X, y)], "valid_names": ["dev"], "init_model": model}
        return lightgbm.train(settings, rows, rounds, callbacks=callbacks, **known)

    plain = train([lightgbm.reset_parameter(learning_rate=RATES)])
    trial = ToldTrial()
    trial.changes_at, trial.stops_after = {3: {"learning_rate": RATES[-1], "num_leaves": 4}}, 5
    train([TrialCallback(trial)])
    assert "it can change learning_rate, eta" in trial.refused["num_leaves"]
    again = trial.resumed()
    callback = TrialCallback(again)
    model = train([callback], callback.rounds(ROUNDS), callback.resume, again.changed["learning_rate"])
    assert again.steps == list(range(1, ROUNDS + 1)) and list(again.told[0][1]) == ["dev_binary_logloss"]
    assert model.current_iteration() == ROUNDS
    assert np.allclose(model.predict(X), plain.predict(X), atol=1e-6)
