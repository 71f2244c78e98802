"""Relations between parameters: what is drawn under them is uniform on what remains, whoever proposes."""

from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import ks_2samp

from caviar.search.history import History
from caviar.search.optuna_study import Trained, read, write
from caviar.search.problem import SearchError
from caviar.search.simulate import simulate
from caviar.search.space import Space
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose
from caviar.search.warm_start import starting_points
from tests.support.naive.relations import rejected

UNIT = {"low": 0, "high": 1}
WIDE = {"scale": "log", "low": 1e-4, "high": 1}
NEAR_ONE = {"scale": "one_minus_log", "low": 0.9, "high": 0.999}
COUNT = {"type": "int", "low": 1, "high": 6}
ABC = {"a": UNIT, "b": UNIT, "c": UNIT}


def total(point):
    return sum(point.values())


CASES = {
    "order": (ABC, ["a < b"], lambda p: p["a"] < p["b"], None),
    "chain": (ABC, ["a <= b <= c"], lambda p: p["a"] <= p["b"] <= p["c"], None),
    "falling": (ABC, ["a > b > c"], lambda p: p["a"] > p["b"] > p["c"], None),
    "ranges": (
        {"a": {"low": 0, "high": 2}, "b": {"low": 1, "high": 3}, "c": {"low": 1, "high": 2.5}},
        ["a < b < c"],
        lambda p: p["a"] < p["b"] < p["c"],
        None,
    ),
    "log": (
        {"a": WIDE, "b": WIDE | {"low": 1e-3}, "c": WIDE},
        ["a < b < c"],
        lambda p: p["a"] < p["b"] < p["c"],
        None,
    ),
    "one_minus_log": (
        {
            "a": {"scale": "one_minus_log", "low": 0.9, "high": 0.999},
            "b": {"scale": "one_minus_log", "low": 0.5, "high": 0.99},
        },
        ["b < a"],
        lambda p: p["b"] < p["a"],
        None,
    ),
    "scales": ({"a": WIDE, "b": UNIT}, ["b < a"], lambda p: p["b"] < p["a"], None),
    "whole": (
        {"a": COUNT, "b": COUNT, "c": COUNT},
        ["a <= b < c"],
        lambda p: p["a"] <= p["b"] < p["c"],
        None,
    ),
    "zeros": (
        {"a": WIDE | {"zero": 0.3}, "b": UNIT | {"zero": 0.2}},
        ["a <= b"],
        lambda p: p["a"] <= p["b"],
        None,
    ),
    "fixed": (ABC | {"c": {"value": 0.7}}, ["a < c", "b < a"], lambda p: p["b"] < p["a"] < 0.7, None),
    "sum": (ABC, [{"sum": {"of": ["a", "b", "c"], "max": 1}}], lambda p: total(p) <= 1, None),
    "sum of wide ones": (
        {"a": WIDE, "b": WIDE, "c": UNIT},
        [{"sum": {"of": ["a", "b", "c"], "max": 0.3}}],
        lambda p: total(p) <= 0.3,
        None,
    ),
    "sum and order": (
        ABC,
        ["a < b", {"sum": {"of": ["a", "b", "c"], "max": 1.2}}],
        lambda p: p["a"] < p["b"] and total(p) <= 1.2,
        None,
    ),
    "simplex": (
        ABC,
        [{"sum": {"of": ["a", "b", "c"], "equals": 1}}],
        lambda p: True,
        lambda p: ("b", 1 - p["a"] - p["c"]),
    ),
    "cut simplex": (
        {"a": {"low": 0.1, "high": 0.6}, "b": {"low": 0.2, "high": 0.7}, "c": UNIT},
        [{"sum": {"of": ["a", "b", "c"], "equals": 1.5}}, "a < b"],
        lambda p: p["a"] < p["b"],
        lambda p: ("a", 1.5 - p["b"] - p["c"]),
    ),
    "whole sum": (
        {"a": COUNT, "b": COUNT, "c": COUNT},
        [{"sum": {"of": ["a", "b", "c"], "equals": 10}}],
        lambda p: True,
        lambda p: ("b", 10 - p["a"] - p["c"]),
    ),
}


