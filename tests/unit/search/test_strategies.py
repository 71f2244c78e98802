"""Random, Sobol, grid, and the samplers that come through Optuna."""

import numpy as np
import pytest
from scipy.stats import qmc

from caviar.search.grid import levels
from caviar.search.history import History
from caviar.search.optuna_bridge import BEST, LATEST, distribution, importance, parameter_of, window
from caviar.search.parameters import Choice, Fixed, Range
from caviar.search.randomness import counter, salts, uniforms
from caviar.search.simulate import simulate
from caviar.search.sobol import sobol_point
from caviar.search.spec import SearchSpec
from caviar.search.strategies import function_at, propose
from caviar.search.strategy_settings import STRATEGIES

PLANE = {"important": {"low": 0, "high": 1}, "other": {"low": 0, "high": 1}}


def spec(name, space=PLANE, trials=25, **rest):
    return SearchSpec.parse({"space": space, "strategy": name, "budget": {"trials": trials}, **rest})


def points(search):
    nothing = History.empty(search.space.dimensions)
    return [propose(search, number, nothing).point for number in range(search.budget.trials)]


def test_random_against_grid_with_one_important_axis():
    """The classic figure: 25 random points try 25 values of the important axis, a 5 x 5 grid tries five."""
    grid, random = points(spec("grid")), points(spec("random"))
    assert len({point["important"] for point in grid}) == 5
    assert len({point["important"] for point in random}) == 25

    def regret(found, optimum):
        return min((point["important"] - optimum) ** 2 for point in found)

    optima = np.random.default_rng(0).random(200)
    of_grid = np.mean([regret(grid, optimum) for optimum in optima])
    of_random = np.mean([regret(points(spec("random", seed=seed)), optima[seed]) for seed in range(200)])
    of_sobol = np.mean([regret(points(spec("sobol", seed=seed)), optima[seed]) for seed in range(200)])
    assert of_random < 0.5 * of_grid  # 0.0013 against 0.0033
    assert of_sobol < 0.5 * of_random


def test_grid_says_how_few_values_it_tries():
    search = spec("grid", {**PLANE, "kind": {"choices": ["a", "b"]}}, trials=60)
    assert levels(60, (None, None, 2)) == (6, 5, 2)
    why = propose(search, 0, History.empty(3)).why
    assert "6 of important, 5 of other, 2 of kind" in why
    assert len({tuple(point.values()) for point in points(search)}) == 60


def test_grid_levels_use_the_budget():
    for trials in (1, 2, 7, 60, 1000, 10**7):
        for most in [(None,) * 3, (2, None, 5), (1, 1), (None,) * 12, ()]:
            counts = levels(trials, most)
            assert np.prod(counts, dtype=object) <= trials
            assert all(limit is None or count <= limit for count, limit in zip(counts, most, strict=True))
            for axis, limit in enumerate(most):  # nowhere is there room for one value more
                grown = list(counts)
                grown[axis] += 1
                if limit is None or grown[axis] <= limit:
                    assert np.prod(grown, dtype=object) > trials


def test_a_grid_used_up_begins_again_elsewhere():
    search = spec("grid", trials=4)
    nothing = History.empty(2)
    found = {tuple(propose(search, number, nothing).point.values()) for number in range(12)}
    assert len(found) == 12


def test_a_sobol_point_is_that_of_the_sequence():
    for dimensions in (1, 3, 40):
        engine = qmc.Sobol(dimensions, bits=32, rng=counter(9, dimensions, "sobol"))
        expected = engine.random(512)
        found = np.array([sobol_point(9, dimensions, number) for number in range(512)])
        assert np.array_equal(found, expected)


def test_sobol_is_more_even_than_random():
    sobol = np.array([sobol_point(1, 4, number) for number in range(128)])
    random = np.random.default_rng(1).random((128, 4))
    assert qmc.discrepancy(sobol) < 0.2 * qmc.discrepancy(random)


def test_uniforms_are_independent_of_number_name_and_seed():
    names = salts([f"p{k}" for k in range(20)])
    block = np.array([uniforms(3, number, names) for number in range(3000)])
    correlation = np.corrcoef(block.T) - np.eye(20)
    assert np.abs(correlation).max() < 0.08
    lagged = np.corrcoef(block[:-1, 0], block[1:, 0])[0, 1]
    across = np.corrcoef(block[:, 0], [uniforms(4, number, names)[0] for number in range(3000)])[0, 1]
    assert abs(lagged) < 0.06 and abs(across) < 0.06


