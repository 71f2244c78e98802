"""Each piece of advice on a curve that shows it, and silence on one that does not."""

import numpy as np
import pytest

from caviar.trainer.advice import advise

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


def test_a_cost_that_is_not_finite_is_diverging_and_rewinds_to_the_least():
    (advice,) = advise(curve([1.0, 0.5, 0.9, np.nan]), SETTINGS)
    assert advice.kind == "diverging"
    assert advice.command == {"kind": "rewind", "arguments": {"epoch": 2}}


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


def test_a_flat_cost_is_a_plateau_and_not_improving():
    assert kinds(curve([0.4] * 10)) == ["plateau"]


@pytest.mark.parametrize(("first", "said"), [(1e-5, True), (0.0, True), (0.5, False)])
def test_vanishing_compares_the_first_layer_with_the_last(first, said):
    train = 1.0 / np.arange(1, 11)
    columns = curve(
        train, gradient_norm_1=[first] * 10, gradient_norm_2=[0.9] * 10, gradient_norm_10=[1.0] * 10
    )
    assert ("vanishing" in kinds(columns)) is said


def test_a_power_law_predicts_its_own_continuation():
    epochs = np.arange(1, 21)
    dev = 2.0 * epochs**-0.5
    found = {advice.kind: advice for advice in advise(curve(dev, dev), SETTINGS)}
    expected = 2.0 * 30.0**-0.5
    assert f"about {expected:.4g}" in found["improving"].text
    assert found["improving"].command == {"kind": "extend", "arguments": {"epochs": 10}}


def test_a_healthy_descent_gets_nothing_urgent():
    epochs = np.arange(1, 31)
    assert kinds(curve(epochs**-0.5, 0.1 + epochs**-0.5)) == ["improving"]
