"""Each piece of advice on a curve that shows it, silence on one that does not, and what more epochs bring."""

import numpy as np
import pytest

from caviar.trainer.advice import advise, outlook

SETTINGS = {"learning_rate": 0.03}


def curve(train, dev=None, **more):
    columns = {"epoch": list(range(1, len(train) + 1)), "train_cost": list(train), **more}
    if dev is not None:
        columns["dev_cost"] = list(dev)
    return columns


def kinds(columns):
    return [advice.kind for advice in advise(columns, SETTINGS)]


def test_too_short_a_curve_gives_none():
    assert advise(curve([1.0, 0.9]), SETTINGS) == []


def test_a_cost_that_is_not_finite_goes_back_with_a_lower_rate():
    """The least alone would lead to the same again, bit for bit."""
    (advice,) = advise(curve([1.0, 0.5, 0.9, np.nan]), SETTINGS)
    assert advice.kind == "exploding"
    slower = {"epoch": 2, "changes": {"learning_rate": 0.003}}
    assert advice.command == {"kind": "fork", "arguments": slower}


def test_a_run_that_diverged_in_its_first_epoch_begins_anew():
    (advice,) = advise({}, SETTINGS, diverged=True)
    slower = {"epoch": 0, "changes": {"learning_rate": 0.003}}
    assert (advice.kind, advice.command) == ("exploding", {"kind": "fork", "arguments": slower})
    (advice,) = advise({}, {**SETTINGS, "init_scale": 8.0}, diverged=True)
    assert advice.command is None
    assert advice.settings == {"initialization": "he", "init_scale": 1}


def test_a_default_that_diverges_in_the_first_epoch_is_lowered_for_every_kind_of_data():
    """By gd a regression begins with 0.01: a tenth of the rate for classes would be the same again."""
    (advice,) = advise({}, {"optimizer": "gd"}, diverged=True)
    assert advice.command["arguments"]["changes"] == {"learning_rate": 0.001}


def test_a_rising_cost_is_diverging_and_lowers_the_rate():
    advice = advise(curve([1.0, 0.5, 0.7, 1.1, 1.6]), SETTINGS)[0]
    assert (advice.kind, advice.since) == ("diverging", 2)
    assert advice.command == {"kind": "set", "arguments": {"learning_rate": 0.003}}


def test_a_default_rate_is_lowered_from_what_the_curve_tells_unless_it_decays():
    rising = curve([1.0, 0.5, 0.7, 1.1, 1.6], learning_rate=[0.01] * 5)
    lowered = {"kind": "set", "arguments": {"learning_rate": 0.001}}
    assert advise(rising, {})[0].command == advise(rising, {"decay": "none"})[0].command == lowered
    assert advise(rising, {"decay": "inverse"})[0].command is None
    assert advise(curve([1.0, 0.5, 0.7, 1.1, 1.6]), {})[0].command is None


def test_swings_without_descent_are_oscillation():
    train = [0.5 + 0.2 * (-1) ** epoch for epoch in range(12)]
    assert "oscillating" in kinds(curve(train))


def test_overfitting_points_at_the_best_epoch():
    train = 1.0 / np.arange(1, 21)
    dev = 0.3 + 0.001 * (np.arange(1, 21) - 8.0) ** 2
    found = {advice.kind: advice for advice in advise(curve(train, dev), SETTINGS)}
    assert found["overfitting"].since == 8
    assert found["overfitting"].command == {"kind": "rewind", "arguments": {"epoch": 8}}


@pytest.mark.parametrize(
    ("train", "kind", "rate"),
    [
        ([0.4] * 10, "plateau", None),
        (2.30 - 1e-4 * np.arange(12), "small_rate", 0.3),
        (2.30 + 1e-3 * (-1.0) ** np.arange(12), "noise", 0.003),
    ],
    ids=["flat", "crawling", "jumping"],
)
def test_a_plateau_without_probes_is_told_by_its_shape(train, kind, rate):
    [advice] = advise(curve(train), SETTINGS)
    assert advice.kind == kind
    assert advice.command == (rate and {"kind": "set", "arguments": {"learning_rate": rate}})


def test_a_cost_that_stands_low_has_converged():
    columns = curve([1.0, 0.3, 0.1, *[0.01] * 10])
    assert kinds(columns) == []
    assert outlook(columns).kind == "converged"


def test_a_power_law_predicts_its_own_continuation():
    epochs = np.arange(1, 21)
    dev = 2.0 * epochs**-0.5
    ahead = outlook(curve(dev, dev))
    expected = 2.0 * 30.0**-0.5
    assert ahead.kind == "improving"
    assert f"about {expected:.4g}" in ahead.text
    assert ahead.command == {"kind": "extend", "arguments": {"epochs": 10}}


def test_a_healthy_descent_gets_no_advice():
    epochs = np.arange(1, 31)
    assert kinds(curve(epochs**-0.5, 0.1 + epochs**-0.5)) == []
