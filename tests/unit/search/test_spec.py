"""Searches as submitted: what is accepted, and how what is not is answered."""

import json

import pytest
import yaml

from caviar.search.problem import SearchError
from caviar.search.spec import SearchSpec

DIGITS = """
name: digits
dataset: {name: digits, split: {train: 0.7, dev: 0.15, test: 0.15}}
trainer: mlp
settings: {epochs: 30, batch_size: 64, hidden_layers: 2, l1: 1e-4}
space:
  learning_rate: {scale: log, low: 1e-4, high: 1.0}
  beta1:         {scale: one_minus_log, low: 0.9, high: 0.999}
  hidden_units:  {scale: linear, type: int, low: 50, high: 100}
  l2:            {scale: log, low: 1.0e-6, high: 10, zero: 0.2}
  optimizer:     {choices: [momentum, adam]}
  beta2:         {scale: one_minus_log, low: 0.9, high: 0.9999, when: {optimizer: adam}}
strategy: {name: coarse_to_fine, rounds: 4}
stopping: {name: successive_halving}
objective: {metric: dev_error, direction: minimize}
mode: caviar
parallel: 2
budget: {trials: 60}
seed: 7
"""


def data(**changes):
    return {**yaml.safe_load(DIGITS), **changes}


def problems(**changes):
    with pytest.raises(SearchError) as error:
        SearchSpec.parse(data(**changes))
    return {problem.field: problem for problem in error.value.problems}


def space(**parameters):
    return {"x": {"low": 0, "high": 1}, **parameters}


def test_the_search_of_the_readme_is_accepted():
    spec = SearchSpec.parse(data())
    assert spec.space.names[-1] == "beta2"
    assert spec.space.root["learning_rate"].low == 1e-4  # which YAML 1.1 reads as text
    assert spec.settings["l1"] == 1e-4


def test_json_round_trip_is_the_identity():
    spec = SearchSpec.parse(data(stopping="median", reevaluate={"leaders": 3}, warm_start={"search": 2}))
    assert SearchSpec.parse(json.loads(spec.model_dump_json())) == spec
    assert SearchSpec.parse(spec.submitted()) == spec


def test_what_is_given_back_is_what_was_submitted():
    small = {"space": {"x": {"low": 0.0, "high": 1.0}}, "budget": {"trials": 3}}
    assert SearchSpec.parse(small).submitted() == small


def test_a_setting_both_fixed_and_searched_is_refused():
    found = problems(settings={"epochs": 30, "optimizer": "adam"})
    assert found["settings.optimizer"].remedy == "remove it from one of the two"


def test_all_problems_are_told_at_once():
    found = problems(
        space=space(
            a={"low": 2, "high": 1},
            b={"scale": "log", "low": 0, "high": 1},
            c={"choices": ["u", "u"]},
            d={"low": 0, "high": 1, "when": {"nowhere": 1}},
        ),
        strategy="coarse_to_fin",
        budget={"trials": 0},
        colour="red",
    )
    fields = {
        "space.a.low",
        "space.b.low",
        "space.c.choices",
        "space.d.when.nowhere",
        "strategy.name",
        "budget.trials",
        "colour",
    }
    assert set(found) == fields
    assert all(problem.message and problem.remedy for problem in found.values())


@pytest.mark.parametrize(
    ("parameter", "field"),
    [
        ({"low": 1, "high": 1}, "low"),
        ({"low": 0, "high": float("inf")}, "high"),
        ({"low": float("nan"), "high": 1}, "low"),
        ({"low": -1.7e308, "high": 1}, "low"),
        ({"low": 0, "high": 1.7e308, "step": 1.7e308}, "high"),
        ({"scale": "log", "low": 0.1, "high": 0.10000000000000003}, "high"),
        ({"scale": "log", "low": 5e-324, "high": 1, "step": 0.5}, "low"),
        ({"scale": "log", "low": -1, "high": 1}, "low"),
        ({"scale": "one_minus_log", "low": 0.5, "high": 1}, "high"),
        ({"scale": "one_minus_log", "low": -0.1, "high": 0.5}, "low"),
        ({"scale": "one_minus_log", "low": 0.1, "high": 0.5, "type": "int"}, "type"),
        ({"scale": "sqrt", "low": 1, "high": 2}, "scale"),
        ({"type": "int", "low": 0.5, "high": 3}, "low"),
        ({"type": "int", "low": 0, "high": 1e300}, "high"),
        ({"low": 0, "high": 1, "step": 0}, "step"),
        ({"low": 0, "high": 1, "step": 2}, "step"),
        ({"low": 0, "high": 1e290, "step": 1e-10}, "step"),
        ({"low": 1234567890123, "high": 1234567890223, "step": 1}, "step"),
        ({"type": "int", "low": -(2**53), "high": 2**53}, "step"),
        ({"type": "int", "scale": "log", "low": 1, "high": 2**53}, "step"),
        ({"low": 0, "high": 1, "zero": 1}, "zero"),
        ({"low": 0, "high": 1, "zero": 1 - 2**-53}, "zero"),
        ({"low": 0, "high": 1, "each": 0}, "each"),
        ({"low": 0, "high": 1, "each": "y"}, "each"),
        ({"low": 0, "high": 1, "value": 3}, "high"),
        ({"low": 0, "high": 1, "hihg": 3}, "hihg"),
        ({"low": 0}, "high"),
        ({"choices": []}, "choices"),
        ({"choices": [1, 1.0]}, "choices"),
        ({"choices": [0.1, float("inf")]}, "choices"),
        ({"choices": [1, 10**400]}, "choices"),
        ({"value": float("nan")}, "value"),
        ({"value": 10**400}, "value"),
        ("wide", ""),
    ],
)
def test_an_unsound_parameter_is_named(parameter, field):
    found = problems(space=space(y=parameter))
    assert f"space.y.{field}".rstrip(".") in found


