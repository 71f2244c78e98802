"""What the course states in closed form or by example, seen in real runs of the trainer."""

from dataclasses import replace

import numpy as np
import pytest
from numba import njit

from caviar.trainer.buffers import hyper_of
from caviar.trainer.data import load
from caviar.trainer.data.types import Data
from caviar.trainer.initialization import initial_weights, standard_deviation
from caviar.trainer.kernels import optimizers
from caviar.trainer.network import Network
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings


def run_of(settings, data, weights=None, seed=0):
    run = Run(make_settings({"precision": "float64", "l2": 0.0, **settings}), data, seed, weights=weights)
    rows, costs = [], []
    while run.status == "running":
        piece = run.advance()
        rows += piece.epochs
        costs += [cost for _, cost in piece.costs]
    return run, rows, costs


def plain(X, Y, kind="regression", n_classes=0):
    """Data as it is: nothing split or normalised."""
    n = X.shape[1]
    return Data(kind, X, Y, X, Y, n_classes=n_classes, mu=np.zeros(n), sigma=np.ones(n))


@pytest.fixture(scope="module")
def iris():
    return load({"name": "iris"}, "float64")


@pytest.mark.parametrize("c", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("L", [1, 2, 10, 50])
def test_identity_layers_of_c_give_c_to_the_power_of_L(c, L):
    X = np.array([[1.0, 2.0], [3.0, 0.5]])
    data = plain(X, np.zeros((2, 2)))
    settings = make_settings(
        {"precision": "float64", "hidden_units": [2] * (L - 1), "activation": "relu", "epochs": 1}
    )
    network = Network.of(settings, data)
    weights = np.zeros(network.total)
    for layer in range(1, L + 1):
        network.tensors(weights)[f"W{layer}"][...] = c * np.eye(2)
    cost, _ = Run(settings, data, 0, weights=weights).evaluate("train")
    assert cost == pytest.approx(np.mean((c**L * X) ** 2), rel=1e-12)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("L", [10, 100])
@pytest.mark.parametrize(("c", "vanishes"), [(0.5, True), (1.0, False), (1.5, False)])
def test_gradient_norms_per_layer_show_vanishing_and_exploding(c, vanishes, L, precision):
    """With the default l2, whose lambda/m W is far larger than a vanishing gradient."""
    data = plain(np.ones((4, 2), precision), np.full((4, 2), -1.0, precision))
    base = {
        "hidden_units": [2] * (L - 1),
        "activation": "relu",
        "epochs": 1,
        "optimizer": "gd",
        "learning_rate": 1e-12,
        "precision": precision,
        "l2": None,
    }
    network = Network.of(make_settings(base), data)
    weights = np.zeros(network.total, precision)
    for layer in range(1, L + 1):
        network.tensors(weights)[f"W{layer}"][...] = c * np.eye(2)
    _, rows, _ = run_of(base, data, weights)
    norms = [rows[0][f"gradient_norm_{layer}"] for layer in range(1, L + 1)]
    # dW[l] = dZ[l] A[l-1]^T: c^(L-l) from the one side, c^(l-1) from the other, alike for all layers
    assert norms == pytest.approx([2 * (c**L + 1) * c ** (L - 1)] * L, rel=1e-5, abs=0)
    assert (norms[0] < 0.01) == vanishes


def test_zeros_fail_by_symmetry_and_random_weights_do_not(iris):
    settings = {"hidden_units": 5, "activation": "tanh", "epochs": 200, "learning_rate": 0.05}
    zeros, rows, _ = run_of({**settings, "initialization": "zeros"}, iris)
    random, better, _ = run_of(settings, iris)
    same = zeros.network.tensors(zeros.weights)["W1"]
    assert np.ptp(same, axis=0) == pytest.approx(np.zeros(4), abs=1e-12)  # all units of the layer are one
    assert np.ptp(random.network.tensors(random.weights)["W1"], axis=0).min() > 0.1
    assert better[-1]["train_cost"] < rows[-1]["train_cost"] / 2


@pytest.mark.parametrize(
    ("rule", "scale", "variance"),
    [
        ("zeros", None, 0.0),
        ("normal", None, 0.01**2),
        ("normal", 0.3, 0.3**2),
        ("xavier", None, 1 / 200),
        ("xavier", 2.0, 4 / 200),
        ("glorot", None, 2 / (200 + 300)),
        ("he", None, 2 / 200),
    ],
)
def test_initial_variances(rule, scale, variance):
    assert standard_deviation(rule, scale, 200, 300) ** 2 == pytest.approx(variance)
    data = plain(np.zeros((3, 200)), np.zeros((3, 1)))
    settings = make_settings({"hidden_units": 300, "initialization": rule, "init_scale": scale})
    network = Network.of(settings, data)
    tensors = network.tensors(initial_weights(network, settings, 3, np.float64))
    assert tensors["W1"].mean() == pytest.approx(0, abs=5 * (variance / 60_000) ** 0.5)
    assert tensors["W1"].var() == pytest.approx(variance, rel=5 * (2 / 60_000) ** 0.5)
    assert (tensors["b1"] == 0).all()
    assert (tensors["b2"] == 0).all()


@pytest.mark.parametrize(("activation", "rule"), [("relu", "he"), ("leaky_relu", "he"), ("tanh", "xavier")])
def test_default_initialisation(activation, rule):
    data = plain(np.zeros((3, 20)), np.zeros((3, 1)))
    chosen = [make_settings({"activation": activation, "initialization": name}) for name in (None, rule)]
    network = Network.of(chosen[0], data)
    first, second = (
        network.tensors(initial_weights(network, settings, 3, np.float64)) for settings in chosen
    )
    assert np.array_equal(first["W1"], second["W1"])
    assert first["W2"].std() < 0.2 * second["W2"].std()  # the output layer starts small


@pytest.mark.parametrize(
    ("decay", "rate", "expected"),
    [
        ("inverse", 1.0, [0.1, 0.0667, 0.05, 0.04]),
        ("exponential", 0.95, [0.19, 0.1805, 0.171475, 0.16290125]),
        ("inverse_sqrt", 1.0, [0.2, 0.2 / 2**0.5, 0.2 / 3**0.5, 0.1]),
        ("staircase", 0.5, [0.2, 0.2, 0.1, 0.1]),
        ("none", 1.0, [0.2] * 4),
    ],
)
def test_learning_rates_of_epochs_1_to_4(iris, decay, rate, expected):
    settings = {
        "optimizer": "gd",
        "learning_rate": 0.2,
        "decay": decay,
        "decay_rate": rate,
        "decay_epochs": 2,
    }
    _, rows, _ = run_of({**settings, "epochs": 4}, iris)
    assert [row["learning_rate"] for row in rows] == pytest.approx(expected, abs=5e-5)


def test_learning_rate_by_steps(iris):
    settings = {
        "optimizer": "gd",
        "learning_rate": 0.2,
        "decay": "inverse_sqrt_step",
        "batch_size": 30,
        "epochs": 3,
    }
    _, rows, _ = run_of(settings, iris)
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.2 / t**0.5 for t in (3, 6, 9)])


