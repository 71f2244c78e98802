"""The trainer does, step by step, what its slow twin does: every setting of the course, in float64."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from caviar.trainer.buffers import hyper_of
from caviar.trainer.data import load
from caviar.trainer.defaults import batch_size_of
from caviar.trainer.initialization import initial_weights
from caviar.trainer.network import Network
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings
from tests.support.naive import twin

SEED = 11
ACTIVATIONS = ["relu", "leaky_relu", "tanh", "sigmoid"]
OPTIMIZERS = ["gd", "momentum", "rmsprop", "adam"]
DECAYS = ["none", "inverse", "exponential", "inverse_sqrt", "inverse_sqrt_step", "staircase"]


@pytest.fixture(scope="module")
def sets():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(53, 5))
    y = {
        "binary": (X[:, 0] * X[:, 1] > 0).astype(int),
        "multiclass": np.array(["a", "b", "c"])[np.digitize(X[:, 0] - X[:, 2], (-0.6, 0.6))],
        "regression": np.column_stack([X @ rng.normal(size=5), 30 * X[:, 0] * X[:, 1]]),
    }
    split = {"train": 0.7, "dev": 0.3}
    return {kind: load({"X": X, "y": targets, "split": split}, "float64") for kind, targets in y.items()}


def columns(params):
    """b as (n, 1): the twin's examples are columns."""
    return {
        name: value.copy() if value.ndim == 2 else value[:, None].copy() for name, value in params.items()
    }


def counts_of(data, settings):
    """What rows count, by scikit-learn's weights of classes."""
    found = {part: getattr(data, f"weights_{part}") for part in ("train", "dev")}
    cost = np.ones(len(data.Y_train)) if found["train"] is None else found["train"]
    if settings.class_weight is not None:
        kinds = settings.class_weight
        if kinds != "balanced":
            kinds = {data.class_names.index(name): weight for name, weight in kinds.items()}
        mass = np.bincount(data.Y_train, cost)
        of_class = (
            (mass.sum() / mass)[data.Y_train]
            if kinds == "balanced"
            else compute_sample_weight(kinds, data.Y_train)
        )
        cost = cost * of_class
    return {name: one for name, one in {**found, "cost": cost / cost.mean()}.items() if one is not None}


def limit_of(settings):
    """The logit of the threshold."""
    share = 0.5 if settings.threshold is None else settings.threshold
    return math.log(share / (1 - share))


def trained(data, weights_seed=SEED, **settings):
    """Train the product and its twin from the same weights; return both."""
    if settings.get("optimizer") == "rmsprop":
        # its first step is alpha/sqrt(1 - beta2) whatever dW: at .05 the path is chaotic and rounding grows
        settings = {"learning_rate": 0.002, **settings}
    settings = make_settings(
        {
            "precision": "float64",
            "learning_rate": 0.05,
            "beta2": 0.999,
            "epochs": 4,
            "batch_size": 8,
            "hidden_units": [6, 4],
        }
        | settings
    )
    network = Network.of(settings, data)
    weights = initial_weights(network, settings, weights_seed, data.dtype)
    tensors = network.tensors(weights)
    learned = {name: value for name, value in tensors.items() if not name.startswith(("mean", "variance"))}
    slow = twin.Twin(columns(learned), data.kind, settings, SEED, network.layers)
    slow.images = (data.mu, data.sigma, data.image_shape)
    slow.counts, slow.limit = counts_of(data, settings), limit_of(settings)
    hyper = hyper_of(settings, data)
    Y, Y_dev = (y[:, None].T if y.ndim == 1 else y.T for y in (data.Y_train, data.Y_dev))
    status = slow.train(
        data.X_train.T,
        Y,
        data.X_dev.T,
        Y_dev,
        settings.epochs,
        hyper.batch_size,
        hyper.learning_rate,
        hyper.decay_rate,
    )
    fast = Run(settings, data, SEED, weights=weights.copy())
    slices = [fast.advance(0.001)]
    while slices[-1].status == "running":
        slices.append(fast.advance(0.001))
    return fast, slices, slow, status