def test_scale_and_zero_hints_are_useful():
    assert "zero: 0.1" in problems(space=space(y={"scale": "log", "low": 0, "high": 1}))["space.y.low"].remedy


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"a": {"low": 0, "high": 1, "when": {"x": {"low": 2}}}}, "space.a.when.x"),
        ({"o": {"choices": ["p", "q"]}, "a": {"low": 0, "high": 1, "when": {"o": "r"}}}, "space.a.when.o"),
        (
            {
                "o": {"choices": ["p", "q"]},
                "a": {"low": 0, "high": 1, "when": {"o": "p"}},
                "b": {"low": 0, "high": 1, "when": {"a": {"low": 0.5}, "o": "q"}},
            },
            "space.b.when",
        ),
        (
            {
                "a": {"low": 0, "high": 1, "when": {"b": {"low": 0}}},
                "b": {"low": 0, "high": 1, "when": {"a": {"low": 0}}},
            },
            "space.a.when",
        ),
        ({"a": {"low": 0, "high": 1, "when": {"a": {"low": 0.5}}}}, "space.a.when"),
        ({"n": {"low": 0.5, "high": 3}, "a": {"low": 0, "high": 1, "each": "n"}}, "space.a.each"),
        (
            {"a": {"low": 0, "high": 1, "each": 2}, "b": {"low": 0, "high": 1, "when": {"a": 1}}},
            "space.b.when.a",
        ),
        ({"a": {"low": 0, "high": 1, "each": 999}, "b": {"low": 0, "high": 1, "each": 2}}, "space.a.each"),
        ({f"p{k}": {"low": 0, "high": 1} for k in range(1000)}, "space"),
    ],
)
def test_contradictory_conditions_are_named(parameters, field):
    assert field in problems(space=space(**parameters))


@pytest.mark.parametrize(
    ("change", "field", "remedy"),
    [
        ({"strategy": {"name": "tpee"}}, "strategy.name", "did you mean 'tpe'"),
        ({"strategy": {}}, "strategy.name", "known"),
        (
            {"strategy": {"name": "coarse_to_fine", "epochs_per_round": [9, 3]}},
            "strategy.epochs_per_round",
            "ascending",
        ),
        ({"stopping": "medan"}, "stopping.name", "did you mean 'median'"),
        ({"stopping": {"name": "threshold"}}, "stopping.bound", "add it"),
        ({"objective": {"direction": "minimise"}}, "objective.direction", "did you mean 'minimize'"),
        ({"budget": {}}, "budget.trials", "add it"),
        ({"parallel": 0}, "parallel", ""),
        ({"seed": -1}, "seed", ""),
        ({"mode": "tuna"}, "mode", ""),
        ({"enqueued": [{"learning_rate": 7}]}, "enqueued.0.learning_rate", "from 0.0001 to 1"),
        ({"space": None}, "space", ""),
    ],
)
def test_other_mistakes_are_named(change, field, remedy):
    assert remedy in problems(**change)[field].remedy


@pytest.mark.parametrize("rubbish", [None, [], "search", 3, {"space": [1]}])
def test_rubbish_is_answered_with_problems(rubbish):
    with pytest.raises(SearchError):
        SearchSpec.parse(rubbish)


def test_nesting_without_end_is_refused():
    deep: list = []
    for _ in range(900):
        deep = [deep]
    assert "nested" in problems(settings={"x": deep})["settings"].message


def test_gp_without_pytorch_is_refused_at_submission(monkeypatch):
    monkeypatch.setattr("caviar.search.strategy_settings.find_spec", lambda name: None)
    assert "tpe" in problems(strategy="gp")["strategy.name"].remedy


def test_cmaes_is_refused_where_a_proposal_would_take_minutes():
    space = {f"x{place}": {"low": 0, "high": 1} for place in range(201)}
    assert "201" in problems(space=space, strategy="cmaes")["strategy.name"].message
    del space["x0"]
    assert SearchSpec.parse(data(space=space, strategy="cmaes", settings={})).space.dimensions == 200


def test_lag_and_horizon():
    plain = SearchSpec.parse(data(stopping="none", parallel=4, budget={"trials": 100}))
    assert plain.resolved_lag() == 16
    assert [plain.horizon(number) for number in (0, 16, 17, 50)] == [0, 0, 1, 34]
    assert SearchSpec.parse(data(strategy="random", stopping="none")).horizon(50) == 0
    assert SearchSpec.parse(data(lag=0)).horizon(50) == 50
    again = SearchSpec.parse(data(reevaluate={"leaders": 2, "seeds": 3}))
    assert again.total == 66 and again.horizon(63) == 60


def test_horizons_never_go_back():
    for parallel in (1, 2, 8, 32):
        spec = SearchSpec.parse(data(parallel=parallel, budget={"trials": 300}))
        horizons = [spec.horizon(number) for number in range(301)]
        assert horizons == sorted(horizons)
        assert all(horizon <= number for number, horizon in enumerate(horizons))
