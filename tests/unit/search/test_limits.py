"""Limits of `subject_to`: what they say of a result, and what strategies learn from broken ones."""

import math

import numpy as np
import pytest

from caviar.search.problem import SearchError
from caviar.search.simulate import Simulated, simulate
from caviar.search.spec import SearchSpec

SPEC = {
    "space": {"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}, "z": {"low": 0, "high": 1}},
    "budget": {"trials": 60},
    "lag": 1,
}


def spec(**fields: object) -> SearchSpec:
    return SearchSpec.parse({**SPEC, **fields})


def test_what_a_result_breaks() -> None:
    limited = spec(subject_to={"predict_ms": {"max": 2}, "gap": {"max": 0.03}, "dev_f1": {"min": 0.5}})
    fine = {"predict_ms": 2.0, "dev_error": 0.1, "train_error": 0.07, "dev_f1": 0.5}
    assert limited.broken(fine) is None
    assert all(slack <= 1e-9 for slack in limited.slacks(fine))
    broken = {"predict_ms": 3.14, "dev_error": 0.1, "train_error": 0.01, "dev_f1": None}
    assert (
        limited.broken(broken) == "predict_ms 3.14 is above 2; gap 0.09 is above 0.03; dev_f1 is not finite"
    )
    assert np.allclose(limited.slacks(broken), [1.14, 0.06, math.inf])
    assert limited.named_metrics() == ["dev_error", "predict_ms", "train_error", "dev_f1"]


def test_the_gap_of_what_is_maximized_grows_with_overfitting_too() -> None:
    objective = {"metric": "dev_f1", "direction": "maximize"}
    limited = spec(objective=objective, subject_to={"gap": {"max": 0.1}})
    assert limited.broken({"dev_f1": 0.7, "train_f1": 0.9}) == "gap 0.2 is above 0.1"
    assert limited.broken({"dev_f1": 0.9, "train_f1": 0.7}) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"predict_ms": {}}, "subject_to.predict_ms: sets no bound (write {max: 2} or {min: 0.5})"),
        ({"a": {"min": 2, "max": 1}}, "subject_to.a: min 2 is above max 1: no trial keeps both (swap them)"),
        ({"a": {"maximum": 2}}, "subject_to.a.maximum: 'maximum' is not known"),
        ({"a": {"max": "two"}}, "subject_to.a.max: 'two' is not a number"),
        ({"a": 2}, "subject_to.a: 2 is not an object (write {max: 2})"),
    ],
)
def test_what_is_no_limit_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(SearchError) as error:
        spec(subject_to=given)
    assert str(error.value).startswith(said)


def test_a_gap_needs_an_objective_of_the_dev_set() -> None:
    with pytest.raises(SearchError, match=r"subject_to\.gap: cannot be computed for 'train_error'"):
        spec(objective={"metric": "train_error"}, subject_to={"gap": {"max": 1}})


def lured(strategy: str, seed: int, trials: int = 60, **fields: object) -> Simulated:
    """Half of the space breaks the limit, and the best values lie in it."""

    def train(number: int, proposal: object) -> list[float]:
        return [float(((proposal.unit - 0.9) ** 2).sum())]  # type: ignore[attr-defined]

    def measure(number: int, proposal: object) -> dict[str, float]:
        return {"parameters": float(proposal.unit[0])}  # type: ignore[attr-defined]

    limits = {"parameters": {"max": 0.5}}
    found = spec(strategy=strategy, seed=seed, budget={"trials": trials}, subject_to=limits, **fields)
    return simulate(found, train, measure=measure)


def broken(found: Simulated) -> np.ndarray:
    return np.array([proposal.unit[0] > 0.5 for proposal in found.proposals])


def test_coarse_to_fine_keeps_to_where_the_limits_hold() -> None:
    found = [lured("coarse_to_fine", seed, 36) for seed in range(3)]
    assert np.mean([broken(one)[20:].mean() for one in found]) <= 0.2
    assert np.median([one.values[~broken(one)].min() for one in found]) < 0.2  # 0.16 is the best there is


@pytest.mark.parametrize("strategy", ["tpe", "cmaes"])
def test_other_samplers_learn_too(strategy: str) -> None:
    learnt, ignored = (
        np.mean([broken(lured(strategy, seed, 40, failures=how))[20:].mean() for seed in range(2)])
        for how in ("learn", "ignore")
    )
    assert learnt < 0.4 < ignored


@pytest.mark.torch
def test_the_gaussian_process_of_optuna_heeds_limits() -> None:
    learnt, ignored = (
        [one.point for one in lured("gp", 1, 12, failures=how).proposals] for how in ("learn", "ignore")
    )
    assert learnt[:10] == ignored[:10] and learnt[10:] != ignored[10:]


def test_what_keeps_every_limit_is_as_without_any() -> None:
    def train(number: int, proposal: object) -> list[float]:
        return [float(((proposal.unit - 0.9) ** 2).sum())]  # type: ignore[attr-defined]

    for strategy in ("coarse_to_fine", "cmaes", "random"):
        plain, limited = (
            simulate(spec(strategy=strategy, budget={"trials": 30}, subject_to=limits), train)
            for limits in ({}, {"dev_error": {"max": 1e9}})
        )
        assert [one.point for one in plain.proposals] == [one.point for one in limited.proposals]


def test_trials_are_the_same_for_any_number_of_workers() -> None:
    def train(number: int, proposal: object) -> list[float]:
        return [float(((proposal.unit - 0.9) ** 2).sum())]  # type: ignore[attr-defined]

    def measure(number: int, proposal: object) -> dict[str, float]:
        return {"parameters": float(proposal.unit[0])}  # type: ignore[attr-defined]

    limited = spec(subject_to={"parameters": {"max": 0.5}}, budget={"trials": 30})
    one, eight = (simulate(limited, train, workers, lambda n, _: 1 + n % 3, measure) for workers in (1, 8))
    assert [each.point for each in one.proposals] == [each.point for each in eight.proposals]
