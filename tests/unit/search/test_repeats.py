"""Points that are tried again on purpose: when, which, and that searches of before have none."""

from collections import Counter

import numpy as np
import pytest

from caviar.search.history import History
from caviar.search.repeats import Tried, all_tried, by_promise, leader_again, lucky, worth_again
from caviar.search.rounds import rounds
from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec

PLANE = {"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}}
TWELVE = {"a": {"choices": [1, 2, 3, 4], "ordered": True}, "b": {"choices": ["x", "y", "z"]}}


def search(space, trials, noise, **rest):
    spec = SearchSpec.parse({"space": space, "budget": {"trials": trials}, **rest})
    draws = np.random.default_rng(spec.seed).standard_normal(trials) * noise

    def train(number, proposal):
        return [float(((proposal.unit - 0.3) ** 2).sum()) + draws[number]]

    return simulate(spec, train, workers=3)


def history(units, values, pending=()):
    at = np.array([[one] for one in units])
    return History.of(
        range(len(units)), at, values, pending=np.array([[one] for one in pending]).reshape(-1, 1)
    )


def test_points_are_gathered_with_their_means():
    seen = history([0.1, 0.3, 0.1, 0.5], [1.0, 3.0, 2.0, np.nan], pending=[0.3, 0.9])
    tried = Tried.of(seen)
    found = {float(seen.units[row, 0]): place for place, row in enumerate(tried.rows)}
    assert sorted(found) == [0.1, 0.3, 0.5]
    assert tried.means[found[0.1]] == 1.5 and np.isnan(tried.means[found[0.5]])
    assert [tried.begun[found[at]] for at in (0.1, 0.3, 0.5)] == [2, 2, 0]
    assert tried.within == pytest.approx(np.std([1.0, 2.0], ddof=1))


def test_values_of_any_size_are_gathered():
    values = [1e200, -1e300, np.inf, -np.inf, np.nan, 1.0]
    tried = Tried.of(history([0.1, 0.1, 0.2, 0.3, 0.4, 0.5], values))
    assert np.isfinite(tried.within) and np.isposinf(tried.means).sum() == 1
    assert np.isfinite(tried.means).sum() == 3
    assert leader_again(history([0.1, 0.1, 0.2, 0.3, 0.4, 0.5], values), noise=1.0) is not None


def test_what_is_tried_once_counts_less_than_its_luck():
    values = [0.0, 1.0, 1.1, 0.9, 1.0, 5.0, 6.0, 7.0, 4.5]
    seen = history([0.1, 0.2, 0.2, 0.2, 0.2, 0.4, 0.5, 0.5, 0.4], values)
    tried = Tried.of(seen)
    assert np.argsort(tried.expected)[0] == np.argmin(tried.means)
    assert tried.expected.min() > 0.0  # drawn to the others, for it was tried once
    alone = Tried.of(history([0.1, 0.2, 0.3], [1.0, 2.0, np.inf]))
    assert sorted(alone.expected) == [1.0, 2.0, np.inf]  # without repeats there is nothing to go by


def test_without_noise_leaders_are_not_tried_again():
    seen = history([0.1, 0.2, 0.3, 0.4, 0.1], [1.0, 2.0, 3.0, 4.0, 1.0])
    assert leader_again(seen, noise=0.5) is None  # the second time it gave the same
    once = seen.select(slice(4))
    assert leader_again(once, noise=0.5) == 0
    assert leader_again(once, noise=0.01) is None


def test_a_leader_is_not_tried_for_ever():
    units, values = [0.1, 0.2, 0.3, 0.4, 0.1, 0.1], [1.0, 2.0, 3.0, 4.0, 1.5, 0.5]
    assert leader_again(history(units, values), noise=0.5) is None
    assert leader_again(history(units[:5], values[:5], pending=[0.1]), noise=0.5) is None


def test_the_good_points_decide_how_much_noise_tells():
    """Half of the points are far off: draws that hardly differ beside these still hide which one is best."""
    units = [*np.linspace(0.1, 0.9, 9), 0.1]
    good, bad = [1.0, 1.2, 1.1, 1.3], [90.0, 90.0, 90.0, 90.0, 90.0]
    assert leader_again(history(units, [*good, *bad, 1.3]), noise=0.0) == 2
    assert leader_again(history(units, [*good, *bad, 1.01]), noise=0.0) is None


def test_one_repeat_tells_whether_others_are_worth_it():
    seen = history([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, np.inf])
    assert sorted(worth_again(seen, small=True)) == [0, 1, 2]
    assert not len(worth_again(seen, small=False))
    running = history([0.1, 0.2, 0.3], [1.0, 2.0, 3.0], pending=[0.2])
    assert not len(worth_again(running, small=True))
    for small in (True, False):
        same, other = (history([0.1, 0.2, 0.3, 0.1], [1.0, 2.0, 3.0, value]) for value in (1.0, 1.8))
        assert not len(worth_again(same, small))
        assert sorted(worth_again(other, small)) == [1, 2]


@pytest.mark.parametrize(("noise", "again"), [(0.1, range(12, 48)), (0.0, range(3))])
def test_what_is_good_is_tried_again_rather_than_what_is_hopeless(noise, again):
    space = {name: {"choices": list(range(8)), "ordered": True} for name in "ab"}
    spec = SearchSpec.parse({"space": space, "budget": {"trials": 48}, "seed": 4})
    draws = np.random.default_rng(0).standard_normal(48) * noise

    def train(number, proposal):
        a, b = proposal.point.values()
        return [9.0 if b > 2 else abs(a - 5) / 20 + b / 20 + draws[number]]

    run = simulate(spec, train, workers=1)
    assert sum(one.origin == "repeat" for one in run.proposals) in again
    assert max(Counter(tuple(one.point.values()) for one in run.proposals).values()) <= 5


def test_a_lucky_trial_is_told_from_the_point_that_leads():
    units, others = [0.1, *[0.2] * 6, *np.linspace(0.3, 0.9, 8)], np.linspace(1.1, 1.3, 8)
    draws = [0.4, 1.2, 0.4, 1.2, 0.4, 1.2]
    assert lucky(history(units, [0.39, *draws, *others])) == (0, 1)
    assert lucky(history(units, [0.41, *draws, *others])) is None  # its point has the lowest value too
    assert lucky(history(units, [0.39, *[0.8] * 6, *others])) is None  # values do not differ
    assert lucky(history([0.1, 0.2, 0.3], [1.0, 2.0, 3.0])) is None


def test_rounds_say_that_the_lowest_value_may_be_luck():
    spec = SearchSpec.parse({"space": PLANE, "budget": {"trials": 48}, "seed": 1})
    rng = np.random.default_rng(0)
    units = rng.random((40, 2))
    units[20:30] = units[0]
    values = 1.1 + 0.2 * rng.random(40)
    values[20:30], values[0], values[31] = [0.4, 1.2] * 5, 0.8, 0.39
    said = [one.warnings for one in rounds(spec, History.of(range(40), units, values))]
    assert "trial 31 has the best value" in " ".join(said[-1])
    assert "trial 0 is better" in " ".join(said[-1])
    assert not any("lowest value" in warning for warning in said[1])


def test_repeats_follow_promise():
    rng = np.random.default_rng(0)
    seen = history([0.1, 0.2, 0.3, 0.1, 0.2, 0.3], [1.0, 1.2, 9.0, 1.4, 1.0, 9.4])
    drawn = Counter(by_promise(seen, rng) for _ in range(200))
    assert drawn[2] == 0 and min(drawn[0], drawn[1]) > 40  # two may be the best, the third is not
    failed = history([0.1, 0.2], [np.inf, np.inf])
    assert by_promise(failed, rng) in (0, 1)
    assert by_promise(History.empty(1), rng) is None


def test_points_still_running_are_tried():
    points = np.array([[0.1], [0.2]])
    assert all_tried(points, history([0.1], [1.0], pending=[0.2]))
    assert not all_tried(points, history([0.1, 0.1], [1.0, 1.0]))


def test_a_small_space_is_tried_point_by_point_then_again():
    run = search(TWELVE, 60, noise=0.05, seed=2)
    points = [tuple(one.point.values()) for one in run.proposals]
    assert len(set(points)) == 12
    first = max(map(points.index, points)) + 3  # its result and those of the others are out
    assert all(one.origin == "repeat" and "once more" in one.why for one in run.proposals[first:])
    for one in run.proposals[first:]:
        assert run.proposals[one.parent].point == one.point
    counts = Counter(points)
    best = min(run.proposals, key=lambda one: float(((one.unit - 0.3) ** 2).sum()))
    assert counts[tuple(best.point.values())] >= 60 / 12  # more often than each on average


def test_the_lucky_are_tried_again_where_values_are_noisy():
    noisy = search(PLANE, 48, noise=0.2, seed=1)
    again = [one for one in noisy.proposals if one.origin == "repeat"]
    assert 3 <= len(again) <= 16  # never more than one in three
    for one in again:
        assert noisy.proposals[one.parent].point == one.point
    quiet = search(PLANE, 48, noise=0.0, seed=1)
    assert sum(one.origin == "repeat" for one in quiet.proposals) <= 2


@pytest.mark.parametrize("space", [PLANE, TWELVE])
def test_the_first_version_never_tries_again_on_purpose(space):
    run = search(space, 30, noise=0.2, strategy={"name": "coarse_to_fine", "version": 1})
    assert not any(one.origin == "repeat" for one in run.proposals)


def test_repeats_are_the_same_for_any_number_of_workers():
    def run(workers):
        spec = SearchSpec.parse({"space": TWELVE, "budget": {"trials": 40}, "parallel": 3, "seed": 5})
        return simulate(spec, lambda number, proposal: [float(proposal.unit.sum() + number % 7 / 9)], workers)

    assert [one.unit.tolist() for one in run(1).proposals] == [one.unit.tolist() for one in run(3).proposals]
