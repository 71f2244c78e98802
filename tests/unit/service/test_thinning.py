"""A thinned curve is short, in order, and looks like the whole."""

import numpy as np
import pytest

from caviar.service.store.thinning import thinned


def curve(count, seed=0):
    noise = np.random.default_rng(seed).normal(size=(count, 3))
    return (10 / np.sqrt(np.arange(1, count + 1))[:, None] + noise).astype(np.float32)


@pytest.mark.parametrize("count", [0, 1, 9, 10])
def test_a_short_curve_stays_whole(count):
    assert thinned(curve(count), 10).tolist() == list(range(count))


@pytest.mark.parametrize(("count", "points"), [(11, 10), (1000, 10), (1000, 11), (60_000, 2000)])
def test_a_long_one_keeps_its_ends_and_every_peak(count, points):
    values = curve(count)
    values[count // 3, 1] = 99  # a peak of one epoch
    places = thinned(values, points, 1)
    assert len(places) <= points + 2 * 3 + 4
    assert places[0] == 0 and places[-1] == count - 1 and np.all(np.diff(places) > 0)
    for column in range(3):
        assert {values[:, column].argmin(), values[:, column].argmax()} <= set(places.tolist())
    width = -(-count // (points // 2))
    for start in range(0, count, width):  # the slow twin
        stretch = values[start : start + width, 1].tolist()
        assert start + stretch.index(min(stretch)) in places
        assert start + stretch.index(max(stretch)) in places


def test_what_is_not_finite_is_seen_where_it_lies():
    values = curve(5000)
    values[1234, 0] = np.nan
    values[3000:4000, 2] = np.inf
    places = set(thinned(values, 100, 1).tolist())
    assert {1233, 1234, 1235, 2999, 3000, 3999, 4000} <= places


def test_a_column_with_many_holes_does_not_bring_all_back():
    values = curve(5000)
    values[np.arange(5000) % 10 != 0, 1] = np.nan  # measured every tenth epoch
    places = thinned(values, 100, 1)
    assert len(places) <= 210
    assert np.isfinite(values[places, 1]).sum() >= 90
    values[:, 1] = np.nan
    assert len(thinned(values, 100, 1)) <= 110
