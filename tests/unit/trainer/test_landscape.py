"""The plane through a training's path against a singular value decomposition and plain NumPy."""

import numpy as np
import pytest

from caviar.trainer import landscape
from caviar.trainer.landscape import loss_plane, states_kept, states_trained_again
from caviar.trainer.plugin import MLP
from caviar.trainer.problem import AskedError, DataError
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings

TRAINER = MLP()
SETTINGS = {"hidden_units": [6, 4], "epochs": 12, "batch_size": 16, "learning_rate": 0.02, "l2": 0}


@pytest.fixture(scope="module")
def iris():
    return TRAINER.load({"name": "iris"}, {"precision": "float64"})


def run_of(data, **more):
    return Run(make_settings({**SETTINGS, "precision": "float64", **more}), data, 3)


@pytest.fixture(scope="module")
def path(iris):
    return states_trained_again(run_of(iris), [], 12)


def cost(network, weights, data):
    """-log a of what is right, by plain matrix products."""
    T = network.tensors(weights)
    A = np.maximum(data.X_train @ T["W1"].T + T["b1"], 0)
    A = np.maximum(A @ T["W2"].T + T["b2"], 0)
    Z = A @ T["W3"].T + T["b3"]
    a = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -np.mean(np.log(a[np.arange(len(Z)), data.Y_train]))


def test_states_are_those_of_the_training_at_even_steps(iris, path):
    steps = [state.step for state in path]
    stride = steps[1]
    assert steps[0] == 0 and len(steps) <= landscape.STATES + 1
    assert all(step % stride == 0 for step in steps[:-1])
    for state in (path[len(path) // 2], path[-1]):
        run = run_of(iris)
        run.advance(1e6, until_step=state.step)
        assert np.array_equal(run.last_weights[: run.network.learned], state.weights)
        assert run.epoch == state.epoch
    whole = run_of(iris)
    whole.advance(1e6)
    assert whole.step == path[-1].step


def test_changes_are_made_where_they_were(iris):
    changes = [{"step": 20, "settings": {"learning_rate": 0.1}}, {"step": 96, "settings": {"epochs": 16}}]
    run = run_of(iris)
    run.advance(1e6, until_step=20)
    run.change(changes[0]["settings"])
    run.advance(1e6)
    changes[1]["step"] = run.step  # at its end, which is then put off
    run.change(changes[1]["settings"])
    run.advance(1e6)
    last = states_trained_again(run_of(iris), changes, 16)[-1]
    assert (last.step, last.epoch) == (run.step, 16)
    assert np.array_equal(run.last_weights[: run.network.learned], last.weights)


def test_states_of_checkpoints_are_the_same(iris, path):
    run, kept = run_of(iris), []
    for state in path[1:]:
        run.advance(1e6, until_step=state.step)
        kept.append(run.save())
    for one, other in zip(states_kept(run_of(iris), kept), path, strict=True):
        assert (one.step, one.epoch) == (other.step, other.epoch)
        assert np.array_equal(one.weights, other.weights)


def test_the_plane_is_that_of_the_first_two_principal_components(iris, path):
    run = run_of(iris)
    found = loss_plane(run, path, resolution=7)
    W = np.array([state.weights for state in path])
    _, values, rows = np.linalg.svd(W - W.mean(axis=0), full_matrices=False)
    assert found["explained"] == pytest.approx(values[:2] ** 2 / (values**2).sum())
    on_plane = (W - W[-1]) @ rows[:2].T
    for axis, along in zip("xy", on_plane.T, strict=True):
        assert np.abs(found["path"][axis]) == pytest.approx(np.abs(along), abs=1e-9)
        low, high = min(found["path"][axis]), max(found["path"][axis])
        assert found[axis][0] < low and found[axis][-1] > high and len(found[axis]) == 7
    assert found["path"]["x"][0] <= 0 and found["path"]["x"][-1] == found["path"]["y"][-1] == 0
    signs = np.array(
        [np.sign(np.dot(found["path"][axis], along)) for axis, along in zip("xy", on_plane.T, strict=True)]
    )
    for row, column in [(0, 0), (3, 5), (6, 2)]:
        at = np.array([found["x"][column], found["y"][row]]) * signs
        expected = cost(run.network, W[-1] + at @ rows[:2], iris)
        assert found["costs"][row][column] == pytest.approx(expected, rel=1e-9)
    assert (found["rows"], found["of_rows"]) == (len(iris.X_train),) * 2
    assert found["parameters"] == 5 * 6 + 7 * 4 + 5 * 3


def test_costs_of_the_path_are_the_clean_costs_of_the_training(iris):
    run = run_of(iris, keep_prob=0.8, l2=2, clean_train_cost=True)
    rows = []
    while run.status == "running":
        rows += run.advance(1e6).epochs
    told = {row["step"]: row["clean_train_cost"] for row in rows}
    states = states_trained_again(run_of(iris, keep_prob=0.8, l2=2), [], 12)
    path = loss_plane(run, states, resolution=5)["path"]
    shared = [at for at, step in enumerate(path["step"]) if step in told]
    assert len(shared) >= 3
    assert [path["cost"][at] for at in shared] == pytest.approx(
        [told[path["step"][at]] for at in shared], rel=1e-9
    )


def test_work_is_bounded_by_fewer_rows_and_places_or_refused(monkeypatch, iris, path):
    run = run_of(iris)
    monkeypatch.setattr(landscape, "WORK", 73 * 64 * 15**2)
    found = loss_plane(run, path)
    assert (found["rows"], len(found["x"])) == (64, 15)
    with pytest.raises(AskedError) as error:
        loss_plane(run, path, resolution=25)
    [problem] = error.value.problems
    assert problem.field == "resolution" and problem.remedy == "ask for resolution=15 or rows=23"
    loss_plane(run, path, resolution=15)
    with pytest.raises(AskedError) as error:
        loss_plane(run, path, resolution=15, rows=80)
    [problem] = error.value.problems
    assert problem.field == "rows" and problem.remedy == "ask for resolution=13 or rows=64"
    loss_plane(run, path, resolution=13, rows=80)
    monkeypatch.setattr(landscape, "WORK", 73)
    with pytest.raises(AskedError, match="choose a trial with a smaller network"):
        loss_plane(run, path)


def test_a_path_without_a_plane_is_refused(iris, path):
    run = run_of(iris)
    with pytest.raises(DataError, match="a plane needs three"):
        loss_plane(run, path[:2])
    first, last = path[0].weights, path[-1].weights
    line = [path[0]._replace(weights=first + share * (last - first)) for share in (0, 0.25, 1)]
    with pytest.raises(DataError, match="straight line"):
        loss_plane(run, line)


def test_what_is_not_finite_is_left_out(iris, path):
    broken = [*path[:-1], path[-1]._replace(weights=np.full_like(path[-1].weights, np.nan))]
    found = loss_plane(run_of(iris), broken, resolution=5)
    assert found["path"]["step"] == [state.step for state in path[:-1]]
    burst = [*path[:-2], *(state._replace(weights=state.weights * 1e9) for state in path[-2:])]
    assert loss_plane(run_of(iris), burst, resolution=5)["path"]["step"] == found["path"]["step"][:-1]
