"""Parameters that train nothing are refused with the condition that makes them active; scales get hints."""

from typing import Any

import pytest

from tests.support.inprocess import App

API = "/api/v1"
LOG = {"scale": "log", "low": 0.0001, "high": 0.1}
HALF = {"scale": "linear", "low": 0.1, "high": 0.8}
UNITS = {"type": "int", "low": 4, "high": 9}
LAYERS = {"type": "int", "low": 0, "high": 2}
BOTH = {"choices": ["adam", "momentum"]}
SEARCH = {
    "name": "effects",
    "dataset": {"name": "breast_cancer"},
    "strategy": "random",
    "budget": {"trials": 1},
}


def answer(app: App, space: dict[str, Any], settings: dict[str, Any], **more: Any) -> Any:
    search = {**SEARCH, "space": {"learning_rate": LOG, **space}, "settings": settings, **more}
    return app.request("POST", f"{API}/searches", json=search)


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [  # space, settings, field, remedy
    ({"momentum": HALF}, {}, "momentum", "set optimizer: momentum"),
    ({"beta1": HALF}, {"optimizer": "gd"}, "beta1", "set optimizer: adam"),
    ({"beta2": HALF}, {"optimizer": "momentum"}, "beta2", "set optimizer: [rmsprop, adam]"),
    ({"momentum": HALF, "optimizer": BOTH}, {}, "momentum", "when: {optimizer: momentum}"),
    ({"momentum": {**HALF, "when": {"optimizer": "adam"}}, "optimizer": BOTH}, {}, "momentum", "take it out"),
    ({"beta1": HALF, "optimizer": BOTH}, {}, "beta1", "when: {optimizer: adam}"),
    ({"decay_rate": HALF}, {}, "decay_rate", "set decay: ["),
    ({"decay_epochs": UNITS}, {"decay": "inverse"}, "decay_epochs", "staircase"),
    ({"decay_rate": HALF, "decay": {"choices": ["none", "inverse"]}}, {}, "decay_rate", "when: {decay: ["),
    ({"batch_norm_momentum": HALF}, {}, "batch_norm_momentum", "set batch_norm: true"),
    (
        {"batch_norm_momentum": HALF, "batch_norm": {"choices": [True, False]}},
        {}, "batch_norm_momentum", "when: {batch_norm: true}",
    ),
    ({"augmentation_strength": HALF}, {}, "augmentation_strength", "set augmentation: ["),
    ({"leaky_slope": HALF}, {}, "leaky_slope", "set activation: leaky_relu"),
    ({"hidden_units": UNITS}, {"hidden_layers": 0}, "hidden_units", "1 or more"),
    (
        {"hidden_units": UNITS, "hidden_layers": LAYERS},
        {}, "hidden_units", "when: {hidden_layers: {low: 1}}",
    ),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_a_parameter_without_effect_is_refused(app: App, place: int) -> None:
    space, settings, field, remedy = REFUSED[place]
    found = answer(app, space, settings)
    assert found.status_code == 422, found.text
    (one,) = found.json()["errors"]
    assert one["field"] == f"space.{field}" and "has no effect with" in one["message"]
    assert remedy in one["remedy"]


@pytest.mark.parametrize(
    ("space", "settings", "more"),
    [
        ({"momentum": {**HALF, "when": {"optimizer": "momentum"}}, "optimizer": BOTH}, {}, {}),
        ({"momentum": HALF}, {"optimizer": "momentum"}, {}),
        ({"beta2": HALF, "optimizer": {"choices": ["adam", "rmsprop"]}}, {}, {}),
        ({"momentum": HALF}, {}, {"schedule": [{"epoch": 3, "set": {"optimizer": "momentum"}}]}),
        ({"decay_rate": HALF, "decay": {"choices": ["inverse", "staircase"]}}, {}, {}),
        ({"momentum": {"value": 0.9}}, {}, {}),
        ({"init_scale": HALF}, {}, {}),
        (
            {
                "hidden_layers": {"type": "int", "low": 0, "high": 2},
                "hidden_units": {"type": "int", "low": 4, "high": 9, "when": {"hidden_layers": {"low": 1}}},
            },
            {}, {},
        ),
        (
            {
                "hidden_layers": {"type": "int", "low": 0, "high": 2},
                "hidden_units": {"type": "int", "low": 4, "high": 9, "each": "hidden_layers"},
            },
            {}, {},
        ),
    ],
)  # fmt: skip
def test_a_parameter_with_an_effect_is_taken(
    app: App, space: dict[str, Any], settings: dict[str, Any], more: dict[str, Any]
) -> None:
    found = answer(app, space, settings, **more)
    assert found.status_code == 201, found.text
    assert found.json()["warnings"] == []


@pytest.mark.parametrize(
    ("space", "settings", "field"),
    [
        ({}, {"batch_norm": True, "batch_size": 1}, "settings.batch_size"),
        ({"batch_size": {"type": "int", "low": 1, "high": 64}}, {"batch_norm": True}, "space.batch_size"),
        ({}, {"augmentation": "shift"}, "settings.augmentation"),
        ({"augmentation": {"choices": ["none", "shift+zoom"]}}, {}, "space.augmentation"),
    ],
)
def test_what_cannot_train_is_refused(
    app: App, space: dict[str, Any], settings: dict[str, Any], field: str
) -> None:
    found = answer(app, space, settings)
    assert found.status_code == 422, found.text
    assert [one["field"] for one in found.json()["errors"]] == [field]


def test_images_are_augmented(app: App) -> None:
    settings = {"augmentation": "shift"}
    assert (
        answer(app, {"augmentation_strength": HALF}, settings, dataset={"name": "digits"}).status_code == 201
    )


@pytest.mark.parametrize(
    ("space", "hinted"),
    [
        ({"learning_rate": {"low": 0.0001, "high": 1.0}}, "scale: log"),
        ({"learning_rate": {"low": 0.05, "high": 0.1}}, None),
        ({"beta1": {"low": 0.5, "high": 0.999}}, "scale: one_minus_log"),
        ({"beta1": {"low": 0.8, "high": 0.95}}, None),
        ({"beta2": {"scale": "one_minus_log", "low": 0.9, "high": 0.9999}}, None),
    ],
)
def test_linear_scales_of_rates_get_a_hint(app: App, space: dict[str, Any], hinted: str | None) -> None:
    found = answer(app, space, {})
    assert found.status_code == 201, found.text
    warnings = found.json()["warnings"]
    assert len(warnings) == bool(hinted)
    if hinted:
        assert warnings[0]["field"] == f"space.{next(iter(space))}.scale" and hinted in warnings[0]["remedy"]
