"""Metrics: what is promised before training is what slices and results hold, and nothing else is computed."""

import numpy as np
import pytest

from caviar.trainer.kernels import structs
from caviar.trainer.measuring import sample_of
from caviar.trainer.metrics import (
    ALWAYS,
    COUNTS,
    MEASURES,
    PARTS,
    PER_TRIAL,
    EpochMetric,
    direction_of,
    named,
    result_metrics,
)
from caviar.trainer.plugin import MLP
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings
from tests.support.small_runs import BASE, DATA, make_data, trained


def test_places_fill_the_row_up_to_the_norms_of_the_layers():
    assert sorted(EpochMetric) == list(range(structs.NORMS))


def test_epochs_hold_the_columns_then_norms_and_seconds():
    (epoch,) = Run(make_settings({**BASE, "epochs": 1}), DATA, 1).advance(600).epochs
    columns = [one.name for one in EpochMetric]
    assert list(epoch) == [*columns, *(f"gradient_norm_{layer}" for layer in (1, 2, 3)), "seconds"]
    assert isinstance(epoch["step"], int) and isinstance(epoch["epoch"], int)


def test_a_result_holds_what_the_trainer_promises():
    dataset = {"name": "breast_cancer", "split": {"train": 0.7, "train_dev": 0.1, "dev": 0.15, "test": 0.15}}
    mlp = MLP()
    named = [name for name in mlp.metrics(dataset) if fits(name, "binary")]
    settings = {"epochs": 1, "price": [[0, 1], [5, 0]], **mlp.settings_for(named)}
    run = mlp.start(settings, mlp.load(dataset, {}), 1)
    epochs = []
    while run.status == "running":
        epochs += run.advance(60).epochs
    (epoch,) = epochs
    assert set(run.result()) == set(named)
    assert set(epoch) >= {name for name in named if name not in (*COUNTS, *PER_TRIAL)} - {
        "train_dev_error", "train_dev_cost"
    }  # fmt: skip
    assert set(trained().result()) == {"dev_error", "dev_cost", "train_error", "train_cost", *COUNTS}
    assert mlp.metrics({"name": "digits"})[0] == "dev_error"


def fits(name, kind):
    metric = named(name)
    return metric is None or kind in MEASURES[metric.measure].kinds


def test_what_nobody_names_is_not_computed():
    assert MLP().settings_for(["dev_error", "train_cost", "best_epoch"]) == {}
    assert MLP().settings_for(["dev_error", "dev_f1", "dev_f1"]) == {"metrics": ["dev_f1"]}


NAMED = ("dev_f1_macro", "train_log_loss", "dev_roc_auc", "train_accuracy")


@pytest.mark.parametrize("threshold", [None, "dev"])
def test_named_metrics_survive_any_cut_and_a_checkpoint(threshold):
    """Epoch by epoch the same numbers, whole, step by step, and restored in the middle of an epoch."""
    data = make_data("binary")
    settings = make_settings({**BASE, "epochs": 4, "threshold": threshold, "metrics": NAMED})

    def epochs(run, cut):
        found = []
        while run.status == "running":
            found += run.advance(1.0, until_step=run.step + cut).epochs
            run = Run.restore(run.save(), data) if run.status == "running" and cut == 3 else run
        return [{name: row[name] for name in row if name != "seconds"} for row in found], run.result()

    whole = epochs(Run(settings, data, 1), 10**9)
    assert len(whole[0]) == 4 and set(NAMED) < set(whole[0][0])
    assert epochs(Run(settings, data, 1), 1) == whole
    assert epochs(Run(settings, data, 1), 3) == whole


def test_the_measured_error_is_that_of_the_kernels():
    for kind in ("binary", "multiclass", "regression"):
        names = ["dev_mse"] if kind == "regression" else ["dev_accuracy", "train_accuracy", "dev_log_loss"]
        run = Run(make_settings({**BASE, "metrics": names}), make_data(kind), 1)
        for row in run.advance(600).epochs:
            if kind == "regression":
                deviation = run.data.target_deviation
                assert row["dev_mse"] == pytest.approx((row["dev_error"] * deviation) ** 2, rel=1e-5)
            else:
                assert row["dev_accuracy"] == pytest.approx(1 - row["dev_error"])
                assert row["train_accuracy"] == pytest.approx(1 - row["train_error"])
                assert row["dev_log_loss"] == pytest.approx(row["dev_cost"], rel=1e-5)


def test_naming_metrics_does_not_change_the_training():
    plain, measured = trained(), trained(metrics=["dev_f1_macro", "train_roc_auc"])
    assert measured.weights == pytest.approx(plain.weights, rel=1e-4, abs=1e-6)


def test_only_the_parts_that_are_asked_for_are_passed_through(monkeypatch):
    run, passed = trained(), []
    evaluate = run._evaluate
    monkeypatch.setattr(run, "_evaluate", lambda part, *rest: passed.append(part) or evaluate(part, *rest))
    assert run.measure([]) == {} and passed == []
    (one,) = run.measure([result_metrics(["dev"])["dev_cost"]]).items()
    assert one == ("dev_cost", evaluate("dev", 0.0).cost) and passed == ["dev"]


def test_a_threshold_of_the_dev_set_is_chosen_once_for_all_parts(monkeypatch):
    run, passed = trained(make_data("binary"), threshold="dev"), []
    evaluate = run._evaluate
    monkeypatch.setattr(run, "_evaluate", lambda part, *rest: passed.append(part) or evaluate(part, *rest))
    assert run.measure([]) == {} and passed == []
    found = run.measure(result_metrics(["train", "dev"]).values())
    assert passed == ["dev", "train", "dev"]
    assert found["train_error"] == run.evaluate("train").error


def test_every_measure_has_a_direction_and_counts_have_none():
    assert {direction_of(name) for name in result_metrics(PARTS)} == {
        MEASURES[name].direction for name in ALWAYS
    }
    assert direction_of("dev_f1") == "maximize" and direction_of("predict_ms") == "minimize"
    assert {direction_of(name) for name in (*COUNTS, "nonsense")} == {None}


@pytest.mark.parametrize(("m", "dev", "rows"), [(9, 3, [0, 3, 6]), (4, 9, [0, 1, 2, 3]), (7, 2, [0, 3])])
def test_slow_metrics_of_epochs_are_of_evenly_spaced_rows(m, dev, rows):
    assert sample_of(m, dev).tolist() == rows


def test_slow_metrics_of_epochs_are_those_of_the_sample():
    """With one mini-batch an epoch the outputs kept are those of one set of weights."""
    settings = {**BASE, "epochs": 1, "batch_size": 32, "learning_rate": 1e-30, "l2": 0.0}
    metrics = ["train_log_loss", "train_accuracy"]
    run = Run(make_settings({**settings, "metrics": metrics}), DATA, 1)
    (epoch,) = run.advance(60).epochs
    outputs = run._outputs("train")
    run._evaluate("train", 0.0, outputs)
    rows = sample_of(32, 8)
    Z = outputs.reshape(32, 3)[rows].astype(float)
    shares = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    losses = -np.log(shares[np.arange(8), DATA.Y_train[rows]])
    assert epoch["train_log_loss"] == pytest.approx(losses.mean(), abs=1e-6)
    assert epoch["train_accuracy"] == pytest.approx(1 - epoch["train_error"])
    assert run.result()["train_log_loss"] == pytest.approx(run.result()["train_cost"], abs=1e-6)