def columns(points):
    """Each value, and differences of neighbours, which tell of their joint distribution."""
    rows = np.array([[point[name] for name in sorted(point)] for point in points], dtype=float)
    return np.hstack([rows, np.diff(rows, axis=1), rows[:, :1] * rows[:, -1:]])


@pytest.mark.parametrize("case", CASES)
def test_draws_are_uniform_on_what_remains(case):
    parameters, relations, holds, solve = CASES[case]
    space = Space.model_validate(parameters | {"relations": relations})
    unit = np.random.default_rng(3).random((3000, space.dimensions))
    unit[:, space.region.columns] = space.region.draw(np.random.default_rng(1), len(unit))
    drawn = [space.from_unit(row) for row in unit]
    assert not any(space.check(point) for point in drawn)
    expected = columns(rejected(parameters, holds, 3000, 2, solve))
    for one, other in zip(columns(drawn).T, expected.T, strict=True):
        assert ks_2samp(one.round(9), other.round(9)).pvalue > 1e-3


def test_a_naive_draw_of_another_region_is_told_apart():
    expected = columns(rejected(ABC, lambda p: p["a"] < p["b"] ** 1.2, 3000, 2))
    drawn = columns(rejected(ABC, lambda p: p["a"] < p["b"], 3000, 1))
    assert min(ks_2samp(*pair).pvalue for pair in zip(drawn.T, expected.T, strict=True)) < 1e-3


MIXED = {
    **{"x": UNIT, "y": UNIT, "z": UNIT, "small": WIDE, "large": UNIT, "n": COUNT, "m": COUNT},
    "kind": {"choices": ["p", "q", "r"]},
    "extra": {**UNIT, "when": {"kind": "p"}},
    "relations": ["n < m", "small <= large", {"sum": {"of": ["x", "y", "z"], "equals": 1}}],
}


@pytest.mark.parametrize("strategy", ["random", "sobol", "grid", "coarse_to_fine", "tpe", "cmaes"])
def test_every_strategy_obeys_for_any_number_of_workers(strategy):
    search = {"space": MIXED, "strategy": strategy, "budget": {"trials": 13}, "seed": 4, "lag": 2}
    spec = SearchSpec.parse(search)

    def train(number, proposal):
        return [float(((proposal.unit - 0.3) ** 2).sum())]

    one, two = (simulate(spec, train, workers=workers) for workers in (1, 3))
    assert not any(spec.space.check(proposal.point) for proposal in one.proposals)
    assert [a.point for a in one.proposals] == [a.point for a in two.proposals]
    assert len({spec.space.key(proposal.point) for proposal in one.proposals}) > 11
    assert SearchSpec.parse(spec.submitted()).submitted() == spec.submitted()


def test_a_point_of_the_gaussian_process_is_moved_to_where_it_obeys():
    space = Space.model_validate(MIXED)
    for row in np.random.default_rng(3).random((200, space.dimensions)):
        settled = space.settle(row)
        assert not space.check(space.from_unit(settled))
        assert np.array_equal(space.settle(settled), settled)


def test_what_obeys_stays_where_it_is():
    space = Space.model_validate(ABC | {"relations": ["a < b", {"sum": {"of": ["b", "c"], "max": 1}}]})
    row = space.to_unit({"a": 0.1, "b": 0.4, "c": 0.6})
    assert np.array_equal(space.settle(row), row)
    moved = space.from_unit(space.settle(space.to_unit({"a": 0.5, "b": 0.4, "c": 0.2})))
    assert not space.check(moved)
    assert np.abs(np.array(list(moved.values())) - [0.5, 0.4, 0.2]).max() < 0.2


def test_the_grid_says_how_many_points_it_leaves_out():
    spec = SearchSpec.parse(
        {
            "space": {"a": COUNT, "b": COUNT, "relations": ["a < b"]},
            "strategy": "grid",
            "budget": {"trials": 15},
        }
    )
    found = [propose(spec, number, History.empty(2)) for number in range(15)]
    assert {(one.point["a"], one.point["b"]) for one in found} == {
        (a, b) for a in range(1, 7) for b in range(a + 1, 7)
    }
    assert "21 of 36 points break a relation and are left out" in found[0].why


