"""What stands around a search: leaders, warm start, what further trials may bring, simulated time."""

import math

import numpy as np
import pytest

from caviar.search.history import History, finite_values
from caviar.search.leaders import standings
from caviar.search.remaining import remaining, top_share
from caviar.search.simulate import simulate
from caviar.search.space import Space
from caviar.search.spec import SearchSpec
from caviar.search.warm_start import starting_points, transfer

INF, NAN = float("inf"), float("nan")


def history(values, places=None, states=None):
    units = np.array(places if places is not None else range(len(values)), dtype=float)[:, None] / 100
    return History.of(range(len(values)), units, values, states)


def test_a_lucky_trial_does_not_win_by_itself():
    seen = history([0.10, 0.12, 0.30, 0.20, 0.11, 0.13], places=[1, 2, 3, 1, 2, 2])
    first, second, third = standings(seen)
    assert first.numbers == (1, 4, 5) and first.mean == pytest.approx(0.12)
    assert first.spread == pytest.approx(0.01)
    assert second.numbers == (0, 3) and third.numbers == (2,)
    assert math.isnan(third.spread)


def test_standings_pass_over_what_has_no_value_and_put_stopped_trials_last():
    seen = history([NAN, INF, 0.1, 0.5], states=["failed", "diverged", "stopped", "completed"])
    assert [standing.numbers for standing in standings(seen)] == [(3,), (2,)]
    assert standings(history([NAN, INF])) == []


def test_infinities_become_a_little_worse_than_the_worst():
    assert finite_values(np.array([0.1, 0.3, INF])) == pytest.approx([0.1, 0.3, 0.5])
    assert finite_values(np.array([INF, INF])).tolist() == [0, 0]
    assert finite_values(np.array([-INF, 2.0])).tolist() == [2.0, 2.0]


OLD = {
    "x": {"scale": "log", "low": 1e-5, "high": 10},
    "kind": {"choices": ["a", "b"]},
    "gone": {"low": 0, "high": 1},
}
NEW = {
    "x": {"scale": "log", "low": 1e-3, "high": 1},
    "kind": {"choices": ["b", "c"]},
    "fresh": {"scale": "log", "low": 0.01, "high": 1},
    "sub": {"low": 0, "high": 1, "when": {"kind": "c"}},
}


def test_points_of_another_space_are_brought_into_this_one():
    space = Space.model_validate(NEW)
    brought = transfer(space, {"x": 1e-5, "kind": "b", "gone": 0.5})
    assert brought == {"x": 1e-3, "kind": "b", "fresh": pytest.approx(0.1)}
    assert space.check(brought) == []
    assert space.check(transfer(space, {"x": [3], "kind": {}})) == []


@pytest.mark.parametrize(
    ("definition", "value", "brought"),
    [
        ({"type": "int", "low": 3, "high": 10}, None, 7),  # from {choices: [null, 5]}
        ({"type": "int", "low": 3, "high": 10}, True, 7),
        ({"type": "int", "low": 3, "high": 10}, "many", 7),
        ({"low": 0, "high": 1, "step": 1e-5}, 1.7e308, 1.0),
        ({"low": 0, "high": 1}, 10**400, 0.5),
        ({"choices": [[64], [64, 32], [128]]}, [128], [128]),
        ({"choices": [[64], [64, 32], [128]]}, [7], [64, 32]),
        ({"choices": [1, None, 2], "when": {"on": True}}, None, None),
        ({"low": 0, "high": 1, "each": 2}, [0.2, 0.3], [0.2, 0.3]),
        ({"low": 0, "high": 1, "each": 2}, [0.2, None], [0.5, 0.5]),
        ({"low": 0, "high": 1, "each": 2}, 0.2, [0.5, 0.5]),
        ({"low": 0, "high": 1}, [0.2], 0.5),
    ],
)
def test_a_value_that_a_space_cannot_read_is_left_out(definition, value, brought):
    space = Space.model_validate({"x": definition, "on": {"choices": [True]}})
    found = transfer(space, {"x": value})
    assert found["x"] == brought and space.check(found) == []


def test_what_a_point_does_not_have_is_no_choice_of_it():
    space = Space.model_validate({"x": {"choices": [None, 1, 2]}})
    assert transfer(space, {}) == {"x": 1}


def test_a_warm_start_begins_with_the_best_points_once_each():
    space = Space.model_validate(NEW)
    earlier = [({"x": 0.5, "kind": "b"}, 0.3), ({"x": 0.1, "kind": "b"}, 0.1), ({"x": 0.1, "kind": "b"}, 0.2)]
    earlier += [({"x": 0.7, "kind": "b"}, NAN)]
    found = starting_points(space, earlier, most=5)
    assert [point["x"] for point in found] == pytest.approx([0.1, 0.5])
    SearchSpec.parse({"space": NEW, "budget": {"trials": 5}, "enqueued": found})


def test_sixty_random_trials_are_in_the_top_five_percent():
    assert top_share(59) == pytest.approx(0.05, abs=0.0005)
    found = remaining(History.of(range(60), np.zeros((60, 1)), np.random.default_rng(0).random(60)), left=60)
    assert "60 random trials are in the top 4.9 % with 95 %" in found.text
    assert found.probability == 0.5


def test_expected_improvement_is_that_of_further_uniform_draws():
    """The best of n uniform draws is 1/(n+1) on average, so 40 more after 40 bring 1/41 - 1/81."""
    random = np.random.default_rng(1)
    estimates = [
        remaining(History.of(range(40), np.zeros((40, 1)), random.random(40)), left=40).improvement
        for _ in range(400)
    ]
    assert np.mean(estimates) == pytest.approx(1 / 41 - 1 / 81, rel=0.5)


def test_nothing_known_nothing_promised():
    found = remaining(history([NAN, INF]), left=0)
    assert (found.share, found.probability, found.improvement) == (1.0, 0.0, 0.0)


def test_simulated_time_is_that_of_a_list_schedule():
    search = SearchSpec.parse(
        {"space": {"x": {"low": 0, "high": 1}}, "strategy": "cmaes", "lag": 1, "budget": {"trials": 4}}
    )
    run = simulate(
        search, lambda number, proposal: [0.5], 2, lambda number, epochs: [4.0, 1.0, 1.0, 1.0][number]
    )
    # Trial 2 waits for trial 0 on the second worker: from second 1 to 4, then 3 follows at once.
    assert run.seconds == 5.0
    assert run.idle == pytest.approx(3 / 10)
