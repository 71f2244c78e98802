"""exp, sigmoid and tanh against long doubles, within the bounds that the module states."""

import numpy as np
import pytest

from caviar.trainer.kernels import exponential as kernels
from caviar.trainer.kernels.compile import entry

exponentials, sigmoid, tanh = map(entry, (kernels.exponentials, kernels.sigmoid, kernels.tanh))


def arguments(dtype, largest):
    generator = np.random.default_rng(0)
    small = generator.standard_normal(20_000) * 10.0 ** generator.uniform(-8, 0, 20_000)
    return np.concatenate(
        [generator.uniform(-largest, largest, 50_000), generator.uniform(-1, 1, 20_000), small]
    ).astype(dtype)


def in_place(function, x):
    x = x.copy()
    function(x)
    return x


def exponential(x):
    out = np.empty_like(x)
    exponentials(x, out)
    return out


@pytest.mark.parametrize(("dtype", "largest"), [("float32", 86), ("float64", 707)])
@pytest.mark.parametrize(("name", "bound"), [("exp", 1.1), ("sigmoid", 2.5), ("tanh", 2.7)])
def test_error_in_units_of_the_last_place(dtype, largest, name, bound):
    x = arguments(dtype, largest)
    wide = x.astype(np.longdouble)
    exact = {"exp": np.exp(wide), "sigmoid": 1 / (1 + np.exp(-wide)), "tanh": np.tanh(wide)}[name]
    ours = exponential(x) if name == "exp" else in_place({"sigmoid": sigmoid, "tanh": tanh}[name], x)
    units = np.abs(ours - exact) / np.spacing(np.abs(exact).astype(dtype))
    assert units.max() < bound


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_nan_stays_and_extremes_are_finite(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 0, -0.0], dtype)
    for y in (exponential(x), in_place(sigmoid, x), in_place(tanh, x)):
        assert np.isnan(y[0])
        assert np.isfinite(y[1:]).all()
    assert in_place(tanh, x)[1:].tolist() == [1, -1, 1, -1, 0, 0]
