"""What is wrong with a search is said in its own words: the value, what it is not, what to write instead."""

import pytest

from caviar.search.problem import SearchError
from caviar.search.spec import SearchSpec


def said(**changes):
    with pytest.raises(SearchError) as error:
        SearchSpec.parse({"space": {"x": {"low": 0, "high": 1}}, "budget": {"trials": 3}, **changes})
    return [f"{one.field}: {one.message} ({one.remedy})" for one in error.value.problems]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"space": {"x": 5}},
            "space.x: 5 is not an object (write {low: 0, high: 1}, {choices: [a, b]} or {value: a})",
        ),
        ({"space": []}, "space: [] is not an object (write {learning_rate: {scale: log, "),
        ({"budget": 5}, "budget: 5 is not an object (write {trials: 60})"),
        ({"dataset": "digits"}, "dataset: 'digits' is not an object (write {name: digits})"),
        ({"strategy": 5}, "strategy: 5 is not an object (write tpe, or {name: tpe})"),
        ({"schedule": [5]}, "schedule.0: 5 is not an object (write {epoch: 15, "),
        ({"enqueued": [{}] * 10_001}, "enqueued: has 10001 entries (give at most 10000)"),
        ({"parallel": 0}, "parallel: 0 is below 1 (give at least 1)"),
        ({"parallel": "many"}, "parallel: 'many' is not an integer (give an integer)"),
        (
            {"stopping": {"name": "hyperband", "factor": 99}},
            "stopping.factor: 99 is above 10 (give at most 10)",
        ),
        ({"reproducible": "maybe"}, "reproducible: 'maybe' is neither true nor false (write true or false)"),
        ({"name": ""}, "name: is empty (write a text)"),
        ({"schedule": [{"epoch": 3, "set": {}}]}, "schedule.0.set: has 0 entries (give at least 1)"),
    ],
)
def test_kinds(changes, text):
    assert said(**changes)[0].startswith(text)


@pytest.mark.parametrize(
    ("changes", "field", "meant"),
    [
        ({"datset": {}}, "datset", "dataset"),
        ({"paralel": 2}, "paralel", "parallel"),
        ({"mode": "pandas"}, "mode", "panda"),
        ({"space": {"x": {"low": 0, "hgh": 1}}}, "space.x.hgh", "high"),
        ({"space": {"x": {"choices": [1], "orderd": True}}}, "space.x.orderd", "ordered"),
        ({"space": {"x": {"low": 0, "high": 1, "when": {"y": {"lo": 3}}}}}, "space.x.when.y.lo", "low"),
        ({"space": {"x": {"low": 0, "high": 1, "type": "integer"}}}, "space.x.type", "int"),
        ({"strategy": {"name": "tpe", "strtup": 3}}, "strategy.strtup", "startup"),
        ({"schedule": [{"epok": 3, "set": {"l2": 1}}]}, "schedule.0.epok", "epoch"),
        *(
            ({"space": {"x": {"scale": name, "low": 0.9, "high": 0.99}}}, "space.x.scale", "one_minus_log")
            for name in ("1-beta", "1 - beta", "one_minus", "reverse_log")
        ),
    ],
)
def test_names(changes, field, meant):
    assert any(one.startswith(f"{field}: ") and f"did you mean '{meant}'?" in one for one in said(**changes))


@pytest.mark.parametrize("field", ["low", "high", "step", "zero"])
def test_true_is_no_number(field):
    range_ = {"low": 0, "high": 2, field: True}
    assert said(space={"x": range_}) == [f"space.x.{field}: true is not a number (give a number)"]


def test_true_is_no_count():
    assert said(budget={"trials": True}) == ["budget.trials: true is not a number (give a number)"]
    assert said(parallel=True) == ["parallel: true is not a number (give a number)"]


def test_values_are_written_as_in_yaml():
    (only,) = said(objective={"metric": "dev_error", "direction": None})
    assert only == "objective.direction: null is not known (known: minimize, maximize)"
    choices = {"x": {"choices": [None, True, "a"]}}
    (only,) = said(space=choices, enqueued=[{"x": False}])
    assert only == "enqueued.0.x: false is outside the space (give one of null, true, 'a')"
    (only,) = said(name=[None])
    assert only == "name: [null] is not a text (write a text)"
    deep = []
    for _ in range(900):
        deep = [deep]
    (only,) = said(name=deep)
    assert only.startswith("name: [[[[")


def test_a_step_that_is_enough_is_written_out():
    (only,) = said(space={"x": {"low": 0, "high": 1e12, "step": 1}})
    assert only.endswith("1 is too small beside 1e+12 (give a step of 20 or more, or a narrower range)")


def test_what_json_cannot_hold_comes_as_null():
    (only,) = said(space={"x": {"low": None, "high": 1}})
    assert only == "space.x.low: null (empty, or not finite) is not a number (give a finite number)"


def test_nothing_of_pydantic_shows():
    for changes in (
        {"space": {"x": {"low": 0, "high": 1, "when": {"y": {"lo": 3}}}}},
        {"objective": 3},
        {"seed": 1.5},
    ):
        for one in said(**changes):
            assert "input" not in one and "instance" not in one and "list[any]" not in one
