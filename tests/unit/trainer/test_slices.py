"""How long a call to the kernels may be, by what the calls before it took."""

import pytest

from caviar.trainer.kernels.structs import EVALUATING, TRAINING
from caviar.trainer.slices import Pace


def test_a_budget_is_the_time_left_by_the_time_of_an_example():
    pace = Pace(1000.0)
    assert pace.budget(0.05, TRAINING) == 1.0  # nothing is known yet
    pace.measured(100.0, 0.01, 0, TRAINING)
    assert pace.budget(0.05, TRAINING) == pytest.approx(0.9 * 500)
    assert pace.budget(50.0, TRAINING) == pytest.approx(8 * 0.9 * 500)  # grows eightfold at most


def test_cheap_evaluation_does_not_prolong_the_training_after_it():
    """Mini-batches of one on a large network: the dev set passes a hundred times faster."""
    pace = Pace(1000.0)
    pace.measured(20.0, 0.04, 0, TRAINING)
    assert pace.budget(0.05, EVALUATING) == pytest.approx(22.5)  # not measured yet: as training
    pace.measured(20.0, 0.0004, 0, EVALUATING)
    assert pace.budget(0.05, TRAINING) == pytest.approx(22.5)
    assert pace.fits(20.0, 0.03, TRAINING) and not pace.fits(20.0, 0.01, TRAINING)


def test_the_seconds_of_an_epoch_are_those_of_the_calls_that_made_it():
    pace = Pace(100.0)
    assert pace.measured(60.0, 0.06, 0, TRAINING) == []
    assert pace.measured(40.0, 0.02, 1, EVALUATING) == pytest.approx([0.08])
    assert pace.measured(250.0, 0.25, 2, TRAINING) == pytest.approx([0.1, 0.1])
