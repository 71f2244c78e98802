"""The value of a trial against an obvious twin, and what `objective` accepts."""

import math

import numpy as np
import pytest

from caviar.search.curves import rung_values
from caviar.search.problem import SearchError
from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec
from caviar.search.stopping import StopPlan, verdict
from caviar.search.values import best_epoch, read_how, value_of, values_along

NAN = math.nan
SPEC = {"space": {"x": {"low": 0, "high": 1}}, "budget": {"trials": 12}, "lag": 1}


def naive(curve: list[float], how: object, direction: str) -> float:
    known = [one for one in curve if math.isfinite(one)]
    if how == "best":
        return (max if direction == "maximize" else min)(known, default=NAN)
    if isinstance(how, int):
        recent = [one for one in curve[-how:] if math.isfinite(one)]
        return sum(reversed(recent)) / len(recent) if recent else NAN
    return curve[-1] if math.isfinite(curve[-1]) else NAN


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("how", ["last", "best", 1, 3, 50])
def test_it_is_what_its_name_says(how: object, direction: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(40):
        curve = rng.normal(size=rng.integers(1, 20))
        curve[rng.random(len(curve)) < 0.2] = rng.choice([NAN, math.inf])
        along = values_along(curve, how, direction)
        expected = [naive(curve[: end + 1].tolist(), how, direction) for end in range(len(curve))]
        # Since Python 3.12 sum() rounds once, at the end.
        assert np.allclose(along, expected, rtol=1e-12, atol=1e-14, equal_nan=True)
        # A longer curve says the same of its beginning, to the last bit.
        half = values_along(curve[: len(curve) // 2], how, direction)
        assert half.tobytes() == along[: len(half)].tobytes()


def test_the_final_result_counts_where_the_curve_says_nothing() -> None:
    assert value_of([0.3, 0.1, 0.2], None, "minimize", 0.25) == 0.25
    assert value_of([0.3, 0.1, 0.2], "last", "minimize", 0.25) == 0.25
    assert value_of([0.3, 0.1, 0.2], "best", "minimize", 0.25) == 0.1
    assert value_of([np.float32(0.1), 0.3], "best", "minimize", 0.3) == 0.1  # not 0.10000000149
    assert value_of([], "best", "minimize", 0.25) == value_of([NAN], 2, "minimize", 0.25) == 0.25
    assert value_of([0.3], "best", "minimize", None) == 0.3


def test_the_first_of_equal_epochs_is_the_best() -> None:
    assert best_epoch([0.3, 0.1, 0.2, 0.1], "minimize") == 2
    assert best_epoch([NAN, 0.1, 0.2, 0.2], "maximize") == 3
    assert best_epoch([NAN], "maximize") == best_epoch([], "minimize") == 0


def test_rules_compare_what_the_objective_says() -> None:
    curve = [0.5, 0.1, 0.4]
    rungs = (1, 2, 3)
    assert rung_values(curve, rungs, "minimize").tolist() == [0.5, 0.1, 0.1]
    assert rung_values(curve, rungs, "minimize", "last").tolist() == curve
    assert rung_values(curve, rungs, "minimize", 2).tolist() == [0.5, 0.3, 0.25]
    plan = StopPlan(((3, 0.2),), why="a bound")
    assert verdict(plan, curve, "minimize") is None
    assert verdict(plan, curve, "minimize", "best") is None
    assert verdict(plan, curve, "minimize", "last") == "at epoch 3 the value was 0.4, the bound 0.2: a bound"
    assert "the mean was 0.25" in str(verdict(plan, curve, "minimize", 2))
    assert verdict(StopPlan(patience=2), [0.5, 0.1, 0.4, 0.2], "minimize", "last")
    assert verdict(StopPlan(patience=2), [0.5, 0.4, 0.4, 0.2], "minimize", "last") is None


def test_a_search_by_its_best_epochs() -> None:
    def train(number: int, proposal: object) -> list[float]:
        return [1.0, 0.1 + 0.01 * number, 0.8]

    def values(objective: dict[str, object]) -> list[float]:
        return simulate(SearchSpec.parse({**SPEC, "objective": objective}), train).values.tolist()

    assert values({}) == values({"value": "last"}) == [0.8] * 12
    assert values({"value": "best"})[:2] == [0.1, 0.11]
    assert values({"value": {"mean_of_last": 2}})[0] == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            "mean",
            "objective.value: 'mean' is not a value of a trial (write last, best, or {mean_of_last: 5})",
        ),
        ({"mean_of_last": 0}, "objective.value.mean_of_last: 0 is not a number of epochs"),
        ({"mean_of_last": True}, "objective.value.mean_of_last: true is not a number of epochs"),
        ({"mean_of": 3}, "objective.value: {'mean_of': 3} is not a value of a trial"),
        (3, "objective.value: 3 is not a value of a trial"),
    ],
)
def test_other_values_are_refused(value: object, said: str) -> None:
    with pytest.raises(SearchError) as error:
        SearchSpec.parse({**SPEC, "objective": {"value": value}})
    assert str(error.value).startswith(said) and len(error.value.problems) == 1


def test_agents_read_what_the_spec_says() -> None:
    for value, how in ((None, None), ("best", "best"), ({"mean_of_last": 4}, 4)):
        spec = SearchSpec.parse({**SPEC, "objective": {"value": value}})
        assert spec.objective.how == read_how(spec.objective.model_dump()["value"]) == how
