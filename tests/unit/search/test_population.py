"""Who copies whom in a population, and how the settings of a copy vary."""

import math
from typing import Any

import numpy as np
import pytest

from caviar.search.history import BY_HAND, NOBODY, History
from caviar.search.perturbation import perturbed
from caviar.search.population import propose
from caviar.search.problem import SearchError
from caviar.search.simulate import simulate
from caviar.search.space import Space
from caviar.search.spec import SearchSpec
from tests.support.turns import course

SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
    "beta1": {"scale": "one_minus_log", "low": 0.5, "high": 0.999},
    "hidden_units": {"low": 4, "high": 64, "type": "int", "scale": "log"},
}
SEARCH: dict[str, Any] = {
    "space": SPACE,
    "strategy": {
        "name": "population",
        "members": 8,
        "epochs_per_turn": 3,
        "vary": ["learning_rate", "beta1"],
    },
    "budget": {"trials": 80},
    "lag": 0,
}


def spec(**changes: Any) -> SearchSpec:
    return SearchSpec.parse({**SEARCH, **changes})


def after(
    values: list[float], states: dict[int, str] | None = None, search: SearchSpec | None = None
) -> History:
    """Return a history of first turns."""
    search = search or spec()
    first = [propose(search, number, History.empty(3)) for number in range(len(values))]
    named = [(states or {}).get(number, "completed") for number in range(len(values))]
    units = np.array([one.unit for one in first])
    continues = [NOBODY] * len(values)
    return History.of(range(len(values)), units, values, named, [3] * len(values), continues=continues)


def test_the_weakest_quarter_copies_the_strongest_and_the_others_go_on() -> None:
    values = [0.5, 0.1, 0.9, 0.4, 0.2, 0.8, 0.3, 0.6]
    history = after(values)
    made = [propose(spec(), 8 + member, history) for member in range(8)]
    for member, one in enumerate(made):
        weak = member in (2, 5)
        assert (one.continue_from in (1, 4)) if weak else one.continue_from == member
        assert one.epochs == 6 and one.round == 1
        unit = history.units[one.continue_from]
        assert (one.unit[:2] != unit[:2]).any() == weak
        assert one.unit[2] == unit[2], "what cannot change while it trains"


def test_copies_are_of_any_of_the_strong() -> None:
    values = [float(member) for member in range(8)]
    found = {propose(spec(seed=seed), 15, after(values)).continue_from for seed in range(30)}
    assert found == {0, 1}


def test_a_larger_value_is_better_where_it_is_maximized() -> None:
    # A history has lower for better, whatever the direction is; so the strategy never asks for it.
    one = propose(spec(objective={"metric": "f1", "direction": "maximize"}), 8, after([-0.9] + [-0.1] * 7))
    assert one.continue_from == 0


@pytest.mark.parametrize("state", ["failed", "diverged", "cancelled", "stopped"])
def test_a_member_that_did_not_end_well_copies_and_is_never_copied(state: str) -> None:
    values = [math.inf if state in ("failed", "diverged") else 0.0, *[0.5 + 0.01 * n for n in range(7)]]
    history = after(values, {0: state})
    assert propose(spec(), 8, history).continue_from in (1, 2)
    assert all(propose(spec(), 8 + member, history).continue_from != 0 for member in range(8))


