"""Stopping rules: bounds fixed before a trial starts, and how a trial is held to them."""

import numpy as np
import pytest
from scipy import stats

from caviar.search.curves import CurveTable, rung_values
from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec
from caviar.search.stopping import StopPlan, verdict
from caviar.search.stopping_rules import bracket_of

NAN, INF = float("nan"), float("inf")


def spec(stopping, direction="minimize", **rest):
    return SearchSpec.parse(
        {
            "space": {"x": {"low": 0, "high": 1}},
            "strategy": "random",
            "stopping": stopping,
            "objective": {"metric": "dev_error", "direction": direction},
            "budget": {"trials": 60},
            **rest,
        }
    )


def table(search, curves, epochs=30):
    ladder = search.rungs(epochs)
    rows = np.array([rung_values(curve, ladder, search.objective.direction) for curve in curves])
    return CurveTable(ladder, np.arange(len(curves)), rows.reshape(len(curves), len(ladder)))


def flat(*values, epochs=30):
    return [[value] * epochs for value in values]


def test_rungs():
    halving = spec("successive_halving")
    assert halving.rungs(30) == (1, 3, 9, 27)
    assert halving.rungs(300) == (11, 33, 99, 297)
    assert halving.rungs(1) == ()
    assert spec({"name": "successive_halving", "factor": 4, "first": 2}).rungs(100) == (2, 8, 32)
    assert spec({"name": "successive_halving", "warmup": 5}).rungs(30) == (9, 27)
    assert spec({"name": "median", "interval": 10}).rungs(35) == (10, 20, 30)
    assert len(spec("median").rungs(10_000)) <= 100
    assert spec("none").rungs(30) == spec("patience").rungs(30) == ()


def test_rung_values_are_the_best_so_far():
    assert rung_values([0.5, 0.2, 0.4], (1, 3, 9), "minimize").tolist()[:2] == [0.5, 0.2]
    assert rung_values([0.5, 0.2, 0.4], (1, 3), "maximize").tolist() == [-0.5, -0.5]
    assert np.isnan(rung_values([0.5], (1, 3), "minimize")[1])
    assert rung_values([NAN, INF], (1, 2), "minimize").tolist() == [INF, INF]
    assert np.isnan(rung_values([], (1,), "minimize")).all()


def test_successive_halving_keeps_the_best_third():
    search = spec("successive_halving")
    found = search.stop_plan(20, table(search, flat(0.1, 0.2, 0.3, 0.4, 0.5)))
    assert found.checks == ((1, 0.2), (3, 0.2), (9, 0.2), (27, 0.2))  # two of six, itself among them
    assert verdict(found, [0.2], "minimize") is None
    assert "bound 0.2" in verdict(found, [0.21], "minimize")
    assert verdict(found, [0.3, 0.3], "minimize") is None  # epoch 2 is no rung


def test_successive_halving_needs_enough_to_compare_with():
    search = spec("successive_halving")
    assert search.stop_plan(3, table(search, flat(0.1))).checks == ()
    assert search.stop_plan(3, table(search, [])).checks == ()
    assert len(search.stop_plan(3, table(search, flat(0.1, 0.2))).checks) == 4


def test_a_rung_counts_those_that_reached_it():
    search = spec("successive_halving")
    found = search.stop_plan(9, table(search, [[0.5], [0.6], [0.4, 0.3, 0.2], [0.5, 0.4, 0.3]]))
    assert found.checks == ((1, 0.4), (3, 0.2))


def test_median_of_the_trials_before():
    search = spec({"name": "median", "interval": 10})
    found = search.stop_plan(9, table(search, flat(0.1, 0.2, 0.3, 0.4)))
    assert found.checks == ((10, 0.2), (20, 0.2))
    assert search.stop_plan(9, table(search, flat(0.1, 0.2, 0.3))).checks == ()  # least: 4


def test_maximizing_turns_the_bounds_round():
    search = spec("successive_halving", "maximize")
    found = search.stop_plan(20, table(search, flat(0.9, 0.8, 0.7)))
    assert found.checks[0] == (1, 0.9)
    assert verdict(found, [0.95], "maximize") is None
    assert verdict(found, [0.85], "maximize") is not None


def falling(rng, trials, noise, epochs=27):
    """Curves that fall by the same law, with noise in how far they have come."""
    ends = rng.uniform(0.1, 0.5, trials)
    late = np.exp(-0.2 * np.arange(epochs)) - np.exp(-0.2 * (epochs - 1))
    return ends[:, None] + (0.4 + noise * rng.standard_normal(trials))[:, None] * late


def test_learning_curves_bound_by_a_prediction_interval_of_a_regression():
    curves = falling(np.random.default_rng(1), 8, 0.05)
    found = spec({"name": "learning_curve", "risk": 0.08}).stop_plan(
        8, table(spec("learning_curve"), curves, 27)
    )
    assert [epoch for epoch, _ in found.checks] == [1, 3, 9, 18]
    best = np.minimum.accumulate(curves, axis=1)
    ends = best[:, -1]
    design = np.column_stack([np.ones(8), ends])
    at = np.array([1.0, ends.min()])
    for epoch, bound in found.checks:
        line, squares, *_ = np.linalg.lstsq(design, best[:, epoch - 1], rcond=None)
        variance = squares[0] / 6 * (1 + at @ np.linalg.inv(design.T @ design) @ at)
        assert bound == pytest.approx(at @ line + stats.t.ppf(1 - 0.02, 6) * np.sqrt(variance), rel=1e-6)


