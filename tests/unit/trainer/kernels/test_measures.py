"""Measures against scikit-learn: 100 generated cases each, with weights, ties, missing classes, one class."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from caviar.trainer.kernels import measures
from caviar.trainer.metrics import MEASURES

CASES = 100
NOTHING = np.zeros(0)
KINDS = ("plain", "weights", "ties", "missing class", "one class", "one row")


def of_classes(names, Z, labels, weights=NOTHING, positive=1, limit=0.0, price=NOTHING):
    n = 2 if Z.ndim == 1 else Z.shape[1]
    codes = np.array([MEASURES[name].code for name in names], np.int64)
    out = np.empty((1, len(codes)))
    limits = np.array([limit])
    measures.of_classes(Z.reshape(-1), labels, weights, codes, positive, limits, price.reshape(-1), n, 1, out)
    return dict(zip(names, out[0].tolist(), strict=True))


def of_quantities(names, Z, Y, weights=NOTHING, mu=None, sigma=None, deviation=1.0):
    k = Z.shape[1]
    mu, sigma = np.zeros(k) if mu is None else mu, np.ones(k) if sigma is None else sigma
    codes = np.array([MEASURES[name].code for name in names], np.int64)
    out = np.empty((1, len(codes)))
    measures.of_quantities(Z.reshape(-1), Y.reshape(-1), weights, codes, mu, sigma, deviation, 1, out)
    return dict(zip(names, out[0].tolist(), strict=True))


def classes(seed, n):
    """Return Z, labels, weights and the probabilities, in float64, of a case."""
    generator = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    m = 1 if kind == "one row" else int(generator.integers(2, 120))
    Z = generator.normal(0, 2, m if n == 2 else (m, n)).astype(np.float32)
    labels = generator.integers(0, n, m).astype(np.int32)
    if kind == "ties":
        Z = np.round(Z)
    if kind == "missing class" and n > 2:
        labels[labels == n - 1] = 0
    if kind == "one class":
        labels[:] = labels[0]
    weights = generator.exponential(1, m) if seed % 2 or kind == "weights" else NOTHING
    wide = Z.astype(np.float64)
    if n == 2:
        p = 1 / (1 + np.exp(-wide))
        return Z, labels, weights, np.column_stack([1 - p, p])
    shares = np.exp(wide - wide.max(axis=1, keepdims=True))
    return Z, labels, weights, shares / shares.sum(axis=1, keepdims=True)


def _decided(name, labels, predicted, weights, positive):
    given = {"sample_weight": weights if weights.size else None}
    match name.split("_"):
        case ["error"]:
            return sk.zero_one_loss(labels, predicted, **given)
        case ["accuracy"]:
            return sk.accuracy_score(labels, predicted, **given)
        case ["balanced", _]:
            return sk.balanced_accuracy_score(labels, predicted, **given)
        case [which, *average]:
            score = getattr(sk, f"{which}_score")
            given["zero_division"] = 0
            if average:
                return score(labels, predicted, average=average[0], **given)
            return score(labels, predicted, labels=[positive], average="macro", **given)


DECIDED = [name for name, one in MEASURES.items() if one.decides and name != "price"]


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.filterwarnings("ignore:The number of unique classes")
@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("name", DECIDED)
def test_decisions(name, n):
    for seed in range(CASES):
        Z, labels, weights, p = classes(seed, n)
        positive = seed % n
        wanted = _decided(name, labels, p.argmax(axis=1), weights, positive)
        found = of_classes([name], Z, labels, weights, positive)[name]
        assert found == pytest.approx(wanted, abs=1e-6), (seed, name)


@pytest.mark.parametrize("n", [2, 4])
def test_probabilities(n):
    for seed in range(CASES):
        Z, labels, weights, p = classes(seed, n)
        given = {"sample_weight": weights if weights.size else None, "labels": np.arange(n)}
        found = of_classes(["log_loss", "brier"], Z, labels, weights)
        assert found["log_loss"] == pytest.approx(sk.log_loss(labels, p, **given), abs=1e-6), seed
        assert found["brier"] == pytest.approx(sk.brier_score_loss(labels, p, **given), abs=1e-6), seed


@pytest.mark.parametrize("n", [2, 4])
def test_calibration_error_is_that_of_the_calibration_curve(n):
    for seed in range(CASES):
        Z, labels, _, p = classes(seed, n)
        top = p[:, 1] if n == 2 else p.max(axis=1)
        hit = labels if n == 2 else (p.argmax(axis=1) == labels).astype(int)
        if hit.min() == hit.max():
            continue
        right, sure = calibration_curve(hit, top, n_bins=10)
        shares = np.histogram(top, np.linspace(0, 1, 11))[0] / len(top)
        wanted = np.sum(shares[shares > 0] * np.abs(right - sure))
        found = of_classes(["calibration_error"], Z, labels)["calibration_error"]
        assert found == pytest.approx(wanted, abs=1e-6), seed


@pytest.mark.parametrize("n", [2, 4])
def test_areas(n):
    undefined = 0
    for seed in range(CASES):
        Z, labels, weights, p = classes(seed, n)
        positive = seed % 2 if n == 2 else 0
        found = of_classes(["roc_auc", "average_precision"], Z, labels, weights, positive)
        given = {"sample_weight": weights if weights.size else None}
        roc, precision = [], []
        for j in [positive] if n == 2 else range(n):
            is_j = labels == j
            if 0 < is_j.sum() < len(labels):
                roc.append(sk.roc_auc_score(is_j, p[:, j], **given))
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "No positive class found")
                precision.append(sk.average_precision_score(is_j, p[:, j], **given))
        undefined += not roc
        wanted = pytest.approx(np.mean(roc) if roc else np.nan, abs=1e-6, nan_ok=True)
        assert found["roc_auc"] == wanted, seed
        assert found["average_precision"] == pytest.approx(np.mean(precision), abs=1e-6), seed
    assert 0 < undefined < CASES / 2  # the mean over classes is scikit-learn's own where it has one:
    Z, labels, _, p = classes(0, 4)
    wanted = sk.roc_auc_score(labels, p, multi_class="ovr", average="macro")
    assert of_classes(["roc_auc"], Z, labels)["roc_auc"] == pytest.approx(wanted, abs=1e-6)


QUANTITIES = {
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "mae": sk.mean_absolute_error,
    "median_absolute_error": sk.median_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
    "r2": sk.r2_score,
}


@pytest.mark.filterwarnings("ignore:R.2 score is not well-defined")
@pytest.mark.parametrize("n", [2, 4])
def test_areas_of_rows_without_weights_have_the_bits_of_those_with_weights_of_one(n):
    names = ["roc_auc", "average_precision"]
    for seed in range(CASES):
        Z, labels, _, _ = classes(seed, n)
        if seed % 10 == 9:
            Z.reshape(-1)[seed % Z.size] = np.nan
        plain, weighted = of_classes(names, Z, labels), of_classes(names, Z, labels, np.ones(len(labels)))
        np.testing.assert_array_equal(list(plain.values()), list(weighted.values()))


@pytest.mark.parametrize("name", QUANTITIES)
def test_quantities(name):
    for seed in range(CASES):
        generator = np.random.default_rng(seed)
        m, k = int(generator.integers(1 if name != "r2" else 2, 90)), int(generator.integers(1, 4))
        Z, Y = generator.normal(size=(2, m, k))
        if seed % 5 == 0:
            Z, Y = np.round(Z), np.round(Y) + 2.0
        if seed % 7 == 0:
            Y[:] = 1.0
        weights = generator.exponential(1, m) if seed % 2 else NOTHING
        if seed % 4 == 1:
            weights = np.round(weights) + (np.arange(m) == 0)
        mu, sigma = generator.normal(size=k), generator.exponential(1, k)
        if seed % 7 == 0:  # constant to the last bit, also for scikit-learn
            mu, sigma, weights = np.zeros(k), np.ones(k), NOTHING
        wanted = QUANTITIES[name](
            Y * sigma + mu, Z * sigma + mu, sample_weight=weights if weights.size else None
        )
        found = of_quantities([name], Z, Y, weights, mu, sigma)[name]
        assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6), seed


def test_the_error_of_a_regression_is_in_standard_deviations():
    Z, Y = np.random.default_rng(1).normal(size=(2, 30, 2))
    wanted = np.sqrt(np.mean((Z - Y) ** 2)) / 1.7
    assert of_quantities(["error"], Z, Y, deviation=1.7)["error"] == pytest.approx(wanted)


def test_the_price_is_the_mean_over_the_rows():
    price = np.array([[0.0, 1.0, 4.0], [2.0, 0.0, 8.0], [16.0, 32.0, 0.0]])
    for seed in range(CASES):
        Z, labels, weights, p = classes(seed, 3)
        wanted = np.average(price[labels, p.argmax(axis=1)], weights=weights if weights.size else None)
        assert of_classes(["price"], Z, labels, weights, price=price)["price"] == pytest.approx(wanted)


def test_several_epochs_and_measures_are_what_they_are_alone():
    names = [name for name, one in MEASURES.items() if one.code is not None and "binary" in one.kinds]
    Z, labels, weights, _ = classes(1, 2)
    both = np.concatenate([Z, -Z])
    codes = np.array([MEASURES[name].code for name in names], np.int64)
    out = np.empty((2, len(codes)))
    price = np.array([0.0, 1.0, 5.0, 0.0])
    measures.of_classes(both, labels, weights, codes, 1, np.array([0.3, -0.2]), price, 2, 2, out)
    for e, (z, limit) in enumerate([(Z, 0.3), (-Z, -0.2)]):
        alone = {name: of_classes([name], z, labels, weights, 1, limit, price)[name] for name in names}
        assert dict(zip(names, out[e].tolist(), strict=True)) == alone


@pytest.mark.parametrize("name", ["error", "f1", "balanced_accuracy", "recall", "price"])
def test_no_other_threshold_is_better(name):
    price = np.array([0.0, 1.0, 5.0, 0.0])
    for seed in range(CASES):
        Z, labels, weights, _ = classes(seed, 2)
        args = (weights, MEASURES[name].code, 1, price)
        limit = measures.best_limit(Z, labels, *args)
        sign = -1.0 if MEASURES[name].direction == "maximize" else 1.0
        value = lambda at: sign * of_classes([name], Z, labels, weights, 1, at, price)[name]  # noqa: B023, E731
        others = np.unique(np.concatenate([Z.astype(float), Z + 1e-3, Z - 1e-3, [0.0]]))
        assert value(limit) <= min(value(at) for at in others) + 1e-9, seed
