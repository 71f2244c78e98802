"""Which differences between finalists are called real: right in at least 95 of 100 simulated cases."""

import numpy as np
import pytest
from scipy.stats import t as student

from caviar.search.leaders import chance_of_ties

CASES = 200


def wrong(rng: np.random.Generator, means: list[float], runs: int, uneven: bool) -> bool:
    """Whether a difference is called real that is none, or that goes the other way."""
    groups = [rng.normal(mean, rng.uniform(0.3, 2) if uneven else 1.0, runs) for mean in means]
    order = sorted(range(len(means)), key=lambda place: groups[place].mean())
    chances = chance_of_ties([groups[place] for place in order])
    called = [place for place, chance in zip(order[1:], chances, strict=True) if (chance or 1) < 0.05]
    return any(means[place] <= means[order[0]] for place in called)


@pytest.mark.parametrize("runs", [4])
@pytest.mark.parametrize("uneven", [False, True], ids=["even", "uneven"])
@pytest.mark.parametrize("means", [[0.0] * 4, [0.0, 0.0, 1.0, 3.0]], ids=["all equal", "some apart"])
def test_at_most_one_case_of_twenty_calls_chance_a_difference(
    means: list[float], uneven: bool, runs: int
) -> None:
    rng = np.random.default_rng([runs, uneven, len(set(means))])
    share = sum(wrong(rng, means, runs, uneven) for _ in range(CASES)) / CASES
    assert share <= 0.05 + 1.7 * (0.05 * 0.95 / CASES) ** 0.5


def test_clear_differences_are_found() -> None:
    rng = np.random.default_rng(1)
    groups = [rng.normal(mean, 1.0, 5) for mean in (0.0, 6.0, 9.0)]
    assert all(chance is not None and chance < 0.05 for chance in chance_of_ties(groups))


def test_of_two_groups_it_is_the_test_of_welch_by_its_formula() -> None:
    rng = np.random.default_rng(2)
    groups = [rng.normal(0.0, 1.0, 6), rng.normal(1.0, 2.0, 9)]
    variances = [np.var(one, ddof=1) / len(one) for one in groups]
    t = (groups[0].mean() - groups[1].mean()) / sum(variances) ** 0.5
    parts = [v**2 / (len(one) - 1) for v, one in zip(variances, groups, strict=True)]
    freedom = sum(variances) ** 2 / sum(parts)
    assert chance_of_ties(groups) == pytest.approx([2 * student.sf(abs(t), freedom)])


def test_what_cannot_be_told_says_nothing() -> None:
    one, flat, spread = np.array([1.0]), np.array([2.0, 2.0]), np.array([1.0, 2.0, 4.0])
    assert chance_of_ties([spread, one, flat]) == [None, None]
    assert chance_of_ties([one, spread]) == [None]