def test_momentum_in_its_other_form_takes_the_same_path(iris):
    """v = beta v + dW with alpha (1 - beta), and v = beta v + (1 - beta) dW with alpha."""
    alpha, beta = 0.3, 0.9
    settings = {
        "optimizer": "momentum",
        "learning_rate": alpha,
        "momentum": beta,
        "hidden_units": 4,
        "epochs": 30,
    }
    run, _, _ = run_of(settings, iris)
    one = replace(run.settings, epochs=1)
    W = initial_weights(run.network, one, 0, np.float64)
    v = np.zeros(run.network.learned)
    for _ in range(30):  # gradients from the trainer, the other form by hand
        step = Run(replace(one, optimizer="gd", learning_rate=1.0), iris, 0, weights=W.copy())
        step.advance()
        dW = (W - step.weights)[: v.size]
        v = beta * v + dW
        W[: v.size] -= alpha * (1 - beta) * v
    assert run.weights[: v.size] == pytest.approx(W[: v.size], rel=1e-9, abs=1e-11)


@njit
def update(W, dW, v, s, hyper, alpha, t):
    """A way in from Python: the kernel itself is only called by other kernels."""
    optimizers.update(W, dW, v, s, hyper, alpha, t)


def numbers_of(optimizer):
    return hyper_of(make_settings({"optimizer": optimizer}), plain(np.zeros((2, 1)), np.zeros((2, 1))))