def test_a_result_that_a_person_took_out_is_not_copied() -> None:
    history = after([math.nan, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    assert 0 not in [propose(spec(), 8 + member, history).continue_from for member in range(8)]


def test_two_that_are_left_have_one_strong_and_one_weak() -> None:
    search = spec(strategy={**SEARCH["strategy"], "members": 2}, budget={"trials": 20})
    history = after([0.3, 0.2], search=search)
    assert [propose(search, 2 + member, history).continue_from for member in range(2)] == [1, 1]
    history = after([0.3, math.inf], {1: "failed"}, search)
    assert [propose(search, 2 + member, history).continue_from for member in range(2)] == [0, 0]


def test_forks_among_the_trials_change_nothing() -> None:
    history = after([0.5, 0.1, 0.9, 0.4, 0.2, 0.8, 0.3, 0.6])
    place = 4
    mixed = History.of(
        range(9),
        np.insert(history.units, place, 0.5, axis=0),
        np.insert(history.values, place, 0.0),
        epochs=[3] * 9,
        continues=np.insert(history.continues, place, BY_HAND),
    )
    for member in range(8):
        one, other = propose(spec(), 8 + member, history), propose(spec(), 8 + member, mixed)
        assert one.point == other.point
        parent = one.continue_from
        assert other.continue_from == parent + (parent >= place)


def test_a_turn_that_does_not_wait_for_all_is_compared_with_those_it_waits_for() -> None:
    search = spec(lag=3)
    assert [search.horizon(number) for number in (0, 7, 8, 10, 11, 15, 16)] == [0, 0, 5, 7, 8, 8, 13]
    history = after([0.5, 0.1, 0.9, 0.4, 0.2])  # of eight
    made = propose(search, 8, history)
    assert made.continue_from == 0 and "of 5" in made.why


@pytest.mark.parametrize(
    ("definition", "value", "expected"),
    [
        ({"scale": "log", "low": 1e-4, "high": 1.0}, 0.01, (0.012, 0.008)),
        ({"scale": "log", "low": 1e-4, "high": 1.0}, 1.0, (1.0, 0.8)),
        ({"scale": "one_minus_log", "low": 0.5, "high": 0.999}, 0.9, (0.88, 0.92)),
        ({"low": 0.0, "high": 1.0}, 0.5, (0.6, 0.4)),
        ({"low": 0.0, "high": 1.0}, 0.0, (0.05, 0.0)),
        ({"low": -1.0, "high": 1.0}, -0.8, (-0.64, -0.96)),
        ({"low": 1, "high": 9, "type": "int"}, 2, (1, 3)),
        ({"scale": "log", "low": 16, "high": 512, "type": "int"}, 100, (80, 120)),
        ({"choices": [16, 32, 64], "ordered": True}, 32, (16, 64)),
        ({"choices": ["relu", "tanh"]}, "relu", ("relu", "tanh")),
        ({"choices": ["a", "b", "c"]}, "a", ("a", "b", "c")),
        ({"scale": "log", "low": 0.1, "high": 1.0, "zero": 0.2}, 0.11, (0.0, 0.132)),
    ],
    ids=str,
)
def test_a_setting_moves_in_the_unit_of_its_scale(
    definition: dict[str, Any], value: Any, expected: tuple[Any, ...]
) -> None:
    space = Space.model_validate({"x": definition})
    rng = np.random.default_rng(1)
    moved = {
        space.from_unit(perturbed(space, space.to_unit({"x": value}), [0], rng))["x"] for _ in range(200)
    }
    rounded = {round(one, 9) if isinstance(one, float) else one for one in moved}
    assert rounded == set(expected)


def test_an_exact_zero_is_left_now_and_then() -> None:
    space = Space.model_validate({"x": {"scale": "log", "low": 0.1, "high": 1.0, "zero": 0.2}})
    rng = np.random.default_rng(1)
    moved = [space.from_unit(perturbed(space, space.to_unit({"x": 0}), [0], rng))["x"] for _ in range(200)]
    assert 30 < sum(one > 0 for one in moved) < 70


def test_moves_obey_relations() -> None:
    definitions = {"a": {"low": 0.0, "high": 1.0}, "b": {"low": 0.0, "high": 1.0}}
    space = Space.model_validate({**definitions, "relations": ["a < b"]})
    rng, unit = np.random.default_rng(1), np.array([0.45, 0.5])
    for _ in range(100):
        unit = perturbed(space, unit, [0, 1], rng)
        assert unit[0] < unit[1]
    fixed = perturbed(space, np.array([0.49, 0.5]), [0], rng)
    assert fixed[1] == 0.5 and fixed[0] < 0.5


def trained(search: SearchSpec, workers: int = 1) -> Any:
    """Train a population on the toy whose best learning rate falls with time."""
    logs: dict[int, dict[str, Any]] = {}

    def train(number: int, proposal: Any) -> list[float]:
        parent = logs.get(-1 if proposal.continue_from is None else proposal.continue_from)
        begun = {
            "params": proposal.point,
            "seed": 1,
            "epochs": proposal.epochs,
            "change_log": {"changes": []},
        }
        if parent is not None:
            behind = parent["change_log"]["changes"]
            last = behind[-1]["settings"]["epochs"] if behind else parent["epochs"]
            change = {"epoch": last, "settings": {**proposal.point, "epochs": proposal.epochs}}
            begun = {**parent, "change_log": {"changes": [*behind, change]}}
        logs[number] = begun
        return course(begun)

    return simulate(search, train, workers)


@pytest.mark.parametrize("explore", ["perturb", "model"])
def test_the_same_trials_for_any_number_of_workers(explore: str) -> None:
    search = spec(strategy={**SEARCH["strategy"], "explore": explore}, lag=4, budget={"trials": 32})
    one, four = trained(search, 1), trained(search, 4)
    assert [(p.point, p.continue_from) for p in one.proposals] == [
        (p.point, p.continue_from) for p in four.proposals
    ]


def test_a_population_follows_a_best_setting_that_moves() -> None:
    """A model leaves less than factors do, and less than the best of 50 fixed rates at as many epochs."""
    left = {}
    for explore in ("perturb", "model"):
        strategy = {**SEARCH["strategy"], "explore": explore}
        ends = [trained(spec(strategy=strategy, seed=seed)).values.min() for seed in range(2)]
        left[explore] = float(np.mean(ends))
    rates = np.geomspace(1e-4, 1.0, 200)
    fixed = min(
        course({"params": {"learning_rate": r, "beta1": 0.999, "hidden_units": 4}, **BEGUN})[-1]
        for r in rates
    )
    assert left["model"] < left["perturb"] and left["model"] < fixed


BEGUN = {"seed": 0, "epochs": 30, "change_log": None}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"budget": {"trials": 81}}, "budget.trials"),
        ({"budget": {"trials": 8}}, "budget.trials"),
        ({"settings": {"epochs": 30}}, "settings.epochs"),
        ({"settings": {"patience": 3}}, "settings.patience"),
        ({"stopping": "median"}, "stopping.name"),
        ({"reevaluate": {"leaders": 2}}, "reevaluate"),
        ({"schedule": [{"epoch": 2, "set": {"l2": 0.1}}]}, "schedule"),
        ({"reproducible": False}, "reproducible"),
        ({"lag": 5}, "lag"),
        ({"strategy": {**SEARCH["strategy"], "vary": ["l2"]}}, "strategy.vary"),
        ({"strategy": {**SEARCH["strategy"], "vary": []}}, "strategy.vary"),
        ({"further": [{"metric": "parameters"}]}, "strategy.name"),
        ({"enqueued": [{"learning_rate": 0.1, "beta1": 0.9, "hidden_units": 8}] * 9}, "enqueued"),
    ],
    ids=str,
)
def test_what_does_not_go_with_a_population_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SearchError) as caught:
        spec(**changes)
    assert [one.field for one in caught.value.problems] == [field]
    assert caught.value.problems[0].remedy


def test_points_given_by_hand_are_where_the_first_members_begin() -> None:
    point = {"learning_rate": 0.1, "beta1": 0.9, "hidden_units": 8}
    made = propose(spec(enqueued=[point]), 0, History.empty(3))
    assert made.point == point and made.epochs == 3 and made.origin == "population"
