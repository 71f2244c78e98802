"""Scales against the closed forms of their distributions."""

import math

import numpy as np
import pytest
from scipy import stats

from caviar.search.history import History
from caviar.search.scales import LinearScale, LogScale, OneMinusLogScale
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose

DRAWS = 100_000


def draws(scale, low, high):
    one = scale(low, high)
    return np.array([one.from_unit(unit) for unit in np.random.default_rng(7).random(DRAWS)])


def distance(values, cdf):
    """Kolmogorov-Smirnov p-value: the draws come from this distribution."""
    return stats.kstest(values, cdf).pvalue


def test_linear_is_uniform():
    assert distance(draws(LinearScale, 50, 100), stats.uniform(50, 50).cdf) > 0.01


def test_log_is_ten_to_a_uniform():
    values = draws(LogScale, 1e-4, 1.0)
    assert distance(values, stats.loguniform(1e-4, 1.0).cdf) > 0.01
    for decade in range(-4, 0):  # the course: a quarter of the draws on each decade
        share = np.mean((values >= 10.0**decade) & (values < 10.0 ** (decade + 1)))
        assert share == pytest.approx(0.25, abs=0.006)


def test_one_minus_log_is_one_minus_ten_to_a_uniform():
    values = draws(OneMinusLogScale, 0.9, 0.999)
    expected = 1 - 10 ** np.random.default_rng(8).uniform(-3, -1, DRAWS)
    assert stats.ks_2samp(values, expected).pvalue > 0.01
    assert np.mean(values > 0.99) == pytest.approx(
        0.5, abs=0.006
    )  # a log scale mirrored would put 10 % there


def test_the_wrong_scales_fail_the_same_test():
    wrong = 1.0 - (0.001 + 0.1 - draws(LogScale, 0.001, 0.1))
    assert stats.ks_2samp(wrong, 1 - 10 ** np.random.default_rng(8).uniform(-3, -1, DRAWS)).pvalue < 1e-6
    assert distance(draws(LinearScale, 1e-4, 1.0), stats.loguniform(1e-4, 1.0).cdf) < 1e-6


@pytest.mark.parametrize(
    ("scale", "low", "high"),
    [(LinearScale, -3.0, 0.1), (LogScale, 1e-300, 1e300), (OneMinusLogScale, 0.0, 1 - 1e-12)],
)
def test_ends_are_exact(scale, low, high):
    one = scale(low, high)
    assert (one.from_unit(0.0), one.from_unit(1.0)) == (low, high)
    assert (one.to_unit(low), one.to_unit(high)) == (0.0, 1.0)


def test_equal_steps_of_one_minus_log():
    one = OneMinusLogScale(0.9, 0.999)
    assert one.from_unit(0.5) == pytest.approx(0.99)
    assert 1 - one.from_unit(0.25) == pytest.approx(10**-1.5)


def search(definition, **rest):
    data = {"space": {"x": definition}, "strategy": "random", "budget": {"trials": 10}, **rest}
    return SearchSpec.parse(data)


def sample(definition, count=DRAWS):
    spec = search(definition)
    nothing = History.empty(spec.space.dimensions)
    return np.array([propose(spec, number, nothing).point["x"] for number in range(count)])


def test_whole_numbers_on_a_linear_scale_are_equally_likely():
    values, counts = np.unique(sample({"type": "int", "low": 50, "high": 100}, 50_000), return_counts=True)
    assert list(values) == list(range(50, 101))
    assert stats.chisquare(counts).pvalue > 0.01


def test_whole_numbers_on_a_log_scale_have_the_share_of_what_rounds_to_them():
    values = sample({"scale": "log", "type": "int", "low": 1, "high": 64}, 50_000)
    width = math.log(64.5 / 0.5)
    shares = [math.log((k + 0.5) / (k - 0.5)) / width for k in range(1, 65)]
    counts = np.bincount(values, minlength=65)[1:]
    assert stats.chisquare(counts, np.array(shares) * len(values)).pvalue > 0.01


def test_zero_has_its_share_and_the_rest_is_on_the_scale():
    values = sample({"scale": "log", "low": 1e-6, "high": 10, "zero": 0.2}, 50_000)
    assert np.mean(values == 0.0) == pytest.approx(0.2, abs=0.008)
    assert distance(values[values > 0], stats.loguniform(1e-6, 10).cdf) > 0.01


def test_random_draws_through_the_search_follow_the_scale():
    assert (
        distance(sample({"scale": "log", "low": 1e-4, "high": 1.0}, 50_000), stats.loguniform(1e-4, 1.0).cdf)
        > 0.01
    )


def test_steps_stay_on_their_grid():
    values = sample({"low": 0.1, "high": 1.0, "step": 0.3}, 4000)
    assert sorted(set(values)) == [0.1, 0.4, 0.7, 1.0]
    assert sorted(set(sample({"type": "int", "low": 16, "high": 100, "step": 32}, 1000))) == [16, 48, 80]
    assert sorted(set(sample({"scale": "log", "type": "int", "low": 32, "high": 128, "step": 32}, 1000))) == [
        32,
        64,
        96,
        128,
    ]


def test_choices_are_equally_likely():
    _, counts = np.unique(sample({"choices": ["a", "b", "c"]}, 30_000), return_counts=True)
    assert stats.chisquare(counts).pvalue > 0.01