def test_exponentially_weighted_averages_and_their_correction():
    """v_t = (1 - beta) sum beta^(t - i) theta_i, and Adam's first step is alpha for any gradient."""
    rng = np.random.default_rng(0)
    theta = rng.normal(size=(50, 3))
    W, v, s = np.zeros(3), np.zeros(3), np.zeros(3)
    for t, dW in enumerate(theta, 1):
        update(W, dW, v, s, numbers_of("momentum"), 0.1, t)
        closed = 0.1 * sum(0.9 ** (t - i) * theta[i - 1] for i in range(1, t + 1))
        assert v == pytest.approx(closed, rel=1e-12)
    W, v[:] = np.zeros(3), 0
    update(W, theta[0], v, s, numbers_of("adam"), 0.01, 1)
    assert pytest.approx(0.01 * np.sign(theta[0]), rel=1e-6) == -W


def test_a_constant_gradient_is_averaged_to_itself_once_corrected():
    for t_last in (1, 5, 30):
        W, v, s, dW = np.zeros(2), np.zeros(2), np.zeros(2), np.array([3.0, -0.5])
        for t in range(1, t_last + 1):
            update(W, dW, v, s, numbers_of("adam"), 0.0, t)
        assert v / (1 - 0.9**t_last) == pytest.approx(dW)
        assert s / (1 - 0.999**t_last) == pytest.approx(dW**2)


def test_softmax_of_two_classes_is_logistic_regression():
    """W = W_1 - W_0; both rows move by half a step in opposite directions, so alpha/2 gives the same path."""
    data = load({"name": "breast_cancer"}, "float64")
    two = replace(data, kind="multiclass")
    settings = {
        "hidden_units": [],
        "initialization": "zeros",
        "optimizer": "gd",
        "batch_size": 64,
        "epochs": 10,
    }
    logistic, one, _ = run_of({**settings, "learning_rate": 0.2}, data)
    softmax, other, _ = run_of({**settings, "learning_rate": 0.1}, two)
    W, T = logistic.network.tensors(logistic.weights), softmax.network.tensors(softmax.weights)
    assert T["W1"][1] - T["W1"][0] == pytest.approx(W["W1"][0], rel=1e-9)
    assert T["b1"][1] - T["b1"][0] == pytest.approx(W["b1"][0], rel=1e-9)
    assert [row["dev_cost"] for row in one] == pytest.approx([row["dev_cost"] for row in other], rel=1e-9)
    assert [row["dev_error"] for row in one] == [row["dev_error"] for row in other]


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_the_regulariser_is_lambda_over_2m(iris, name):
    settings = {"hidden_units": 3, "optimizer": "gd", "learning_rate": 1e-9, "epochs": 1}
    run, _, costs = run_of({**settings, name: 0.6}, iris)
    _, _, without = run_of(settings, iris)
    weights = [W for n, W in run.network.tensors(run.weights).items() if n.startswith("W")]
    norm = sum(np.abs(W).sum() if name == "l1" else (W**2).sum() for W in weights)
    assert costs[0] - without[0] == pytest.approx(0.6 / (2 * len(iris.X_train)) * norm, rel=1e-6)


def test_costs_are_means(iris):
    """Every example twice: the same cost, the same gradient, the same path."""
    twice = replace(iris, X_train=np.repeat(iris.X_train, 2, axis=0), Y_train=np.repeat(iris.Y_train, 2))
    settings = {"hidden_units": 4, "activation": "tanh", "optimizer": "gd", "epochs": 5}
    _, once_rows, once = run_of(settings, iris)
    _, twice_rows, both = run_of(settings, twice)
    assert once == pytest.approx(both, rel=1e-12)
    assert once_rows[-1]["gradient_norm"] == pytest.approx(twice_rows[-1]["gradient_norm"], rel=1e-9)


