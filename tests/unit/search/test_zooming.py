"""Coarse to fine from the inside: its rounds, their boxes, the observations, and the fit of the model."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import check_grad

from caviar.search.boxes import around, whole
from caviar.search.encoding import encoding_of
from caviar.search.history import History
from caviar.search.observations import WINDOW, gather_observations, length_of
from caviar.search.rounds import rounds, stage_of
from caviar.search.simulate import simulate
from caviar.search.space import Space
from caviar.search.spec import SearchSpec
from caviar.search.surrogate import Kernel, _Posterior, fit, warp

INF, NAN = float("inf"), float("nan")
PLANE = {"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}}


def spec(space=PLANE, trials=60, strategy="coarse_to_fine", **rest):
    return SearchSpec.parse({"space": space, "strategy": strategy, "budget": {"trials": trials}, **rest})


def history_of(search, run):
    count = len(run.values)
    units = np.array([proposal.unit for proposal in run.proposals])
    return History.of(range(count), units, run.values, run.states)


def sizes(search):
    found = [stage_of(search, 0)]
    while (after := found[-1].first + found[-1].size) < search.budget.trials:
        found.append(stage_of(search, after))
    ends = [min(stage.first + stage.size, search.budget.trials) for stage in found]
    return [end - stage.first for stage, end in zip(found, ends, strict=True)]


def test_four_rounds_are_a_coarse_one_and_three_of_equal_size():
    assert sizes(spec(strategy={"name": "coarse_to_fine", "rounds": 4})) == [6, 18, 18, 18]
    assert sizes(spec(strategy={"name": "coarse_to_fine", "rounds": 4}, trials=16)) == [5, 4, 3, 4]


def test_one_round_is_coarse_to_its_end():
    search = spec(strategy={"name": "coarse_to_fine", "rounds": 1})
    assert sizes(search) == [60]
    assert {one.origin for one in simulate(search, lambda *_: [0.5]).proposals} == {"coarse"}


def test_rounds_grow_with_the_trials_before_them():
    found = sizes(spec(trials=200))
    assert found[:5] == [6, 4, 4, 4, 4] and sum(found) == 200
    starts = np.cumsum([0, *found])
    assert all(size == max(4, start // 6) for size, start in zip(found[1:-1], starts[1:], strict=False))


def test_rounds_of_growing_lengths_cost_alike():
    search = spec(trials=39, strategy={"name": "coarse_to_fine", "epochs_per_round": [3, 9, 27]})
    epochs = [stage_of(search, number).epochs for number in range(39)]
    assert [epochs.count(length) for length in (3, 9, 27)] == [27, 9, 3]
    assert stage_of(search, 50).epochs == 27  # a budget that grew prolongs the last ones


@pytest.fixture(scope="module")
def valley():
    """Search for x = .7 while y does not matter."""
    search = spec(seed=2)
    return search, simulate(search, lambda number, proposal: [(proposal.point["x"] - 0.7) ** 2])


def test_the_boxes_zoom_in_around_the_best(valley):
    """The course: find the region of the good points, zoom in, sample more densely, repeat."""
    search, run = valley
    found = rounds(search, history_of(search, run))
    widths = {axis: [high - low for low, high in (one.box[axis] for one in found)] for axis in "xy"}
    assert widths["x"][0] == widths["y"][0] == 1
    assert widths["x"][1] < 0.8 and np.median(widths["x"][6:]) < 0.15  # .63, .06
    assert min(widths["y"]) > 0.6  # it does not matter, and keeps its range
    assert all(one.box["x"][0] < 0.7 < one.box["x"][1] for one in found)
    within = [abs(one.point["x"] - 0.7) < 0.1 for one in run.proposals]
    assert sum(within[:6]) <= 2 and sum(within[30:]) >= 12  # 1 and 18; a fifth of them if drawn at random


def test_a_trial_says_whether_it_lies_in_its_box(valley):
    search, run = valley
    boxes = {one.index: one.box for one in rounds(search, history_of(search, run))}
    origins = [one.origin for one in run.proposals]
    assert origins[:6] == ["coarse"] * 6 and set(origins[6:]) == {"zoom", "global"}
    for one in run.proposals[6:]:
        inside = all(low <= one.point[axis] <= high for axis, (low, high) in boxes[one.round].items())
        assert inside is (one.origin == "zoom")


def test_every_round_names_the_trials_that_made_it(valley):
    search, run = valley
    for one in rounds(search, history_of(search, run))[1:]:
        best = np.argsort(run.values[: search.horizon(one.first)])
        assert set(one.trials) <= set(best[: 3 + one.first // 4].tolist())


def test_a_box_holds_the_elite_and_the_leaders_with_room():
    encoding = encoding_of(Space.model_validate({**PLANE, "kind": {"choices": ["a", "b", "c"]}}))
    a, b, c = encoding.centres[2]
    elite = np.column_stack([np.linspace(0.4, 0.6, 101), np.linspace(0, 1, 101), np.full(101, a)])
    box = around(encoding, elite, np.array([[0.3, 0.5, b]]))
    room = 0.25 * 0.18 + 0.02
    assert box.low[:2] == pytest.approx([0.3 - room, 0.05]) and box.high[:2] == pytest.approx([0.59, 0.95])
    assert box.choices[2].tolist() == [a, b]
    tried = np.array([[0.3, 0.5, b], [0.3, 0.5, c], [0.6, 0.5, a]])
    assert box.contains(tried).tolist() == [True, False, False]
    assert box.contains(box.spread(np.random.default_rng(0).random((50, 3)))).all()
    assert whole(encoding).contains(tried).all()


@pytest.mark.parametrize(
    ("definition", "best", "warned"),
    [
        ({"type": "int", "scale": "log", "low": 1, "high": 64}, 1, "low"),
        ({"type": "int", "scale": "log", "low": 1, "high": 64}, 64, "high"),
        ({"type": "int", "scale": "log", "low": 1, "high": 64}, 8, None),
        ({"type": "int", "scale": "log", "low": 16, "high": 256, "step": 16}, 16, "low"),
        ({"type": "int", "low": 50, "high": 100}, 50, "low"),
        ({"type": "int", "low": 2, "high": 4}, 4, "high"),
        ({"type": "int", "low": 2, "high": 4}, 3, None),
        ({"low": 0, "high": 1}, 0.99, "high"),
        ({"low": 0, "high": 1}, 0.9, None),
        ({"scale": "log", "low": 1e-6, "high": 10, "zero": 0.2}, 10, "high"),
        ({"scale": "log", "low": 1e-6, "high": 10, "zero": 0.2}, 1e-6, None),  # below it there is the zero
        ({"scale": "log", "low": 1e-6, "high": 10, "zero": 0.2}, 0, None),
        ({"type": "int", "low": 3, "high": 10, "step": 3}, 9, "high"),
        ({"choices": ["a", "b", "c"]}, "a", None),
    ],
)
def test_a_round_says_where_the_best_sits_at_an_end(definition, best, warned):
    search = spec({"x": definition})
    place = search.space.to_unit({"x": best})[0]
    others = [search.space.to_unit(search.space.from_unit([unit]))[0] for unit in (0.2, 0.35, 0.5, 0.65, 0.8)]
    units = np.array([*[place] * 5, *others, *others])
    seen = History.of(range(15), units[:, None], np.abs(units - place))
    said = rounds(search, seen)[2].warnings
    assert [f"the {warned} end" in one for one in said] == ([] if warned is None else [True])


def seen_by_model(values, below=None, longest=None, **columns):
    units = np.linspace(0, 1, len(values))[:, None]
    encoding = encoding_of(Space.model_validate({"x": {"low": 0, "high": 1}}))
    history = replace(History.of(range(len(values)), units, values), **columns)
    return gather_observations(encoding, history, below, longest)


def test_evidence_is_what_can_be_told_apart():
    assert seen_by_model([0.1, 0.2]) is None
    assert seen_by_model([0.1, 0.2, NAN]) is None
    assert seen_by_model([0.1, 0.1, 0.1, 0.1]) is None
    assert seen_by_model([0.1, 0.2, NAN, INF, 0.3]).numbers.tolist() == [0, 1, 3, 4]
    assert seen_by_model([0.1, 0.2, 0.3, 0.4, 0.5], below=3).numbers.tolist() == [0, 1, 2]


def test_a_long_history_shows_its_best_and_its_latest():
    values = 1000.0 - np.arange(1000)
    values[100:164] = np.linspace(-2, -1, 64)
    assert WINDOW == 96
    assert seen_by_model(values).numbers.tolist() == [*range(100, 164), *range(968, 1000)]


def test_lengths_are_one_more_axis():
    epochs = np.array([3, 9, 27, 27])
    found = seen_by_model([0.4, 0.3, INF, 0.1], longest=27, epochs=epochs)
    assert found.lengths.tolist() == length_of(np.array([3, 9, 27, 27]), 27).tolist()
    assert found.known.shape == (4, 2) and found.axis_of_column.tolist() == [0, 1]
    assert found.columns(np.array([[0.5]])).tolist() == [[0.5, 1.0]]
    steps = np.diff(length_of(np.array([299, 2699, 24299]), 24299))  # of 1 + epochs: equal ratios
    assert length_of(27, 27) == 1.0 and steps[0] == pytest.approx(steps[1], rel=0.01)


def test_running_trials_leave_less_to_learn_near_them():
    found = seen_by_model(np.linspace(0, 1, 5) ** 2)
    there, pending = found.columns(np.array([[0.6]])), np.array([[0.61]])
    mean, deviation = found.model(found.kernel).predict(there)
    expected, less = found.model(found.kernel, pending).predict(there)
    assert expected == pytest.approx(mean) and less < 0.8 * deviation  # .099, .135


def test_a_lucky_trial_does_not_lead():
    """What leads is what the model takes for good: one low value among high neighbours is noise."""
    units = np.concatenate([np.linspace(0, 1, 21), np.full(8, 0.9), [0.9]])
    values = np.concatenate([(np.linspace(0, 1, 21) - 0.2) ** 2, np.full(8, 0.49), [-0.01]])
    encoding = encoding_of(Space.model_validate({"x": {"low": 0, "high": 1}}))
    found = gather_observations(encoding, History.of(range(30), units[:, None], values), None, None)
    assert abs(found.units[found.leaders[0], 0] - 0.2) <= 0.1


def test_warped_values_keep_their_order_and_are_tame():
    found = warp(np.array([0.1, 0.2, 0.3, 0.4, 1e12, INF]))
    assert (np.diff(found) > 0).all()
    assert (found.mean(), found.std()) == pytest.approx((0, 1))
    assert found[1] - found[0] == pytest.approx(found[2] - found[1])  # linear up to the median
    assert (found[4] - found[0]) / (found[2] - found[0]) < 6
    ties = warp(np.array([0.0, 0.0, 0.0, 1.0]))  # without a scale: by rank
    assert ties[0] == ties[2] < ties[3]


@pytest.fixture(scope="module")
def posterior():
    points = np.random.default_rng(0).random((25, 3))
    targets = warp(np.sin(5 * points[:, 0]) + 0.3 * points[:, 1])
    squares = np.array([(column[:, None] - column) ** 2 for column in points.T])
    return points, targets, _Posterior(squares.reshape(3, -1), targets)


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_of_the_posterior(posterior, seed):
    """Against differences, at random points around the prior."""
    *_, function = posterior
    theta = function.centre + np.random.default_rng(seed).normal(size=4)
    error = check_grad(lambda at: function(at)[0], lambda at: function(at)[1], theta)
    assert error < 1e-4 * max(1.0, np.linalg.norm(function(theta)[1]))


def test_the_fit_is_most_probable_and_knows_what_matters(posterior):
    points, targets, function = posterior
    kernel = fit(points, np.arange(3), targets)
    theta = np.log([*kernel.lengthscales, kernel.noise])
    assert np.abs(function(theta)[1]).max() < 0.2
    others = np.random.default_rng(1).normal(size=(200, 4))
    assert all(function(theta)[0] <= function(theta + step)[0] for step in others)
    assert kernel.lengthscales[0] < kernel.lengthscales[1] < kernel.lengthscales[2]


def test_another_opinion_is_drawn_around_the_first():
    kernel = Kernel((0.3, 1.2), 0.05)
    found = [kernel.varied(0.8, np.random.default_rng(seed)) for seed in range(200)]
    logs = np.log([one.lengthscales for one in found]) - np.log(kernel.lengthscales)
    assert np.abs(logs.mean(axis=0)).max() < 0.2 and logs.std(axis=0) == pytest.approx([0.8, 0.8], abs=0.15)
    assert {one.noise for one in found} == {0.05}