def test_enqueued_points_and_a_warm_start_obey():
    search = {"space": ABC | {"relations": ["a < b"]}, "budget": {"trials": 5}}
    with pytest.raises(SearchError) as error:
        SearchSpec.parse(search | {"enqueued": [{"a": 0.5, "b": 0.4, "c": 0}]})
    (problem,) = error.value.problems
    assert (problem.field, problem.message) == ("enqueued.0.a", "breaks the relation a < b")
    space = SearchSpec.parse(search).space
    (point,) = starting_points(space, [({"a": 0.9, "b": 0.2, "c": 0.3}, 1.0)])
    assert not space.check(point)
    assert point["c"] == 0.3


@pytest.mark.parametrize(
    ("relation", "field", "words"),
    [
        ("a", "relations.0.order", "does not compare two"),
        ("a < b > c", "relations.0.order", "up and down"),
        ("a < b < a", "relations.0.order", "more than once"),
        ("a < d", "relations.0.order", "no parameter 'd'"),
        ("a < kind", "relations.0.order", "categorical"),
        ("a < sometimes", "relations.0.order", "conditional"),
        ("a < each", "relations.0.order", "list"),
        ({"sum": {"of": ["a", "b"]}}, "relations.0.sum", "neither max nor equals"),
        ({"sum": {"of": ["a", "b"], "max": 1, "equals": 1}}, "relations.0.sum", "both"),
        ({"sum": {"of": ["a", "a"], "max": 1}}, "relations.0.sum.of", "more than once"),
        ({"sum": {"of": ["a", "wide"], "equals": 1}}, "relations.0.sum.of", "log scale"),
        ({"sum": {"of": ["a", "b"], "equals": 2.5}}, "relations.0", "nothing satisfies"),
        ({"sum": {"of": ["a", "b"], "max": -1}}, "relations.0", "nothing satisfies"),
        ({"sum": {"of": ["n", "m"], "equals": 2.5}}, "relations.0", "hardly anything"),
        ("n > ten", "relations.0", "nothing satisfies"),
        ({"product": 3}, "relations.0", "not a relation"),
        (3, "relations.0", "not a relation"),
    ],
)
def test_what_is_refused(relation, field, words):
    space = ABC | {
        "kind": {"choices": [1, 2]},
        "sometimes": {**UNIT, "when": {"kind": 1}},
        "each": {**UNIT, "each": 2},
        "wide": WIDE,
        "n": COUNT,
        "m": COUNT,
        "ten": {"low": 10, "high": 20},
        "relations": [relation],
    }
    with pytest.raises(SearchError) as error:
        SearchSpec.parse({"space": space, "budget": {"trials": 5}})
    (problem,) = error.value.problems
    assert problem.field == f"space.{field}"
    assert words in problem.message
    assert problem.remedy


def test_relations_that_contradict_each_other_are_refused():
    for relations in (["a < b", "b < c", "c < a"], ["a < b", {"sum": {"of": ["b", "c"], "max": 0}}]):
        with pytest.raises(SearchError, match=rf"relations.{len(relations) - 1}"):
            SearchSpec.parse({"space": ABC | {"relations": relations}, "budget": {"trials": 5}})


def test_a_parameter_may_still_be_called_relations():
    spec = SearchSpec.parse({"space": {"relations": UNIT, "a": UNIT}, "budget": {"trials": 5}})
    assert spec.space.names == ("relations", "a")
    assert not spec.space.relations


def test_relations_survive_an_export_to_optuna_and_back(tmp_path):
    space = Space.model_validate(ABC | {"relations": ["a < b", {"sum": {"of": ["a", "c"], "max": 1}}]})
    when = datetime(2026, 1, 1, tzinfo=UTC)
    trial = Trained({"a": 0.1, "b": 0.2, "c": 0.3}, "completed", [0.5], when, when)
    write(tmp_path / "study.db", "related", {"loss": "minimize"}, space, [trial])
    found = read(tmp_path / "study.db")
    assert Space.model_validate(found.space) == space
    assert found.points == [trial.point]
