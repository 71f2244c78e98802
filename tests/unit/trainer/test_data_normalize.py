"""x := (x - mu) / sigma, mu and sigma of the training set, finite whatever comes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from caviar.trainer.data import load
from caviar.trainer.data.normalize import apply, moments
from caviar.trainer.problem import DataError

columns = arrays(
    np.float64,
    st.tuples(st.integers(1, 30), st.integers(1, 4)),
    elements=st.floats(-1e100, 1e100, allow_subnormal=False),
)


@settings(max_examples=200, deadline=None)
@given(columns)
def test_normalised_columns_have_mean_0_and_variance_1_or_are_0(X):
    mu, sigma = moments(X)
    out = apply(X, mu, sigma, np.float64)
    assert np.isfinite(out).all()
    for j in range(X.shape[1]):
        spread = np.ptp(X[:, j])
        if spread == 0:
            assert (out[:, j] == 0).all()
            assert sigma[j] == 1
        elif spread > 1e-9 * np.abs(X[:, j]).max():
            assert out[:, j].mean() == pytest.approx(0, abs=1e-6)
            assert out[:, j].std() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-250, 1e-30, 1, 1e30, 1e250])
def test_any_scale_gives_the_same_numbers(scale):
    X = np.random.default_rng(0).normal(3, 2, size=(500, 3))
    expected = apply(X, *moments(X), np.float64)
    assert apply(X * scale, *moments(X * scale), np.float64) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_moments_are_those_of_numpy_over_several_blocks():
    X = np.random.default_rng(0).normal(1000, 2, size=(10_001, 3)).astype(np.float32)
    mu, sigma = moments(X)
    assert mu == pytest.approx(X.mean(axis=0, dtype=np.float64), rel=1e-12)
    assert sigma == pytest.approx(X.std(axis=0, dtype=np.float64), rel=1e-9)


def test_a_constant_that_floats_cannot_hold_is_still_constant():
    X = np.full((1000, 1), 0.1, dtype=np.float32)
    mu, sigma = moments(X)
    assert sigma[0] == 1
    assert (apply(X, mu, sigma, np.float32) == 0).all()


def test_mu_and_sigma_are_those_of_the_training_set_only():
    data = load({"name": "wine"}, "float64")
    assert data.X_train.mean(axis=0) == pytest.approx(np.zeros(13), abs=1e-9)
    assert data.X_train.std(axis=0) == pytest.approx(np.ones(13), abs=1e-9)
    assert abs(data.X_dev.mean(axis=0)).max() > 0.01


def test_without_normalisation_the_numbers_are_the_users():
    plain = load({"name": "iris"}, normalize=False)
    assert plain.mu.tolist() == [0] * 4
    assert plain.sigma.tolist() == [1] * 4
    assert plain.X_train.min() >= 0
    assert load({"name": "iris", "normalize": False}).digest == plain.digest


def test_regression_targets_are_normalised_too():
    data = load({"name": "diabetes"}, "float64")
    assert data.Y_train.mean() == pytest.approx(0, abs=1e-12)
    assert data.Y_train.std() == pytest.approx(1)
    assert (data.Y_train * data.target_sigma + data.target_mu).min() >= 25


def test_what_does_not_fit_into_float32_is_refused():
    X = np.random.default_rng(0).normal(size=(50, 2)) * 1e60
    with pytest.raises(DataError, match="'x0' does not fit into float32"):
        load({"X": X, "y": np.arange(50) % 2, "normalize": False})
    assert np.isfinite(load({"X": X, "y": np.arange(50) % 2}).X_train).all()


def test_arrays_are_shared_and_so_read_only_and_contiguous():
    data = load({"name": "iris"})
    for array in (data.X_train, data.Y_train, data.X_dev, data.mu):
        assert array.flags.c_contiguous
        assert not array.flags.writeable
