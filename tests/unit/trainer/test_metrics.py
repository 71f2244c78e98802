"""Metrics: what is promised before training is what slices and results hold, and nothing else is computed."""

from caviar.trainer.kernels import structs
from caviar.trainer.metrics import COUNTS, MEASURES, PARTS, EpochMetric, direction_of, result_metrics
from caviar.trainer.plugin import MLP
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings
from tests.support.small_runs import BASE, DATA, trained


def test_places_fill_the_row_up_to_the_norms_of_the_layers():
    assert sorted(EpochMetric) == list(range(structs.NORMS))


def test_epochs_hold_the_columns_then_norms_and_seconds():
    (epoch,) = Run(make_settings({**BASE, "epochs": 1}), DATA, 1).advance(10).epochs
    columns = [one.name for one in EpochMetric]
    assert list(epoch) == [*columns, *(f"gradient_norm_{layer}" for layer in (1, 2, 3)), "seconds"]
    assert isinstance(epoch["step"], int) and isinstance(epoch["epoch"], int)


def test_a_result_holds_what_the_trainer_promises():
    dataset = {"name": "breast_cancer", "split": {"train": 0.7, "train_dev": 0.1, "dev": 0.15, "test": 0.15}}
    mlp = MLP()
    run = mlp.start({"epochs": 1}, mlp.load(dataset, {}), 1)
    run.advance(60)
    assert set(run.result()) == set(mlp.metrics(dataset))
    assert set(trained().result()) == set(mlp.metrics({"name": "digits"}))
    assert mlp.metrics({"name": "digits"})[0] == "dev_error"


def test_only_the_parts_that_are_asked_for_are_passed_through(monkeypatch):
    run, passed = trained(), []
    evaluate = run.evaluate
    monkeypatch.setattr(run, "evaluate", lambda part: passed.append(part) or evaluate(part))
    assert run.measure([]) == {} and passed == []
    (one,) = run.measure([result_metrics(["dev"])["dev_cost"]]).items()
    assert one == ("dev_cost", evaluate("dev").cost) and passed == ["dev"]


def test_every_measure_has_a_direction_and_counts_have_none():
    assert {direction_of(name) for name in result_metrics(PARTS)} == {
        one.direction for one in MEASURES.values()
    }
    assert {direction_of(name) for name in (*COUNTS, "nonsense")} == {None}
