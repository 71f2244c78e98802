"""The simulation of an installation against what can be computed by hand."""

from __future__ import annotations

import pytest

from benchmarks.scaling_model import Case, Costs, shares, simulate

COSTS = Costs(loop=0.001, work=0.002, commit=0.005, beat_loop=0.0005, beat_work=0.0002, event=0.0001)


def rate(case: Case) -> float:
    return case.trials / simulate(case, COSTS).seconds


def test_one_agent_waits_for_everything_itself() -> None:
    found = simulate(Case(1, 1, 1000, 0.0), COSTS)
    assert 1000 / found.seconds == pytest.approx(1 / (0.001 + 0.005 + 0.002), rel=0.01)
    assert found.percentile(0.5) == pytest.approx(0.008)
    assert found.writing == pytest.approx(7 / 8, rel=0.01) and found.loops == pytest.approx(1 / 8, rel=0.01)


def test_many_agents_are_bound_by_the_transaction_which_no_server_shares() -> None:
    one, two = rate(Case(1, 500, 50_000, 0.0)), rate(Case(2, 500, 50_000, 0.0))
    assert one == pytest.approx(1 / 0.002, rel=0.05), "the commit is shared by hundreds"
    assert two == pytest.approx(one, rel=0.05)


def test_long_trials_are_bound_by_themselves() -> None:
    case = Case(1, 20, 2000, 10.0, interval=60.0)
    found = simulate(case, COSTS)
    assert rate(case) == pytest.approx(20 / (10.0 + 0.008), rel=0.05)
    assert found.writing < 0.02 and found.percentile(0.99) < 0.03


def test_signs_of_life_alone_can_be_too_many() -> None:
    loops, writing = shares(Case(2, 1000, 1, 60.0, interval=10.0, streams=50), COSTS)
    assert loops == pytest.approx((100 * 0.0005 + 50 * 2 * 0.0001) / 2) and writing == pytest.approx(0.02)
    with pytest.raises(ValueError, match="signs of life"):
        simulate(Case(1, 10_000, 1, 60.0, interval=1.0), COSTS)


def test_the_same_seed_gives_the_same_run() -> None:
    case = Case(2, 30, 500, 0.5)
    assert simulate(case, COSTS, 3) == simulate(case, COSTS, 3) != simulate(case, COSTS, 4)