def agree(fast, slices, slow, rel=1e-9):
    """Parameters, the cost of every mini-batch and every number of every epoch."""
    costs = [cost for part in slices for _, cost in part.costs]
    assert [step for part in slices for step, _ in part.costs] == list(range(1, slow.step + 1))
    assert costs == pytest.approx(slow.costs, rel=rel)
    rows = [row for part in slices for row in part.epochs]
    assert len(rows) == len(slow.rows)
    for ours, theirs in zip(rows, slow.rows, strict=True):
        assert set(ours) - {"seconds"} == set(theirs)
        for name, value in theirs.items():
            assert ours[name] == pytest.approx(value, rel=rel, abs=1e-12), name
    tensors = columns(fast.network.tensors(fast.weights))
    for name, value in slow.params.items():
        assert tensors[name] == pytest.approx(value, rel=rel, abs=1e-10), name


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("units", [[], [6], [6, 4], [5, 4, 3]], ids=lambda units: f"depth{len(units)}")
def test_losses_activations_and_depths(sets, kind, activation, units):
    fast, slices, slow, _ = trained(sets[kind], activation=activation, hidden_units=units)
    agree(fast, slices, slow)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch_norm"])
@pytest.mark.parametrize("regulariser", [{}, {"l2": 0.7}, {"l1": 0.4}, {"l1": 0.2, "l2": 0.3}], ids=str)
def test_optimisers_batch_norm_and_regularisers(sets, optimizer, batch_norm, regulariser):
    fast, slices, slow, _ = trained(
        sets["multiclass"], optimizer=optimizer, batch_norm=batch_norm, activation="tanh", **regulariser
    )
    agree(fast, slices, slow, rel=1e-8)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dropout_batch_norm_and_l2_together(sets, kind, activation):
    fast, slices, slow, _ = trained(
        sets[kind],
        activation=activation,
        keep_prob=[0.8, 0.6],
        input_keep_prob=0.9,
        batch_norm=True,
        batch_norm_momentum=0.7,
        batch_norm_epsilon=1e-3,
        l2=0.3,
    )
    agree(fast, slices, slow, rel=1e-7)


@pytest.mark.parametrize("keep_prob", [1.0, 0.999, 0.5, 0.1, [0.3, 1.0], [1.0, 0.5]], ids=str)
def test_keep_prob_per_layer(sets, keep_prob):
    fast, slices, slow, _ = trained(sets["binary"], keep_prob=keep_prob, activation="sigmoid")
    agree(fast, slices, slow)


def weighted(data):
    """The same data with weights of rows, 0 among them."""
    rng = np.random.default_rng(7)
    weights = {
        part: rng.integers(0, 4, len(getattr(data, f"X_{part}"))).astype(float) for part in ("train", "dev")
    }
    return replace(data, **{f"weights_{part}": one / one.mean() for part, one in weights.items()})


