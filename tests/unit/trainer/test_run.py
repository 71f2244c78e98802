"""Runs: the same bits however sliced, saved, restored or changed; how they end; what they tell."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from caviar.trainer.data.types import Data
from caviar.trainer.initialization import initial_weights
from caviar.trainer.problem import DataError, ProblemsError, SettingError
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings

EVERYTHING = {
    "hidden_units": [9, 6], "batch_size": 16, "epochs": 6, "activation": "tanh", "batch_norm": True,
    "l1": 0.01, "l2": 0.1, "keep_prob": [0.8, 0.9], "augmentation": "shift+flip",
    "learning_rate": 0.01, "patience": 4,
    "decay": "inverse", "decay_rate": 0.1,
}  # fmt: skip


def make_data(m=150, seed=0, classes=3, dtype="float32"):
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((m + 50, 16)).astype(dtype)
    Y = (np.abs(X[:, :3]).argmax(axis=1) % classes).astype(np.int32)
    kind = "binary" if classes == 2 else "multiclass"
    return Data(
        kind, X[:m], Y[:m], X[m:], Y[m:], n_classes=classes, mu=np.zeros(16), sigma=np.ones(16),
        image_shape=(4, 4, 1),
    )  # fmt: skip


DATA = make_data()


def start(seed=7, data=DATA, **settings):
    return Run(make_settings({**EVERYTHING, **settings}), data, seed)


def finish(run):
    rows, costs = [], []
    while run.status == "running":
        piece = run.advance()
        rows += piece.epochs
        costs += piece.costs
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows], costs


def bits(run):
    return run.weights.tobytes()


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.soak)])
def test_slices_saving_and_restoring_leave_no_trace(dtype):
    data = make_data(dtype=dtype)
    whole = start(data=data, precision=dtype)
    rows, costs = finish(whole)
    cut, cut_rows, cut_costs = start(data=data, precision=dtype), [], []
    generator = np.random.default_rng(3)
    while cut.status == "running":
        piece = cut.advance(0.001, until_step=cut.step + int(generator.integers(1, 12)))
        cut_rows += piece.epochs
        cut_costs += piece.costs
        cut = Run.restore(cut.save(), data)
    assert bits(cut) == bits(whole)
    assert [{key: value for key, value in row.items() if key != "seconds"} for row in cut_rows] == rows
    assert cut_costs == costs
    assert cut.result() == whole.result()


def test_another_process_gives_the_same_bits(tmp_path):
    run = start()
    run.advance(until_step=25)
    (tmp_path / "checkpoint").write_bytes(run.save())
    finish(run)
    program = (
        "import sys; from tests.unit.trainer.test_run import *\n"
        "run = Run.restore(open(sys.argv[1], 'rb').read(), DATA); finish(run)\n"
        "sys.stdout.buffer.write(run.weights.tobytes())"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "checkpoint")]
    done = subprocess.run(command, capture_output=True, check=True, cwd=Path(__file__).parents[3])
    assert done.stdout == bits(run)


def test_seeds_give_different_runs_and_the_same_seed_the_same():
    runs = [start(seed) for seed in (1, 1, 2)]
    for run in runs:
        finish(run)
    assert bits(runs[0]) == bits(runs[1]) != bits(runs[2])


def test_a_run_stops_exactly_where_it_is_told():
    run = start(epochs=1000, patience=None)
    run.advance(60, until_step=13)
    assert run.step == 13
    run.advance(60, until_epoch=2)
    assert (run.epoch, run.step) == (2, 20)
    assert run.advance(60, until_epoch=2).costs == []
    assert start().advance(60, until_step=0).costs == []


def test_a_change_holds_from_the_next_step_on_whatever_the_slices():
    runs = [start(), start()]
    runs[0].advance(60, until_step=15)
    while runs[1].step < 15:
        runs[1].advance(0.0, until_step=15)
    for run in runs:
        change = run.change(
            {"learning_rate": 0.3, "batch_size": 40, "keep_prob": 0.5, "optimizer": "momentum"}
        )
        assert change.step == 15
        assert change.before["learning_rate"] == 0.01
        assert change.after["keep_prob"] == 0.5
        finish(run)
    untouched = start()
    finish(untouched)
    assert bits(runs[0]) == bits(runs[1]) != bits(untouched)


def test_a_change_of_batch_size_leaves_the_defaults_that_were_chosen_by_it():
    """On the whole batch alpha is .01 and lambda 1 by default, on mini-batches .001 and 0."""
    by_default = Run(make_settings({"epochs": 4}), DATA, 0)
    named = Run(make_settings({"epochs": 4, "batch_size": 150, "learning_rate": 0.01, "l2": 1.0}), DATA, 0)
    for run in (by_default, named):
        run.advance(60, until_epoch=2)
    assert by_default.change({"batch_size": 16}) == named.change({"batch_size": 16})
    restored = Run.restore(by_default.save(), DATA)
    for run in (by_default, named, restored):
        finish(run)
    assert bits(by_default) == bits(named) == bits(restored)
    assert by_default.change({"learning_rate": None}).after == {"learning_rate": 0.001}


def test_a_smaller_batch_size_leaves_nothing_that_a_checkpoint_does_not_hold():
    data = replace(DATA, X_dev=DATA.X_train, Y_dev=DATA.Y_train)  # more rows than are evaluated at once
    run = start(data=data, batch_size=150, epochs=20, patience=None)
    run.advance(60, until_epoch=2)
    run.change({"batch_size": 16})
    restored = Run.restore(run.save(), data)
    assert finish(restored) == finish(run)


def test_a_change_does_not_wake_a_stopped_run_and_its_checkpoint_goes_on():
    run, other = start(), start()
    for one in (run, other):
        one.advance(60, until_step=12)
    run.stop()
    run.change({"l2": 0.2, "epochs": 7})
    assert run.status == "stopped"
    restored = Run.restore(run.save(), DATA)
    other.change({"l2": 0.2, "epochs": 7})
    finish(restored)
    finish(other)
    assert bits(restored) == bits(other)


def test_a_refused_change_changes_nothing():
    run = start()
    run.advance(60, until_step=5)
    for values in ({"activation": "relu"}, {"l2": -1}, {"batch_size": 151}, {"epochs": 2, "nonsense": 1}):
        with pytest.raises(SettingError):
            run.change(values)
    untouched = start()
    finish(run)
    finish(untouched)
    assert bits(run) == bits(untouched)


def test_more_epochs_wake_a_completed_run_as_if_it_had_never_stopped():
    long, short = start(epochs=6, patience=None), start(epochs=3, patience=None)
    finish(long)
    finish(short)
    assert short.status == "completed"
    short.change({"epochs": 6})
    assert short.status == "running"
    finish(short)
    assert bits(long) == bits(short)


def test_early_stopping_restores_the_best_weights():
    run = start(epochs=500, patience=3, learning_rate=0.05, keep_prob=1.0, augmentation="none")
    rows, _ = finish(run)
    errors = [row["dev_error"] for row in rows]
    best = int(np.argmin(errors)) + 1
    assert run.status == "completed"
    assert run.best_epoch == best == len(rows) - 3
    assert run.result()["dev_error"] == pytest.approx(min(errors))
    assert run.result()["dev_cost"] == pytest.approx(rows[best - 1]["dev_cost"], rel=1e-6)
    assert "restored" in run.advance().reason


def test_divergence_is_an_outcome_with_step_cost_and_norms():
    run = start(learning_rate=1e3, optimizer="gd", activation="relu", batch_norm=False, keep_prob=1.0)
    piece = run.advance()
    assert (piece.status, run.status) == ("diverged", "diverged")
    assert piece.costs[-1][0] == run.step
    assert not np.isfinite(piece.costs[-1][1])
    last_finite = next(cost for _, cost in reversed(piece.costs) if np.isfinite(cost))
    assert f"after step {run.step}" in piece.reason
    assert f"last finite cost {last_finite:.6g}" in piece.reason
    assert "W3" in piece.reason


def test_rows_agree_with_costs_and_results():
    run = start(epochs=3, patience=None, decay="none")
    rows, costs = finish(run)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["step"] for row in rows] == [10, 20, 30]
    assert [step for step, _ in costs] == list(range(1, 31))
    sizes = [16] * 9 + [6]
    assert rows[0]["train_cost"] == pytest.approx(np.dot(sizes, [cost for _, cost in costs[:10]]) / 150)
    assert rows[2]["dev_error"] == pytest.approx(run.result()["dev_error"])
    norms = [rows[2][f"gradient_norm_{layer}"] for layer in (1, 2, 3)]
    assert all(norm > 0 for norm in norms)
    assert rows[2]["gradient_norm"] >= max(norms)
    assert 0 <= rows[2]["near_zero_weights"] <= 1


def test_data_that_may_not_be_written_is_trained_on_without_another_compilation():
    arrays = {name: getattr(DATA, name).copy() for name in ("X_train", "Y_train", "X_dev", "Y_dev")}
    for array in arrays.values():
        array.flags.writeable = False
    locked = Data("multiclass", **arrays, n_classes=3, mu=DATA.mu, sigma=DATA.sigma, image_shape=(4, 4, 1))
    run, usual = start(data=locked), start()
    finish(run)
    finish(usual)
    assert bits(run) == bits(usual)


def test_checkpoints_are_checked():
    run = start()
    run.advance(until_step=3)
    saved = run.save()
    with pytest.raises(DataError):
        Run.restore(saved, make_data(seed=1))
    for damaged in (b"", saved[:100], saved[:-1], b"x" * 200, run.model()):
        with pytest.raises(ProblemsError):
            Run.restore(damaged, DATA)


def test_what_does_not_fit_is_refused_with_its_size():
    with pytest.raises(SettingError, match="GiB"):
        start(hidden_units=[1_000_000, 1_000_000], keep_prob=1.0)
    with pytest.raises(SettingError, match="at most 150"):
        start(batch_size=151)
    with pytest.raises(SettingError, match="image_shape"):
        start(data=Data("multiclass", DATA.X_train, DATA.Y_train, DATA.X_dev, DATA.Y_dev, n_classes=3))


@pytest.mark.parametrize(
    ("rule", "variance"),
    [("xavier", 1 / 400), ("glorot", 2 / 700), ("he", 2 / 400), ("normal", 1e-4), ("zeros", 0)],
)
def test_initial_weights_have_the_variance_of_their_rule(rule, variance):
    data = Data(
        "binary", np.zeros((4, 400), "f4"), np.zeros(4, "i4"), np.zeros((4, 400), "f4"), np.zeros(4, "i4")
    )
    run = Run(make_settings({"hidden_units": 300, "initialization": rule, "batch_norm": True}), data, 0)
    tensors = run.network.tensors(initial_weights(run.network, run.settings, 0, np.float32))
    assert tensors["W1"].shape == (300, 400)
    assert tensors["W1"].var() == pytest.approx(variance, rel=0.02)
    assert (tensors["gamma1"] == 1).all()
    assert (tensors["beta1"] == 0).all()


def test_one_compilation_serves_all_shapes():
    from caviar.trainer.kernels import epoch

    finish(start())
    before = len(epoch.work.signatures)
    for units in ([], [3], [5, 4, 3], [33, 17]):
        finish(start(hidden_units=units, keep_prob=1.0, epochs=1))
    finish(start(data=make_data(classes=2), epochs=1))
    assert len(epoch.work.signatures) == before
