"""Metrics, and settings of classes, that do not fit the target are refused before anything is trained."""

import numpy as np
import pytest

from caviar.trainer.metric_checks import metric_hints, metric_problems
from caviar.trainer.problem import SettingError
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings, problems_of
from tests.support.small_runs import BASE, make_data

TWO, THREE = ("a", "b"), ("a", "b", "c")


@pytest.mark.parametrize(
    ("metric", "settings", "classes", "task", "field"),
    [
        ("dev_f1", {}, (), "regression", "objective.metric"),
        ("dev_mse", {}, THREE, None, "objective.metric"),
        ("dev_f1", {}, THREE, None, "objective.metric"),
        ("dev_price", {}, TWO, None, "objective.metric"),
        ("dev_f1", {"positive_class": "z"}, TWO, None, "settings.positive_class"),
        ("dev_error", {"class_weight": {"z": 2}}, TWO, None, "settings.class_weight"),
        ("dev_price", {"price": [[0, 1], [1, 0]]}, THREE, None, "settings.price"),
        ("dev_error", {"threshold": 0.2}, THREE, None, "settings.threshold"),
        ("dev_error", {"class_weight": "balanced"}, (), "regression", "settings.class_weight"),
    ],
)
def test_what_does_not_fit(metric, settings, classes, task, field):
    (problem,) = metric_problems({"objective.metric": metric}, settings, classes, task)
    assert problem.field == field and problem.remedy
    kind = "regression" if task else "binary" if len(classes) == 2 else "multiclass"
    names = [] if metric == "dev_error" else [metric]
    with pytest.raises(SettingError):  # and a run that is started all the same says so, too
        Run(make_settings({**BASE, **settings, "metrics": names}), make_data(kind), 1)


def test_what_fits_is_not_refused():
    assert not metric_problems({"m": "dev_f1"}, {"positive_class": "c"}, THREE, None)
    assert not metric_problems({"m": "dev_f1"}, {"threshold": "dev"}, (), None)
    assert not metric_problems({"m": "dev_rmse"}, {}, (), "regression")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 1.0),
        ("threshold", "train"),
        ("class_weight", "equal"),
        ("class_weight", {"a": -1}),
        ("price", [[0, 1]]),
        ("price", [[0, 1], [1, float("nan")]]),
        ("metrics", ["dev_eror"]),
        ("metrics", "dev_f1"),
        ("positive_class", ["a"]),
    ],
)
def test_settings_of_another_form(name, value):
    (problem,) = problems_of({name: value})
    assert problem.field == f"settings.{name}" and problem.remedy


def test_a_threshold_moves_decisions_and_is_kept_in_the_model():
    from caviar.trainer.predict import Model

    data = make_data("binary")
    for threshold in (0.2, 0.9, "dev"):
        settings = make_settings({**BASE, "threshold": threshold, "metrics": ["dev_balanced_accuracy"]})
        run = Run(settings, data, 1)
        epochs = []
        while run.status == "running":
            epochs += run.advance().epochs
        model = Model.load(run.model())
        predicted = model.predict_prepared(data.X_dev).numbers
        error = float(np.mean(predicted != data.Y_dev))
        assert run.result()["dev_error"] == pytest.approx(error)
        assert epochs[-1]["dev_error"] == pytest.approx(error)
        if threshold != "dev":
            assert model.info["threshold"] == pytest.approx(threshold)


@pytest.mark.parametrize(
    ("metric", "settings", "classes", "said"),
    [
        ("dev_error", {}, {"no": 950, "yes": 50}, "dev_average_precision, dev_f1 or dev_balanced_accuracy"),
        ("train_accuracy", {}, {"no": 901, "yes": 99}, "train_average_precision"),
        ("dev_error", {}, {"fraud": 8, "honest": 992}, "settings.positive_class: fraud"),
        ("dev_error", {}, {"a": 950, "b": 30, "c": 20}, "dev_balanced_accuracy, dev_f1_macro"),
    ],
)
def test_one_class_nearly_alone_asks_for_another_metric(metric, settings, classes, said):
    (hint,) = metric_hints(metric, settings, classes, 1000)
    assert hint.field == "objective.metric" and said in hint.remedy
    assert ("positive_class" in hint.remedy) == ("fraud" in classes)


@pytest.mark.parametrize(
    ("metric", "classes", "rows"),
    [
        ("dev_error", {"no": 900, "yes": 100}, 1000),
        ("dev_f1", {"no": 990, "yes": 10}, 1000),
        ("dev_cost", {"no": 990, "yes": 10}, 1000),
        ("dev_error", {}, 0),
        ("epoch", {"no": 990, "yes": 10}, 1000),
    ],
)
def test_metrics_that_tell_models_apart_get_no_hint(metric, classes, rows):
    assert metric_hints(metric, {}, classes, rows) == []
