"""Settings: types, ranges, one value per layer, what may change; errors name field and remedy."""

import json
import pickle

import pytest

from caviar.trainer.problem import SettingError
from caviar.trainer.settings import Settings, changed, describe, make_settings, problems_of


def test_defaults_are_allowed_values_and_survive_json():
    settings = make_settings({})
    assert settings == Settings()
    assert make_settings(json.loads(json.dumps(settings.as_dict()))) == settings


@pytest.mark.parametrize("info", describe(), ids=lambda info: info.name)
def test_every_setting_is_described_and_its_default_is_in_range(info):
    assert info.help and info.range
    assert make_settings({info.name: info.default}) == Settings()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"keep_prob": 0}, "keep_prob"),
        ({"keep_prob": 1.01}, "keep_prob"),
        ({"hidden_units": 0}, "hidden_units"),
        ({"hidden_units": [4, 0]}, "hidden_units"),
        ({"hidden_units": 2.5}, "hidden_units"),
        ({"seed": 2**63}, "seed"),
        ({"seed": -1}, "seed"),
        ({"seed": float("inf")}, "seed"),
        ({"seed": float("nan")}, "seed"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"beta1": 1.0}, "beta1"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": float("inf")}, "learning_rate"),
        ({"learning_rate": 10**400}, "learning_rate"),
        ({"learning_rate": True}, "learning_rate"),
        ({"learning_rate": "0.1"}, "learning_rate"),
        ({"optimizer": "sgd"}, "optimizer"),
        ({"activation": None}, "activation"),
        ({"batch_norm": 1}, "batch_norm"),
        ({"augmentation": "flip+turn"}, "augmentation"),
        ({"l2": [0.1, 0.2]}, "l2"),
        ({"hidden_layers": 3, "hidden_units": [4, 5]}, "hidden_units"),
        ({"hidden_units": [4, 5], "keep_prob": [0.5]}, "keep_prob"),
        ({"momentun": 0.9}, "momentun"),
    ],
)
def test_a_wrong_value_is_refused_with_field_and_remedy(values, field):
    (problem,) = problems_of(values)
    assert problem.field == f"settings.{field}"
    assert problem.message and problem.remedy
    with pytest.raises(SettingError):
        make_settings(values)


@pytest.mark.parametrize("seed", [2**53 + 1, 2**63 - 1, 3.0])
def test_every_seed_of_the_range_is_taken_as_it_is(seed):
    taken = make_settings({"seed": seed}).seed
    assert taken == seed and isinstance(taken, int)


def test_all_problems_are_told_at_once():
    assert len(problems_of({"l1": -1, "l2": -1, "nonsense": 0})) == 3


def test_one_value_stands_for_all_layers():
    settings = make_settings({"hidden_layers": 3, "hidden_units": 8, "keep_prob": 0.5})
    assert settings.widths == (8, 8, 8)
    assert settings.keep_probs == (0.5, 0.5, 0.5)
    assert make_settings({"hidden_layers": 0}).widths == ()
    assert make_settings({"hidden_units": [7, 5.0]}).widths == (7, 5)


def test_flags_have_one_spelling():
    assert make_settings({"augmentation": "zoom+flip"}).augmentation == "flip+zoom"
    assert make_settings({"augmentation": "none"}).augmentation == "none"


def test_only_steerable_settings_change():
    settings = changed(Settings(), {"learning_rate": 0.5, "optimizer": "gd"})
    assert settings.learning_rate == 0.5
    with pytest.raises(SettingError, match="fork"):
        changed(Settings(), {"activation": "tanh"})
    with pytest.raises(SettingError):
        changed(Settings(), {"l2": -1})


def test_an_error_is_the_same_in_another_process():
    with pytest.raises(SettingError) as raised:
        make_settings({"l1": -1, "nonsense": 0})
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (type(copy), copy.problems, str(copy)) == (SettingError, raised.value.problems, str(raised.value))
