"""One seed, one search: for any number of workers, any lengths of trials, any interruption."""

import numpy as np
import pytest

from caviar.search.history import History
from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose

SPACE = {
    "x": {"scale": "log", "low": 1e-3, "high": 1},
    "layers": {"type": "int", "low": 1, "high": 3},
    "units": {"type": "int", "low": 4, "high": 64, "each": "layers"},
    "kind": {"choices": ["a", "b", "c"]},
    "y": {"low": 0, "high": 1, "when": {"kind": ["a", "b"]}},
}
IN_TIME = {"name": "coarse_to_fine", "epochs_per_round": [2, 5, 12]}
FAST = ["random", "sobol", "grid", "tpe", "cmaes", "coarse_to_fine", IN_TIME]
RULES = ["none", "median", "successive_halving", "hyperband", "learning_curve"]


def spec(**changes):
    data = {"space": SPACE, "budget": {"trials": 40}, "parallel": 4, "seed": 11, **changes}
    return SearchSpec.parse(data)


def training(number, proposal):
    point = proposal.point
    final = (np.log10(point["x"]) + 1.5) ** 2 / 4 + 0.1 * point["layers"] + 0.2 * (point["kind"] == "c")
    noise = np.random.default_rng(number).normal(0, 0.02, 12)
    curve = final + np.exp(-0.4 * np.arange(12)) + noise
    return np.full(12, np.nan) if number % 13 == 5 else curve  # some diverge


def lengths(salt):
    """Trials whose lengths differ by 10x, differently every time."""
    return lambda number, epochs: float(10 ** np.random.default_rng([salt, number]).random() * epochs)


def outcome(run):
    proposals = [(p.point, p.origin, p.round, p.epochs, p.continue_from) for p in run.proposals]
    return proposals, run.curves, run.states


@pytest.mark.parametrize("strategy", FAST)
def test_the_same_trials_for_any_number_of_workers(strategy):
    expected = outcome(simulate(spec(strategy=strategy, stopping="median"), training))
    for workers in (2, 4, 8):
        run = simulate(spec(strategy=strategy, stopping="median"), training, workers, lengths(workers))
        assert repr(outcome(run)) == repr(expected)  # by repr, since nan is not nan


@pytest.mark.parametrize("rule", RULES)
def test_the_same_trials_under_every_rule(rule):
    expected = outcome(simulate(spec(strategy="tpe", stopping=rule), training))
    for workers in (4, 8):
        assert repr(
            outcome(simulate(spec(strategy="tpe", stopping=rule), training, workers, lengths(1)))
        ) == repr(expected)


@pytest.mark.torch
@pytest.mark.soak
def test_the_gaussian_process_repeats_for_any_number_of_workers():
    search = spec(strategy={"name": "gp", "startup": 8}, stopping="median", budget={"trials": 20}, lag=7)
    expected = outcome(simulate(search, training))
    for workers in (2, 4, 8):
        assert repr(outcome(simulate(search, training, workers, lengths(workers)))) == repr(expected)


@pytest.mark.parametrize("strategy", FAST)
def test_a_restarted_server_proposes_the_same(strategy):
    search = spec(strategy=strategy)
    run = simulate(search, training)
    again = SearchSpec.model_validate_json(search.model_dump_json())
    horizon = again.horizon(25)
    units = np.array([proposal.unit for proposal in run.proposals[:25]])
    epochs = [len(curve) for curve in run.curves[:horizon]]
    history = History.of(
        range(horizon), units[:horizon], run.values[:horizon], run.states[:horizon], epochs, units[horizon:]
    )
    proposal = propose(again, 25, history)
    assert proposal.point == run.proposals[25].point
    assert np.array_equal(proposal.unit, run.proposals[25].unit)


def one_in_ten(number, epochs):
    """Nine trials of length 1 to one of length 10."""
    return 10.0 if np.random.default_rng([5, number]).random() < 0.1 else 1.0


@pytest.mark.parametrize("seconds", [lengths(1), one_in_ten])
@pytest.mark.parametrize("parallel", [2, 4, 8])
def test_workers_hardly_wait_for_trials_of_tenfold_length(parallel, seconds):
    search = spec(strategy="random", parallel=parallel, budget={"trials": 350})
    search = search.model_copy(update={"strategy": spec(strategy="cmaes").strategy})
    assert simulate(search, training, parallel, seconds).idle < 0.05


def test_a_larger_lag_than_needed_changes_nothing_for_the_workers_but_less_does():
    def idle(lag):
        return simulate(spec(strategy="cmaes", lag=lag, budget={"trials": 200}), training, 4, lengths(3)).idle

    assert idle(3) > 0.1 > 0.05 > idle(9)


def test_re_evaluations_come_after_all_and_repeat_the_leaders():
    search = spec(strategy="random", reevaluate={"leaders": 2, "seeds": 3})
    run = simulate(search, training, 4, lengths(1))
    again = run.proposals[40:]
    assert [proposal.origin for proposal in again] == ["reevaluation"] * 6
    leaders = np.argsort(run.values[:40])[:2]
    assert [proposal.parent for proposal in again] == list(leaders) * 3
    assert all(proposal.point == run.proposals[proposal.parent].point for proposal in again)


def test_a_leader_of_rounds_coarse_in_time_is_what_its_longest_training_made_of_it():
    units = np.array([[0.2], [0.4], [0.2], [0.6], [0.4]])
    seen = History.of(range(5), units, [0.5, 0.3, 0.1, 0.2, np.nan], epochs=[3, 3, 12, 3, 12])
    search = SearchSpec.parse(
        {
            "space": {"x": {"low": 0, "high": 1}},
            "budget": {"trials": 5},
            "strategy": {"name": "coarse_to_fine", "epochs_per_round": [3, 12]},
            "reevaluate": {"leaders": 3, "seeds": 1},
        }
    )
    again = [propose(search, number, seen) for number in (5, 6, 7)]
    assert [(one.parent, one.point["x"], one.epochs) for one in again] == [
        (2, 0.2, 12),
        (3, 0.6, 12),
        (1, 0.4, 12),
    ]


def test_rounds_coarse_in_time_go_on_with_leaders_and_cost_less_than_trials_from_scratch():
    search = spec(strategy=IN_TIME, budget={"trials": 60})
    run = simulate(search, training, 4, lengths(1))
    assert [one.epochs for one in run.proposals] == sorted(one.epochs for one in run.proposals)
    going_on = [one for one in run.proposals if one.continue_from is not None]
    assert len(going_on) >= 5
    parents = [one.continue_from for one in going_on]
    assert len(set(parents)) == len(parents), "a trial goes on once"
    for one, parent in zip(going_on, parents, strict=True):
        assert one.point == run.proposals[parent].point and run.proposals[parent].epochs < one.epochs
        assert run.states[parent] == "completed"
    blind = run.values[[n for n, one in enumerate(run.proposals) if one.origin == "coarse"]]
    assert np.mean(run.values[parents]) < np.median(blind), "the better ones go on"
    assert run.epochs == sum(map(len, run.curves)) - sum(len(run.curves[parent]) for parent in parents)


def test_enqueued_points_come_first_and_as_given():
    points = [
        {"x": 0.5, "layers": 1, "units": [7], "kind": "c"},
        {"x": 1, "layers": 1.0, "units": [8], "kind": "a", "y": 0},
    ]
    run = simulate(spec(strategy="random", enqueued=points), training)
    assert run.proposals[0].point == points[0]
    assert run.proposals[1].point == points[1] and isinstance(run.proposals[1].point["layers"], int)
    assert [proposal.origin for proposal in run.proposals[:3]].count("enqueued") == 2