def test_a_new_parameter_leaves_the_draws_of_the_others_alone():
    before = points(spec("random"))
    after = points(spec("random", {"first": {"low": 0, "high": 1}, **PLANE}))
    assert [point["important"] for point in before] == [point["important"] for point in after]


def test_every_name_has_its_strategy():
    for strategy in STRATEGIES:
        assert callable(function_at(strategy.function))


BOWL = {
    "x": {"scale": "log", "low": 1e-4, "high": 1},
    "y": {"low": 0, "high": 1},
    "kind": {"choices": ["a", "b", "c"]},
    "z": {"low": 0, "high": 1, "when": {"kind": "b"}},
}


def bowl(number, proposal):
    point = proposal.point
    inside = (point["z"] - 0.8) ** 2 if "z" in point else 0.5
    return [(np.log10(point["x"]) + 2.5) ** 2 + (point["y"] - 0.3) ** 2 + inside]


@pytest.mark.parametrize(
    ("name", "trials", "share"), [("tpe", 60, 0.5), ("cmaes", 60, 1.0), ("coarse_to_fine", 30, 0.1)]
)
def test_what_learns_finds_more_than_random_draws(name, trials, share):
    def best(strategy_name):
        return np.median(
            [simulate(spec(strategy_name, BOWL, trials, seed=seed), bowl).values.min() for seed in range(6)]
        )

    assert best(name) < share * best("random")


@pytest.mark.torch
def test_the_gaussian_process_finds_more_than_random_draws():
    search = spec({"name": "gp", "startup": 8}, PLANE, 13, seed=1)
    found = simulate(
        search, lambda number, proposal: [sum((x - 0.2) ** 2 for x in proposal.point.values())]
    ).values
    assert found[-1] < 0.05 * np.median(found[:8])


def test_the_window_has_the_best_and_the_latest():
    values = np.arange(1000.0)
    values[[500, 999]] = np.nan
    units = np.zeros((1000, 1))
    rows = window(History.of(range(1000), units, values))
    assert list(rows) == [*range(BEST), *range(1000 - LATEST - 1, 999)]


def test_importance_finds_the_parameter_that_matters():
    random = np.random.default_rng(0)
    search = spec("random", {**PLANE, "units": {"type": "int", "low": 1, "high": 9, "each": 2}})
    units = random.random((300, 4))
    shares = importance(
        search.space, History.of(range(300), units, (units[:, 0] - 0.4) ** 2 + 0.01 * units[:, 1])
    )
    assert shares["important"] > 0.6
    assert set(shares) == {"important", "other", "units"} and sum(shares.values()) == pytest.approx(1)


def test_importance_of_a_parameter_that_is_rarely_there():
    random = np.random.default_rng(0)
    search = spec("random", {**PLANE, "sub": {"low": 0, "high": 1, "when": {"other": {"low": 0.99}}}})
    units = random.random((200, 3))
    shares = importance(search.space, History.of(range(200), units, units[:, 0]))
    assert shares["important"] == max(shares.values())


@pytest.mark.parametrize(
    "parameter",
    [
        Range(low=0, high=1),
        Range(low=0, high=1, step=0.25),
        Range(scale="log", low=1e-4, high=1),
        Range(type="int", low=3, high=9),
        Range(type="int", low=0, high=9, step=3),
        Range(type="int", scale="log", low=1, high=64),
        Choice(choices=["a", 1, None, 0.5]),
    ],
)
def test_optunas_distributions_come_back_as_the_same_parameter(parameter):
    assert parameter_of(distribution(parameter)) == parameter


def test_what_optuna_does_not_have_is_exported_by_its_values():
    momentum = distribution(Range(scale="one_minus_log", low=0.9, high=0.999))
    assert (momentum.low, momentum.high, momentum.log) == (0.9, 0.999, False)
    decay = distribution(Range(scale="log", low=1e-6, high=1, zero=0.2))
    assert decay._contains(0.0) and decay._contains(1.0)
    assert distribution(Choice(choices=[[1, 2], [3]])).choices == ("[1, 2]", "[3]")
    assert distribution(Choice(choices=[True, 1])).choices == ("true", "1")  # which are equal for Optuna
    assert distribution(Fixed(value=3)).single()
