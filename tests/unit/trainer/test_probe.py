"""Probes against the kernels' own gradients and closed forms; and that looking changes nothing of a run."""

import numpy as np
import pytest

from caviar.trainer import probe
from caviar.trainer.gradient import CostFunction
from caviar.trainer.plugin import MLP
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings
from caviar.trainer.watching import Watching, stands, uneven

TRAINER = MLP()
FLAT = {"hidden_units": 4, "batch_size": 32, "learning_rate": 1e-6, "epochs": 50, "optimizer": "adam"}


@pytest.fixture(scope="module")
def iris():
    return TRAINER.load({"name": "iris"}, {"precision": "float64"})


def rows_of(run, seconds=10.0):
    rows = []
    while run.status == "running":
        rows += run.advance(seconds).epochs
    return rows


@pytest.mark.parametrize(
    "more", [{}, {"activation": "tanh"}, {"activation": "sigmoid"}, {"batch_norm": True}], ids=str
)
def test_gradients_are_those_of_the_kernels(more, iris):
    settings = make_settings({"hidden_units": [5, 4], "l2": 0, "precision": "float64", **more})
    run = Run(settings, iris, 3)
    run.advance(10.0, until_epoch=3)
    tensors = probe._tensors(run.network, run._state.weights)
    sample = probe.sample_of(iris, run.settings)
    passed = probe._forward(run.network, tensors, sample)
    ours = probe._gradients(tensors, passed, probe._backward(run.network, tensors, passed))
    cost = CostFunction(run.settings, iris)
    theirs = cost.network.tensors(cost(run._state.weights)[1])
    for layer in (1, 2, 3):
        np.testing.assert_allclose(ours[f"W{layer}"], theirs[f"W{layer}"], rtol=1e-9, atol=1e-12)


def test_the_rate_limit_of_a_linear_regression_is_two_over_the_largest_eigenvalue():
    data = TRAINER.load({"name": "diabetes"}, {})
    settings = {"hidden_units": [], "optimizer": "gd", "learning_rate": 1e-6, "epochs": 8, "l2": 0}
    [*_, last] = rows_of(Run(make_settings(settings), data, 1))
    rows = probe.sample_of(data, make_settings(settings)).few().X
    X = np.column_stack([rows, np.ones(len(rows))])
    largest = np.linalg.eigvalsh(2 * X.T @ X / len(X)).max()
    assert last["rate_limit"] == pytest.approx(2 / largest, rel=0.05)
    assert last["cost_share"] == pytest.approx(1, rel=0.1)


def test_statistics_of_layers_are_told_where_asked_for_and_change_no_bit(iris):
    plain = {"hidden_units": [6, 3], "epochs": 5, "precision": "float64"}
    runs = [Run(make_settings({**plain, **more}), iris, 1) for more in ({}, {"layer_statistics": True})]
    before, after = (rows_of(run) for run in runs)
    assert np.array_equal(*(run.weights for run in runs))
    for one, other in zip(before, after, strict=True):
        one.pop("seconds")
        assert one.items() <= other.items()
        W = {1, 2, 3}
        assert {int(name[-1]) for name in other if name.startswith("weight_norm_")} == W
        assert {int(name[-1]) for name in other if name.startswith("dead_units_")} == {1, 2}
    tensors = runs[1].network.tensors(runs[1].weights)
    A = np.maximum(iris.X_train @ tensors["W1"].T + tensors["b1"], 0)
    last = after[-1]
    assert last["weight_norm_2"] == pytest.approx(np.linalg.norm(tensors["W2"]))
    assert last["unit_mean_1"] == pytest.approx(A.mean())
    assert last["unit_deviation_1"] == pytest.approx(np.sqrt(A.var(axis=0).mean()))
    assert last["dead_units_1"] == np.mean(A.max(axis=0) == 0)


def test_only_what_stalls_is_probed_and_at_few_epochs():
    data = TRAINER.load({"name": "iris"}, {})
    probed = [row["epoch"] for row in rows_of(Run(make_settings(FLAT), data, 1)) if "rate_limit" in row]
    assert probed == [8, 12, 16, 24, 32, 48, 50]
    learning = {**FLAT, "hidden_units": 32, "learning_rate": 0.01, "epochs": 16}
    healthy = rows_of(Run(make_settings(learning), data, 1))
    assert all(set(row) == set(healthy[0]) for row in healthy)


def test_a_probe_is_made_for_what_the_curve_leaves_open():
    data = TRAINER.load({"name": "iris"}, {})
    standing = rows_of(Run(make_settings(FLAT), data, 1))[-1]
    assert {"cost_share", "rate_limit", "fall_by_rate"} <= set(standing) and "noise_cost" not in standing
    jumping = {**FLAT, "learning_rate": 0.5, "batch_size": 8, "epochs": 16}
    jumped = rows_of(Run(make_settings(jumping), data, 1))[-1]
    assert {"cost_share", "noise_cost"} <= set(jumped)
    falling = {**FLAT, "learning_rate": 2e-3, "epochs": 16}
    poor = rows_of(Run(make_settings(falling), data, 1))[-1]
    assert "cost_share" in poor and not {"rate_limit", "noise_cost"} & set(poor)


def test_probes_do_not_depend_on_how_a_run_is_cut_or_restored():
    data = TRAINER.load({"name": "iris"}, {})
    whole = rows_of(Run(make_settings(FLAT), data, 1))
    run = Run(make_settings(FLAT), data, 1)
    pieces = run.advance(10.0, until_step=33).epochs
    run = Run.restore(run.save(), data)
    pieces += rows_of(run, 0.0)
    for row in (*whole, *pieces):
        row.pop("seconds")
    assert pieces == whole


def test_a_change_begins_anew(iris):
    watching = Watching(iris, Run(make_settings(FLAT), iris, 1).network)
    watching.recent = [1.0] * 8
    watching.begin_anew(10)
    settings = make_settings({**FLAT, "epochs": 100})
    assert watching.recent == []
    assert [watching.next_look(epoch, settings) for epoch in (10, 17, 18, 22, 90)] == [18, 18, 22, 26, 100]


def test_what_stands_and_what_is_uneven():
    falling = [1 / epoch for epoch in range(1, 9)]
    assert not stands(falling) and not uneven(falling)
    assert stands([0.5] * 8) and not uneven([0.5] * 8)
    assert uneven([1, 1.1, 0.9, 1.1, 0.9, 1, 0.9, 0.95])
    assert not stands([0.5] * 7)
    assert not stands([0.5] * 7 + [float("nan")])