@pytest.mark.parametrize("rows", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize("class_weight", ["balanced", None, "by class"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_weights_of_rows_and_classes(sets, kind, class_weight, rows):
    data = weighted(sets[kind]) if rows else sets[kind]
    if kind == "regression":
        class_weight = None
    if class_weight == "by class":
        class_weight = {data.class_names[0]: 5.0}
    more = {"keep_prob": 0.8, "l2": 0.2, "batch_norm": True} if rows else {}
    fast, slices, slow, _ = trained(data, class_weight=class_weight, activation="tanh", **more)
    agree(fast, slices, slow, rel=1e-8)


@pytest.mark.parametrize("threshold", [0.1, 0.35, 0.9])
@pytest.mark.parametrize("rows", [False, True], ids=["alike", "weighted"])
def test_errors_at_a_threshold(sets, threshold, rows):
    data = weighted(sets["binary"]) if rows else sets["binary"]
    fast, slices, slow, _ = trained(data, threshold=threshold, activation="tanh")
    agree(fast, slices, slow)
    assert {row["dev_error"] for row in slow.rows} != {0.0}


@pytest.mark.parametrize("decay", DECAYS)
def test_decays(sets, decay):
    fast, slices, slow, _ = trained(
        sets["binary"], decay=decay, decay_rate=0.8, decay_epochs=2, optimizer="gd", activation="tanh"
    )
    agree(fast, slices, slow)


@pytest.mark.parametrize("batch_size", [1, 7, 36, 37, None])
def test_mini_batches_with_a_smaller_last_one(sets, batch_size):
    data = sets["multiclass"]
    fast, slices, slow, _ = trained(
        data, batch_size=batch_size, activation="tanh", batch_norm=batch_size != 1
    )
    agree(fast, slices, slow, rel=1e-8)
    m = len(data.X_train)
    assert fast.step == 4 * -(-m // (batch_size or m))


@pytest.mark.parametrize(
    "changed",
    [{"momentum": 0.5}, {"beta1": 0.5}, {"beta2": 0.9}, {"epsilon": 0.1}, {"momentum": 0.0}, {"beta1": 0.0}],
    ids=str,
)
def test_every_number_of_the_optimisers_counts(sets, changed):
    for optimizer in OPTIMIZERS[1:]:
        fast, slices, slow, _ = trained(sets["binary"], optimizer=optimizer, activation="tanh", **changed)
        agree(fast, slices, slow)


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_early_stopping_restores_the_best_weights(sets, patience):
    fast, slices, slow, status = trained(
        sets["binary"],
        patience=patience,
        epochs=40,
        learning_rate=0.3,
        optimizer="momentum",
        activation="tanh",
    )
    assert status == "stopped early"
    assert fast.status == "completed"
    assert fast.epoch == slow.epoch < 40
    assert fast.best_epoch == slow.best[1] == slow.epoch - patience
    agree(fast, slices, slow, rel=1e-7)
    assert fast.result()["dev_error"] == pytest.approx(slow.best[0])


@pytest.fixture(scope="module", params=[1, 3], ids=["grey", "colour"])
def pictures(request):
    """Images that are not square, of one or three channels, some pixels constant."""
    rng = np.random.default_rng(1)
    X = rng.integers(0, 255, size=(40, 5, 7, request.param)).astype(float)
    X[:, 0, 0] = 9.0
    return load(
        {"X": X, "y": (X.mean(axis=(1, 2, 3)) > 122).astype(int), "split": {"train": 0.7, "dev": 0.3}},
        "float64",
    )


@pytest.mark.parametrize(
    "kinds", ["flip", "shift", "zoom", "rotate", "distort", "flip+shift+zoom+rotate+distort"]
)
@pytest.mark.parametrize("strength", [0.1, 0.6])
def test_augmentation(pictures, kinds, strength):
    fast, slices, slow, _ = trained(
        pictures, augmentation=kinds, augmentation_strength=strength, activation="tanh", optimizer="gd"
    )
    agree(fast, slices, slow, rel=1e-7)


def test_leaky_slope_is_a_setting(sets):
    fast, slices, slow, _ = trained(sets["binary"], activation="leaky_relu", leaky_slope=0.3)
    agree(fast, slices, slow)


@pytest.mark.parametrize("part", ["train", "dev"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_evaluation_is_without_dropout_and_by_the_averages(sets, kind, part):
    data = sets[kind]
    fast, _, slow, _ = trained(data, batch_norm=True, keep_prob=0.7, activation="tanh")
    X, Y = getattr(data, f"X_{part}"), getattr(data, f"Y_{part}")
    cost, errors = slow.evaluate(X.T, Y[:, None].T if Y.ndim == 1 else Y.T)
    deviation = np.sqrt(np.mean(np.var(data.Y_train, axis=0))) if kind == "regression" else 1.0
    assert fast.evaluate(part) == pytest.approx(
        (cost / len(X), twin.error_of(kind, errors, len(X), deviation)), rel=1e-8
    )


@pytest.mark.parametrize(
    ("m", "size"),
    [(1, 1), (2000, 2000), (2001, 64), (60_000, 64), (150_000, 256), (10**6, 512), (10**8, 512)],
)
def test_the_default_mini_batch(m, size):
    assert batch_size_of(make_settings({}), m) == size


def test_float32_follows_float64(sets):
    data = sets["multiclass"]
    double, _, _, _ = trained(data, activation="tanh", batch_norm=True, l2=0.1)
    single = load_as_float32(data)
    settings = make_settings(double.settings.as_dict() | {"precision": "float32"})
    run = Run(settings, single, SEED, weights=initial_weights(double.network, settings, SEED, np.float32))
    while run.status == "running":
        run.advance()
    for name, value in run.network.tensors(run.weights).items():
        expected = double.network.tensors(double.weights)[name]
        assert np.linalg.norm(value - expected) <= 2e-4 * np.linalg.norm(expected), name


def load_as_float32(data):
    return replace(data, X_train=data.X_train.astype(np.float32), X_dev=data.X_dev.astype(np.float32))