def test_learning_curves_wait_for_trials_that_ran_to_their_end_and_know_both_directions():
    rng = np.random.default_rng(2)
    curves = falling(rng, 9, 0.05)
    search = spec("learning_curve")
    assert search.stop_plan(7, table(search, curves[:7], 27)).checks == ()
    ended = [*curves[:7], curves[7][:9], np.full(27, NAN)]
    assert search.stop_plan(9, table(search, ended, 27)).checks == ()
    lowest = search.stop_plan(9, table(search, curves, 27)).checks
    highest = spec("learning_curve", "maximize")
    mirrored = highest.stop_plan(9, table(highest, -curves, 27)).checks
    assert [(epoch, -bound) for epoch, bound in mirrored] == [*lowest]
    warm = spec({"name": "learning_curve", "warmup": 5})
    assert warm.rungs(27) == (9, 18, 27)


def test_learning_curves_lose_the_best_no_more_often_than_their_risk_says():
    """In 300 searches of 40 trials whose curves are as the rule assumes."""
    search, lost, spent = spec({"name": "learning_curve", "risk": 0.1}), 0, 0
    for seed in range(300):
        curves, kept = falling(np.random.default_rng([3, seed]), 40, 0.1), []
        for number, curve in enumerate(curves):
            if number % 4 == 0:  # as four workers would see it
                plan = search.stop_plan(number, table(search, kept, 27))
            ended = next((n for n, _ in plan.checks if verdict(plan, curve[:n], "minimize")), 27)
            kept.append(curve[:ended])
            spent += ended
        lost += len(kept[int(np.argmin(curves[:, -1]))]) < 27
    assert lost <= 0.1 * 300
    assert spent < 0.75 * 300 * 40 * 27


@pytest.mark.parametrize("rule", ["median", "successive_halving", "hyperband", "learning_curve"])
@pytest.mark.parametrize(
    "curves", [[], flat(NAN, NAN, NAN, NAN), flat(INF, INF, INF, INF, INF), [[]] * 5, flat(*[0.3] * 9)]
)
def test_poor_histories_give_sound_plans(rule, curves):
    search = spec(rule)
    for number in range(10):
        found = search.stop_plan(number, table(search, curves))
        assert all(np.isfinite(bound) for _, bound in found.checks)
        assert verdict(found, [0.3], "minimize") is None  # as good as all the others


def test_a_trial_without_a_finite_value_does_not_pass_a_bound():
    found = StopPlan(((2, 0.5),))
    assert "no finite value" in verdict(found, [NAN, INF], "minimize")


def test_threshold_and_warmup():
    search = spec({"name": "threshold", "bound": 0.4, "warmup": 3})
    found = search.stop_plan(0, table(search, []))
    assert found.checks == ((3, 0.4),)
    assert verdict(found, [0.9, 0.8], "minimize") is None
    assert verdict(found, [0.9, 0.8, 0.41], "minimize")


def test_patience():
    search = spec({"name": "patience", "epochs": 3})
    found = search.stop_plan(0, table(search, []))
    curve = [0.5, 0.4, 0.45, 0.42, 0.41]
    assert [verdict(found, curve[:n], "minimize") for n in range(1, 5)] == [None] * 4
    assert verdict(found, curve, "minimize") == "no improvement in 3 epochs"
    assert verdict(found, [0.5, 0.4, 0.45, 0.42, 0.39], "minimize") is None
    assert verdict(found, [NAN] * 9, "minimize")
    patient = spec({"name": "patience", "epochs": 3, "warmup": 8}).stop_plan(0, table(search, []))
    assert verdict(patient, curve, "minimize") is None


def test_brackets_of_hyperband_have_their_shares_in_any_stretch_of_numbers():
    shares = np.array([27 / 4, 9 / 3, 3 / 2, 1 / 1])
    expected = shares / shares.sum()
    for start in (0, 1234):
        counts = np.bincount([bracket_of(number, 3, 3) for number in range(start, start + 200)], minlength=4)
        assert np.abs(counts / 200 - expected).max() < 0.02


def test_hyperband_compares_inside_a_bracket():
    search = spec("hyperband")
    curves = flat(*np.linspace(0.1, 0.9, 60))
    values = table(search, curves)
    for number in range(60, 80):
        bracket = bracket_of(number, 4, 3)
        found = search.stop_plan(number, values)
        assert [epoch for epoch, _ in found.checks] == [1, 3, 9, 27][bracket:]
        same = sorted(c[0] for n, c in enumerate(curves) if bracket_of(n, 4, 3) == bracket)
        if bracket < 4:
            assert found.checks[0][1] == pytest.approx(same[(len(same) + 1) // 3 - 1])


def training(number, proposal, epochs=30):
    """A learning curve that falls towards a value that depends on x; the noise is that of the number."""
    final = 0.05 + (proposal.point["x"] - 0.3) ** 2
    noise = np.random.default_rng(number).normal(0, 0.01, epochs)
    return final + 0.4 * np.exp(-0.2 * np.arange(1, epochs + 1)) + noise


@pytest.mark.parametrize("parallel", [1, 2])
def test_successive_halving_saves_two_thirds_and_finds_as_good_a_point(parallel):
    def found(search):
        run = simulate(search, training, parallel)
        best = min((run.values[n], n) for n in range(60) if run.states[n] == "completed")[1]
        return run.epochs, (run.proposals[best].point["x"] - 0.3) ** 2

    saved, regret, full_regret = [], [], []
    for seed in range(10):
        epochs, short = found(spec("successive_halving", seed=seed, parallel=parallel))
        full_epochs, full = found(spec("none", seed=seed, parallel=parallel))
        saved.append(full_epochs / epochs)
        regret.append(short)
        full_regret.append(full)
    assert min(saved) > 3
    assert np.mean(regret) < np.mean(full_regret) + 0.005
