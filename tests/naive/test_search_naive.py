"""Slow and obvious twins of what search/ computes quickly."""

import math
from itertools import product

import numpy as np
import pytest
from cmaes import CMA

from caviar.search.candidates import ALIKE, Newness, is_new
from caviar.search.curves import CurveTable, rung_values
from caviar.search.grid import levels
from caviar.search.history import History
from caviar.search.proposal import round_for_determinism
from caviar.search.randomness import counter, salts, uniforms
from caviar.search.scales import LinearScale, LogScale, OneMinusLogScale
from caviar.search.spec import SearchSpec, first_unseen
from caviar.search.stopping import verdict
from caviar.search.strategies import propose

NAIVE_SCALES = {
    LinearScale: lambda u, low, high: low * (1 - u) + high * u,
    LogScale: lambda u, low, high: 10 ** (math.log10(low) + u * (math.log10(high) - math.log10(low))),
    OneMinusLogScale: lambda u, low, high: (
        1 - 10 ** (math.log10(1 - low) + u * (math.log10(1 - high) - math.log10(1 - low)))
    ),
}


@pytest.mark.parametrize(
    ("scale", "low", "high"),
    [(LinearScale, -2, 5), (LogScale, 1e-4, 1), (OneMinusLogScale, 0.9, 0.999), (OneMinusLogScale, 0, 0.5)],
)
def test_scales(scale, low, high):
    one = scale(low, high)
    for unit in np.linspace(0, 1, 101):
        value = NAIVE_SCALES[scale](unit, low, high)
        assert one.from_unit(float(unit)) == pytest.approx(value, rel=1e-11, abs=1e-13)
        assert one.to_unit(value) == pytest.approx(unit, abs=1e-9)


def naive_uniform(seed, number, name):
    """The same hash in whole numbers of any size."""
    mask = 2**64 - 1
    bits = int(salts([name])[0]) ^ counter(seed, number)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 0xD6E8FEB86659FD93)):
        bits = ((bits ^ (bits >> shift)) * factor) & mask
    return ((bits ^ (bits >> 32)) >> 11) / 2**53


def test_uniforms():
    names = ["a", "b", "hidden_units.3"]
    for number in range(50):
        expected = [naive_uniform(2**62, number, name) for name in names]
        assert uniforms(2**62, number, salts(names)).tolist() == expected


def naive_stop(rule, own, others, direction):
    """Epoch at which a trial stops, by looking at everybody's curves at every epoch."""
    better = min if direction == "minimize" else max
    worse = (lambda a, b: a > b) if direction == "minimize" else (lambda a, b: a < b)
    for epoch in range(1, len(own)):
        reached = [better(curve[:epoch]) for curve in others if len(curve) >= epoch]
        reached.sort(reverse=direction == "maximize")
        mine = better(own[:epoch])
        if rule == "median" and len(reached) >= 4:
            if worse(mine, reached[(len(reached) - 1) // 2]):
                return epoch
        elif rule == "successive_halving" and epoch in (1, 3, 9, 27):
            keep = (len(reached) + 1) // 3
            if keep and worse(mine, reached[keep - 1]):
                return epoch
    return len(own)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("rule", ["median", "successive_halving"])
def test_stopping_rules(rule, direction):
    random = np.random.default_rng(3)
    search = SearchSpec.parse(
        {
            "space": {"x": {"low": 0, "high": 1}},
            "stopping": rule,
            "objective": {"direction": direction},
            "budget": {"trials": 9},
        }
    )
    ladder = search.rungs(30)
    stops = []
    for count in range(40):
        others = [random.random(random.integers(1, 31)).tolist() for _ in range(count)]
        own = random.random(30).tolist()
        rows = np.array([rung_values(curve, ladder, direction) for curve in others])
        found = search.stop_plan(
            count, CurveTable(ladder, np.arange(count), rows.reshape(count, len(ladder)))
        )
        epoch = next((n for n in range(1, 30) if verdict(found, own[:n], direction)), 30)
        assert epoch == naive_stop(rule, own, others, direction)
        stops.append(epoch)
    assert len(set(stops)) > 3


def test_cmaes_replayed_is_cmaes_that_went_along():
    """An optimizer told every full generation as it ends proposes what the replay does."""
    search = SearchSpec.parse(
        {
            "space": {"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}},
            "strategy": "cmaes",
            "budget": {"trials": 70},
            "lag": 3,
            "seed": 4,
        }
    )
    bounds = np.tile([0.0, 1.0], (2, 1))
    along = CMA(mean=np.full(2, 0.5), sigma=1 / 6, bounds=bounds, n_max_resampling=20, seed=1)
    units, values, generation, pool = [], [], [], []
    for number in range(70):
        seen = max(0, number - 3)
        if seen and seen - 1 >= 1 and generation[seen - 1] == along.generation:
            pool.append((units[seen - 1], values[seen - 1]))
            if len(pool) == along.population_size:
                along.tell(pool)
                pool = []
        past = np.array(units).reshape(-1, 2)
        history = History.of(range(seen), past[:seen], values[:seen], pending=past[seen:])
        unit = propose(search, number, history).unit
        if number >= 1:  # the first one is random
            along.reseed_rng(counter(4, number, "cmaes") >> 33)
            assert unit == pytest.approx(round_for_determinism(along.ask()), abs=1e-7)
        units.append(unit)
        values.append(float(((unit - 0.3) ** 2).sum()))
        generation.append(along.generation)
    assert along.generation > 5
    assert min(values[50:]) < 0.01


def test_grid_levels():
    """Of all grids that differ by at most one value between axes, the largest that the budget pays for."""
    for trials in range(1, 60):
        counts = levels(trials, (None, None))
        sizes = [
            a * b for a, b in product(range(1, trials + 1), repeat=2) if a * b <= trials and 0 <= a - b <= 1
        ]
        assert math.prod(counts) >= max(sizes)


def test_first_unseen():
    for lag in (0, 1, 5, 40):
        for number in range(100):
            assert first_unseen(number, lag, False) == len([n for n in range(number) if n < number - lag])


def test_what_is_new_is_told_alike_one_by_one_and_by_order():
    rng = np.random.default_rng(3)
    units = np.round(rng.random((300, 4)), 1)
    history = History.of(range(200), units[:200], np.zeros(200), pending=units[200:])
    asked = np.vstack([np.round(rng.random((300, 4)), 1), units[::7], units[::9] + 0.9 * ALIKE])
    asked = np.vstack([asked, units[::9] + np.array([1.2 * ALIKE, 0, 0, 0])])
    apart = [all((np.abs(unit - one) >= ALIKE).any() for one in units) for unit in asked]
    assert 0 < sum(apart) < len(asked)
    new = Newness(history)
    assert [new(unit) for unit in asked] == apart
    assert [is_new(unit, history) for unit in asked] == apart
