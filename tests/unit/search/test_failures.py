"""Failed trials teach strategies where trials work; without failures nothing changes."""

import numpy as np
import pytest

from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec


def lured(strategy, seed, dimensions, failures="learn", trials=50):
    """Search a space whose better half fails.

    Gives the shares of the first 20 trials and of the later ones that failed, and the best value.
    """
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=dimensions)
    normal /= np.linalg.norm(normal)
    best = np.clip(0.5 + 0.35 * normal, 0.05, 0.95)

    def train(_number, proposal):
        if (proposal.unit - 0.5) @ normal > 0:
            return []
        return [float(((proposal.unit - best) ** 2).sum())]

    space = {f"x{axis}": {"low": 0.0, "high": 1.0} for axis in range(dimensions)}
    search = {"space": space, "seed": seed, "strategy": strategy, "budget": {"trials": trials}}
    done = simulate(SearchSpec.parse({**search, "failures": failures}), train)
    failed = np.array(done.states) == "failed"
    return failed[:20].mean(), failed[20:].mean(), done.values[np.isfinite(done.values)].min()


@pytest.mark.parametrize("dimensions", [2, 4])
def test_coarse_to_fine_leaves_the_failing_half(dimensions):
    later = [lured("coarse_to_fine", seed, dimensions)[1] for seed in range(4)]
    assert np.mean(later) <= 0.2


@pytest.mark.parametrize("strategy", ["coarse_to_fine", "tpe"])
def test_fewer_trials_fail_and_better_ones_are_found_than_without_learning(strategy):
    learnt = np.mean([lured(strategy, seed, 3, trials=40) for seed in range(3)], axis=0)
    ignored = np.mean([lured(strategy, seed, 3, "ignore", trials=40) for seed in range(3)], axis=0)
    assert learnt[1] < 0.6 * ignored[1]
    assert learnt[2] < ignored[2]


@pytest.mark.torch
def test_the_gaussian_process_of_optuna_learns_too():
    learnt, ignored = (lured("gp", 1, 2, how, trials=32) for how in ("learn", "ignore"))
    assert learnt[1] < 0.6 * ignored[1]


@pytest.mark.parametrize("strategy", ["coarse_to_fine", "tpe", "cmaes"])
def test_without_failures_nothing_changes(strategy):
    def points(failures):
        space = {"a": {"low": 0.0, "high": 1.0}, "b": {"scale": "log", "low": 1e-4, "high": 1.0}}
        search = {"space": space, "strategy": strategy, "budget": {"trials": 25}, "failures": failures}
        done = simulate(SearchSpec.parse(search), lambda _n, one: [float(((one.unit - 0.3) ** 2).sum())])
        return [one.point for one in done.proposals]

    assert points("learn") == points("ignore")


def test_where_nothing_works_the_search_goes_on():
    space = {"a": {"low": 0.0, "high": 1.0}}
    for strategy in ("coarse_to_fine", "tpe", "cmaes"):
        search = {"space": space, "strategy": strategy, "budget": {"trials": 25}}
        done = simulate(SearchSpec.parse(search), lambda _number, _proposal: [])
        assert set(done.states) == {"failed"}
        assert len({one.unit[0] for one in done.proposals}) == 25
