"""Defaults train with every optimiser; those of an earlier version stay what they were."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save

from caviar.trainer import checkpoint
from caviar.trainer.choices import Optimizer
from caviar.trainer.defaults import with_defaults
from caviar.trainer.plugin import MLP
from caviar.trainer.settings import make_settings

TRAINER = MLP()
BEFORE = {
    "gd": (0.1, 0.1, 0.999),
    "momentum": (0.1, 0.1, 0.999),
    "rmsprop": (0.01, 0.002, 0.999),
    "adam": (0.01, 0.002, 0.999),
}


@pytest.fixture(scope="module")
def data():
    return {name: TRAINER.load({"name": name}, {}) for name in ("iris", "diabetes")}


@pytest.mark.parametrize("name", ["iris", "diabetes"])
@pytest.mark.parametrize("optimizer", Optimizer.names())
def test_the_cost_falls_from_the_first_epoch_on(optimizer, name, data):
    run = TRAINER.start({"optimizer": optimizer}, data[name], 0)
    costs = [row["train_cost"] for row in run.advance(30.0).epochs]
    assert run.status == "completed"
    assert max(costs) < 1.5 * costs[0]
    assert costs[-1] < 0.8 * costs[0]


@pytest.mark.parametrize("optimizer", BEFORE)
def test_the_first_version_means_what_it_meant(optimizer, data):
    settings = make_settings({"optimizer": optimizer, "defaults": 1})
    filled = [with_defaults(settings, data[name]) for name in ("iris", "diabetes")]
    rates = [one.learning_rate for one in filled]
    assert (*rates, filled[0].beta2) == BEFORE[optimizer]
    batches = with_defaults(replace(settings, batch_size=32), data["diabetes"])
    assert batches.learning_rate == {"gd": 0.1, "momentum": 0.1}.get(optimizer, 0.001)


def test_the_first_version_trains_bit_for_bit_like_its_values_written_out(data):
    said = {"optimizer": "rmsprop", "learning_rate": 0.01, "beta2": 0.999, "l2": 1.0, "batch_size": 90}
    runs = [TRAINER.start(one, data["iris"], 3) for one in ({"optimizer": "rmsprop", "defaults": 1}, said)]
    for run in runs:
        run.advance(30.0)
    assert np.array_equal(runs[0].weights, runs[1].weights)


def test_a_checkpoint_of_before_has_the_defaults_of_before(data):
    run = TRAINER.start({"epochs": 1}, data["iris"], 3)
    metadata, tensors = checkpoint.read(run.save(), checkpoint.FORMAT)
    del metadata["settings"]["defaults"]
    saved = save(tensors, metadata={"caviar": json.dumps(metadata)})
    assert checkpoint.load(saved, data["iris"])[0].defaults == 1
