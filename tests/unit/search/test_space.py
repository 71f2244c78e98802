"""Points of a space: conditions, lists per layer, identity, and what is wrong with them."""

import numpy as np
import pytest

from caviar.search.space import Space

SPACE = Space.model_validate(
    {
        "hidden_units": {"type": "int", "low": 16, "high": 128, "each": "hidden_layers"},
        "hidden_layers": {"type": "int", "low": 0, "high": 3},
        "optimizer": {"choices": ["momentum", "adam", "rmsprop"]},
        "beta2": {
            "scale": "one_minus_log",
            "low": 0.9,
            "high": 0.9999,
            "when": {"optimizer": ["adam", "rmsprop"]},
        },
        "epsilon": {"scale": "log", "low": 1e-9, "high": 1e-6, "when": {"beta2": {"low": 0.99}}},
        "activation": {"value": "relu"},
        "slope": {"low": 0, "high": 0.3, "when": {"activation": "relu"}},
    }
)


def point(**changes):
    whole = {
        "hidden_units": [16, 128],
        "hidden_layers": 2,
        "optimizer": "momentum",
        "activation": "relu",
        "slope": 0.1,
    }
    return {**whole, **changes}


def test_axes_stand_in_the_order_of_the_user_and_a_fixed_value_has_none():
    names = [axis.name for axis in SPACE.axes]
    assert names[:4] == ["hidden_units.0", "hidden_units.1", "hidden_units.2", "hidden_layers"]
    assert SPACE.dimensions == len(names) == 8
    assert SPACE.names[0] == "hidden_units"


def test_a_point_has_what_its_conditions_allow():
    low = SPACE.from_unit([0.0] * 8)
    assert low == {
        "hidden_units": [],
        "hidden_layers": 0,
        "optimizer": "momentum",
        "activation": "relu",
        "slope": 0.0,
    }
    high = SPACE.from_unit([1.0] * 8)
    assert high["hidden_units"] == [128, 128, 128]
    assert high["beta2"] == 0.9999 and high["epsilon"] == 1e-6
    assert list(high) == list(SPACE.names)


def test_nested_conditions_fall_with_their_parent():
    units = SPACE.to_unit(point(optimizer="adam", beta2=0.995, epsilon=1e-8))
    assert "epsilon" in SPACE.from_unit(units)
    units[[axis.name for axis in SPACE.axes].index("optimizer")] = 0.0
    assert {"beta2", "epsilon"}.isdisjoint(SPACE.from_unit(units))


def test_inactive_coordinates_are_neutral():
    units = SPACE.to_unit(point())
    active = SPACE.active(point())
    assert np.array_equal(units[~active], np.full((~active).sum(), 0.5))
    assert np.array_equal(SPACE.active_at(units[None])[0], active)


def test_active_at_agrees_with_the_points():
    units = np.random.default_rng(0).random((300, SPACE.dimensions))
    expected = np.array([SPACE.active(SPACE.from_unit(row)) for row in units])
    assert np.array_equal(SPACE.active_at(units), expected)


def test_a_point_drawn_passes_its_check_and_is_canonical():
    for row in np.random.default_rng(1).random((200, SPACE.dimensions)):
        drawn = SPACE.from_unit(row)
        assert SPACE.check(drawn) == []
        assert SPACE.canonical(drawn) == drawn
        assert SPACE.key(SPACE.from_unit(SPACE.to_unit(drawn))) == SPACE.key(drawn)


def test_fixed_values_may_be_left_out_of_a_point():
    given = point()
    del given["activation"]
    assert SPACE.check(given) == []
    assert SPACE.canonical(given)["activation"] == "relu"


def test_keys_tell_types_apart_where_they_matter():
    space = Space.model_validate(
        {"x": {"choices": [1, True, "1", [1, 2]]}, "n": {"type": "int", "low": 1, "high": 3}}
    )
    keys = {space.key({"x": value, "n": 2}) for value in [1, True, "1", [1, 2]]}
    assert len(keys) == 4
    assert space.key({"x": 1.0, "n": 2.0}) == space.key({"x": 1, "n": 2})


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        (point(slope=0.4), "slope", "outside"),
        (point(slope=float("nan")), "slope", "outside"),
        (point(slope=10**400), "slope", "outside"),
        (point(slope=True), "slope", "outside"),
        (point(slope={}), "slope", "outside"),
        (point(optimizer="adm"), "optimizer", "outside"),
        (point(optimizer={"a": 1}), "optimizer", "outside"),
        (point(beta2=0.99), "beta2", "inactive"),
        (point(hidden_units=[16]), "hidden_units", "1 entries"),
        (point(hidden_units=16), "hidden_units", "no list"),
        (point(hidden_units=[16, 16.5]), "hidden_units", "outside"),
        (point(activation="tanh"), "activation", "fixed"),
        (point(learning_rate=1), "learning_rate", "not known"),
        ({}, "hidden_layers", "missing"),
    ],
)
def test_what_is_wrong_with_a_point_is_named(given, field, message):
    problems = SPACE.check(given)
    assert any(one.field == field and message in one.message and one.remedy for one in problems), problems


def test_coordinates_of_any_point_are_numbers():
    for given in ({}, {"hidden_layers": 99, "hidden_units": [1e9] * 9}, {"optimizer": "nothing"}):
        units = SPACE.to_unit(given)
        assert np.isfinite(units).all() and units.min() >= 0 and units.max() <= 1
