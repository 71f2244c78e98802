"""A search of a million trials and more is told what it takes; others are not."""

import pytest

from caviar.service.api.sizes import LARGE, of_its_size

TEN_MILLION = {"budget": {"trials": 10_000_000}, "settings": {"epochs": 30}}


def test_ten_million_trials_are_told_rows_disk_and_time() -> None:
    (told,) = of_its_size(10_000_000, TEN_MILLION)
    assert told["field"] == "budget.trials"
    assert "10,000,000 trials take as many rows, about 33 GB" in told["message"]
    assert "at least 3.3 hours of bookkeeping" in told["message"]


def test_a_million_re_evaluations_are_named_as_what_they_are() -> None:
    spec = {"budget": {"trials": 60}, "reevaluate": {"leaders": 50, "seeds": 20_000}}
    (told,) = of_its_size(1_000_060, spec)
    assert told["field"] == "reevaluate"


@pytest.mark.parametrize("total", [0, 60, LARGE - 1])
def test_fewer_trials_need_no_word(total: int) -> None:
    assert of_its_size(total, TEN_MILLION) == []


SMALL = {"a": {"choices": [1, 2, 3]}, "b": {"type": "int", "low": 1, "high": 4}}


def test_a_space_with_fewer_points_than_trials_is_said() -> None:
    (told,) = of_its_size(20, {"budget": {"trials": 20}, "space": SMALL})
    assert told["field"] == "budget.trials"
    assert "12 points for 20 trials" in told["message"] and "most often" in told["message"]
    (told,) = of_its_size(20, {"budget": {"trials": 20}, "space": SMALL, "strategy": {"name": "random"}})
    assert "most often" not in told["message"]


def test_points_under_a_condition_count_once() -> None:
    hanging = SMALL | {"c": {"choices": ["x", "y"], "when": {"a": 3}}}
    (told,) = of_its_size(20, {"budget": {"trials": 20}, "space": hanging})
    assert "16 points" in told["message"]


@pytest.mark.parametrize(
    "spec",
    [
        {"space": SMALL, "budget": {"trials": 12}},
        {"space": SMALL | {"x": {"low": 0, "high": 1}}, "budget": {"trials": 500}},
        {"space": {}, "budget": {"trials": 5}},
        {"space": SMALL, "budget": {"trials": 80}, "strategy": {"name": "population"}},
    ],
)
def test_enough_points_need_no_word(spec: dict[str, object]) -> None:
    assert of_its_size(5, spec) == []