@pytest.mark.parametrize("name", ["l1", "l2"])
@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch_norm"])
def test_a_regulariser_never_touches_b_gamma_and_beta(iris, batch_norm, name):
    """A step with it and a step without, from where nothing is 0: W alone ends elsewhere."""
    settings = {
        "hidden_units": 3,
        "batch_norm": batch_norm,
        "optimizer": "gd",
        "learning_rate": 0.1,
        "epochs": 1,
    }
    network = Network.of(make_settings(settings), iris)
    weights = np.linspace(0.5, 1.5, network.total)
    ends = [run_of({**settings, name: lambd}, iris, weights.copy())[0].weights for lambd in (0.0, 5.0)]
    without, regularised = (network.tensors(end) for end in ends)
    for parameter, before in network.tensors(weights).items():
        slope = {"l1": np.ones_like(before) / 2, "l2": before}[name] / len(iris.X_train)
        decay = 0.1 * 5.0 * slope if parameter.startswith("W") else 0 * slope
        assert without[parameter] - regularised[parameter] == pytest.approx(decay, abs=1e-12), parameter


def test_l1_makes_weights_sparse_and_l2_does_not():
    data = load({"name": "breast_cancer"}, "float64")
    settings = {"hidden_units": 20, "activation": "tanh", "epochs": 300, "learning_rate": 0.003}
    shares = {}
    for name in ("l1", "l2"):
        _, rows, _ = run_of({**settings, name: 8.0}, data)
        shares[name] = rows[-1]["near_zero_weights"]
    assert shares["l1"] > 0.4
    assert shares["l2"] < 0.25


def test_dropout_keeps_the_mean_and_is_off_at_evaluation(iris):
    settings = {
        "hidden_units": 40,
        "activation": "sigmoid",
        "optimizer": "gd",
        "learning_rate": 1e-12,
        "epochs": 400,
    }
    run, rows, _ = run_of({**settings, "keep_prob": 0.5, "batch_size": 30}, iris)
    cost, _ = run.evaluate("train")
    assert np.ptp([row["dev_cost"] for row in rows]) < 1e-8  # the same weights, evaluated without masks
    trained = np.array([row["train_cost"] for row in rows])
    assert trained.std() > 0
    assert trained.mean() > cost  # noise before a convex loss raises its mean (Jensen)
    assert trained.mean() == pytest.approx(cost, rel=0.2)


def test_batch_norm_is_blind_to_shift_and_scale_of_a_layer(iris):
    settings = {
        "hidden_units": [5, 4],
        "batch_norm": True,
        "activation": "tanh",
        "epochs": 1,
        "optimizer": "gd",
    }
    network = Network.of(make_settings(settings), iris)
    weights = initial_weights(network, make_settings(settings), 0, np.float64)
    _, _, costs = run_of(settings, iris, weights.copy())
    network.tensors(weights)["W1"][...] *= 7.0
    _, _, scaled = run_of(settings, iris, weights)
    assert scaled == pytest.approx(costs, rel=1e-4)  # but for the epsilon under the root


def test_batch_norm_has_no_b_but_in_the_last_layer(iris):
    network = Network.of(make_settings({"hidden_units": [5, 4], "batch_norm": True}), iris)
    names = [name for name, _, _ in network.entries()]
    assert [name for name in names if name[0] == "b" and name[:4] != "beta"] == ["b3"]


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "rmsprop", "adam"])
def test_every_optimiser_learns_gamma_and_beta(iris, optimizer):
    run, _, _ = run_of({"hidden_units": 4, "batch_norm": True, "optimizer": optimizer, "epochs": 5}, iris)
    tensors = run.network.tensors(run.weights)
    assert (tensors["gamma1"] != 1).all()
    assert (tensors["beta1"] != 0).any()


def test_full_batch_gradient_descent_never_rises(iris):
    _, _, costs = run_of({"optimizer": "gd", "learning_rate": 0.1, "activation": "tanh", "epochs": 200}, iris)
    assert (np.diff(costs) <= 1e-12).all()
    assert len(costs) == 200


def test_a_cost_that_is_not_finite_ends_the_run_as_diverged():
    data = load({"name": "diabetes"}, "float64")
    settings = {"optimizer": "gd", "learning_rate": 900.0, "precision": "float64", "batch_size": 20}
    run = Run(make_settings(settings), data, 0)
    piece = run.advance(60)
    assert run.status == piece.status == "diverged"
    assert "step" in piece.reason
    assert np.isfinite([cost for _, cost in piece.costs[:-1]]).all()
    assert not np.isfinite(piece.costs[-1][1])
