"""Choices: codes stay those of stored files, kernels know them all, and any other code is an error."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from caviar.trainer.choices import CHOICES, Activation, Augmentation, Output
from caviar.trainer.gradient import CostFunction
from caviar.trainer.predict import Model
from caviar.trainer.run import Run
from caviar.trainer.settings import describe, make_settings
from tests.support.small_runs import BASE, DATA, make_data, trained

DOCS = Path(__file__).parents[3] / "docs"
ALL = [
    pytest.param(setting, one, id=f"{setting}-{one.name}") for setting, of in CHOICES.items() for one in of
]
CONDITIONAL = [info for info in describe() if info.only_with]
# Two values of each setting that has an effect only with some choices, far enough apart to be seen in BASE.
TWO_VALUES = {
    "momentum": (0.5, 0.9),
    "beta1": (0.5, 0.9),
    "beta2": (0.5, 0.9),
    "epsilon": (1e-8, 1e-2),
    "decay_rate": (0.5, 0.9),
    "decay_epochs": (1, 2),
    "leaky_slope": (0.01, 0.5),
    "init_scale": (0.5, 0.7),
    "augmentation_strength": (0.1, 0.5),
}


def test_the_codes_of_stored_files_and_of_kernels_stay():
    assert {setting: {one.name: int(one) for one in of} for setting, of in CHOICES.items()} == {
        "optimizer": {"gd": 0, "momentum": 1, "rmsprop": 2, "adam": 3},
        "decay": {
            "none": 0, "inverse": 1, "exponential": 2, "inverse_sqrt": 3, "inverse_sqrt_step": 4,
            "staircase": 5,
        },
        "activation": {"relu": 0, "leaky_relu": 1, "tanh": 2, "sigmoid": 3},
        "initialization": {"zeros": 0, "normal": 1, "xavier": 2, "glorot": 3, "he": 4},
        "augmentation": {"flip": 1, "shift": 2, "zoom": 4, "rotate": 8, "distort": 16},
    }  # fmt: skip
    assert {one.name: int(one) for one in Output} == {"binary": 0, "multiclass": 1, "regression": 2}


@pytest.mark.parametrize(("setting", "one"), ALL)
def test_every_choice_is_offered_explained_and_trained(setting, one):
    info = next(info for info in describe() if info.name == setting)
    assert one.name in info.choices and info.meanings[one.name]
    assert trained(**{setting: one.name}).status == "completed"


def test_what_a_choice_uses_are_settings():
    names = {info.name for info in describe()}
    assert {setting for of in CHOICES.values() for one in of for setting in one.facts.uses} <= names
    assert set(TWO_VALUES) == {info.name for info in CONDITIONAL}


@pytest.mark.parametrize(
    ("info", "setting", "one"),
    [
        pytest.param(info, setting, one, id=f"{info.name}-{one.name}")
        for info in CONDITIONAL
        for setting in info.only_with
        for one in CHOICES[setting]
    ],
)
def test_a_setting_has_an_effect_with_the_choices_that_use_it_alone(info, setting, one):
    first, second = (
        trained(**{setting: one.name, info.name: value}).weights.tobytes() for value in TWO_VALUES[info.name]
    )
    assert (first != second) == (one.name in info.only_with[setting])


@pytest.mark.parametrize("kind", Output.names())
@pytest.mark.parametrize("activation", Activation.names())
def test_models_predict_with_every_activation_and_output(activation, kind):
    data = make_data(kind)
    run = trained(data, activation=activation)
    found = Model.load(run.model()).predict_prepared(data.X_dev)
    if kind == "regression":
        error = np.sqrt(np.mean((found.values - data.Y_dev) ** 2)) / data.target_deviation
    else:
        error = np.mean(found.probabilities.argmax(axis=1) != data.Y_dev)
    assert error == pytest.approx(run.result()["dev_error"], rel=1e-5)


@pytest.mark.parametrize("what", ["optimizer", "decay", "activation", "output", "augmentation"])
def test_a_code_without_a_kernel_is_an_error(what):
    run = Run(make_settings(BASE), DATA, 1)
    before = run.weights.copy()
    if what in run._hyper._fields:
        run._hyper = run._hyper._replace(**{what: 64})
    else:
        run._shape = run._shape._replace(**{what: 64})
    with pytest.raises(RuntimeError, match=f"the {what} has no kernel"):
        run.advance()
    np.testing.assert_array_equal(run._state.weights, before)


@pytest.mark.parametrize("what", ["activation", "output"])
def test_a_code_without_a_kernel_is_an_error_in_evaluation_and_gradient(what):
    run = trained()
    run._shape = run._shape._replace(**{what: 64})
    with pytest.raises(RuntimeError, match=f"the {what} has no kernel"):
        run.evaluate("dev")
    cost = CostFunction(make_settings(BASE), DATA)
    cost._shape = cost._shape._replace(**{what: 64})
    with pytest.raises(RuntimeError, match=f"the {what} has no kernel"):
        cost(np.zeros(cost.network.total, np.float32))


def test_bits_of_augmentation_do_not_overlap():
    assert sum(Augmentation) == np.bitwise_or.reduce([int(one) for one in Augmentation])


def test_the_tables_of_the_docs_are_those_of_the_code():
    for page, text in runpy.run_path(str(DOCS / "tables.py"))["pages"]().items():
        assert page.read_text() == text, "run `make tables` and commit what it writes"
