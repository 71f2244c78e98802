"""The race over folds: its bounds, and how often in simulated searches it ends the true winner."""

import numpy as np
import pytest

from caviar.search.problem import SearchError
from caviar.search.race import bounds
from caviar.search.spec import SearchSpec
from tests.support.folds import raced

FOLDED = {
    "space": {"x": {"low": 0, "high": 1}},
    "dataset": {"name": "digits", "folds": 5, "repeats": 2},
    "budget": {"trials": 20},
}


def running_means(values):
    return np.cumsum(values, axis=1) / np.arange(1, values.shape[1] + 1)


def test_bounds_lie_above_the_leader_and_close_in_on_it():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(9, 1)) + 3 * rng.normal(size=6) + 0.1 * rng.normal(size=(9, 6))
    means = running_means(values)
    found = np.array(bounds(means, 0.01, 4))
    leader = means[np.argmin(means[:, -1])]
    margins = found - leader[:-1]
    assert (margins > 0).all()
    assert (np.diff(margins) < 0).all()
    # 2.4 deviations of a difference of two means, by a noise of a tenth, whatever the folds are like.
    assert margins[0] == pytest.approx(2.4 * 0.1 * np.sqrt(2 * (1 - 1 / 6)), rel=0.4)
    shifted = running_means(values + rng.normal(size=6))
    np.testing.assert_allclose(bounds(shifted, 0.01, 4) - shifted[np.argmin(shifted[:, -1])][:-1], margins)


def test_nothing_is_bounded_before_enough_trials_went_through_all_folds():
    means = running_means(np.random.default_rng(2).normal(size=(9, 4)))
    means[3:, 2:] = np.nan
    assert bounds(means, 0.01, 4) == [None, None, None]
    assert None not in bounds(means, 0.01, 3)


def test_a_search_with_folds_says_what_goes_without_saying():
    spec = SearchSpec.parse(FOLDED)
    assert (spec.trainings, spec.stopping.name, spec.objective.value) == (10, "race", "last")
    assert spec.rungs(300) == tuple(range(30, 301, 30))
    assert SearchSpec.parse(spec.submitted()).submitted() == spec.submitted()
    never = SearchSpec.parse(FOLDED | {"stopping": "none"})
    assert never.stopping.name == "none"
    several = SearchSpec.parse(FOLDED | {"objective": [{"metric": "dev_error"}, {"metric": "parameters"}]})
    assert (several.stopping.name, several.objective.value) == ("none", "last")
    other = SearchSpec.parse(FOLDED | {"trainer": "external"})
    assert (other.trainings, other.stopping.name) == (1, "none")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"objective": {"value": "best"}}, "objective.value"),
        ({"objective": {"value": {"mean_of_last": 3}}}, "objective.value"),
        ({"strategy": {"name": "coarse_to_fine", "epochs_per_round": [1, 2]}}, "strategy.epochs_per_round"),
        ({"space": {"epochs": {"type": "int", "low": 1, "high": 9}}}, "space.epochs"),
        ({"stopping": "patience"}, "stopping.name"),
        ({"schedule": [{"epoch": 1, "set": {"learning_rate": 0.1}}]}, "schedule"),
        ({"mode": "panda"}, "mode"),
        ({"dataset": {"name": "digits"}, "stopping": "race"}, "stopping.name"),
    ],
)
def test_what_does_not_go_with_folds_is_refused(change, field):
    with pytest.raises(SearchError) as error:
        SearchSpec.parse(FOLDED | change)
    (problem,) = error.value.problems
    assert problem.field == field
    assert problem.remedy


@pytest.mark.parametrize(("folds", "repeats"), [(5, 1), (5, 2)])
def test_the_race_saves_trainings_and_keeps_the_winner(folds, repeats):
    found = [raced(folds, repeats, noise, seed) for noise in (0.01, 0.03) for seed in range(60)]
    lost, saved = np.mean(found, axis=0)
    assert lost <= 0.02
    assert saved >= 0.4
