"""Ray Tune's PBT on the trainings of `benchmarks.population`: the same network, space and epochs."""

from __future__ import annotations

import math
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray import tune
from ray.tune.schedulers import PopulationBasedTraining

from benchmarks.population import EPOCHS_PER_TURN, FIXED, SPACE, TRAINER, Found, Size, load

WORST = 1e9  # of a training that diverged: Ray compares numbers


@cache
def data_of(name: str) -> Any:
    """Return a data set, loaded once in each process."""
    return load(name)


def settings_of(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a configuration, clipped to the space: Ray's factors lead out of it."""
    told = {**config, "beta1": 1.0 - config["one_minus_beta1"]}
    found = {}
    for name, definition in SPACE.items():
        value = min(max(told[name], definition["low"]), definition["high"])
        found[name] = round(value) if definition.get("type") == "int" else value
    return found


class Training(tune.Trainable):
    """One member: a step is a turn."""

    def setup(self, config: dict[str, Any]) -> None:
        """Begin from a seed."""
        self._seed = random.randrange(2**31)
        self._begin(config)

    def _begin(self, config: dict[str, Any]) -> None:
        self._run = TRAINER.start(
            {**FIXED, **settings_of(config), "epochs": EPOCHS_PER_TURN}, data_of(config["data"]), self._seed
        )

    def step(self) -> dict[str, Any]:
        """Train a turn."""
        cost = math.nan
        if self._run.status != "diverged":
            self._run.change({"epochs": self._run.epoch + EPOCHS_PER_TURN})
            while self._run.status == "running":
                for epoch in self._run.advance(10.0).epochs:
                    cost = epoch["dev_cost"]
        if self._run.status == "diverged" or not math.isfinite(cost):
            return {"dev_cost": WORST, "test_cost": WORST}
        return {"dev_cost": cost, "test_cost": self._run.evaluate("test").cost}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Keep the state."""
        Path(checkpoint_dir, "state").write_bytes(self._run.save())

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        """Go on from a state with the settings of this member."""
        state = Path(checkpoint_dir, "state").read_bytes()
        self._run = TRAINER.restore(state, data_of(self.config["data"]))
        if self._run.status != "diverged":
            self._run.change(settings_of(self.config))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the place of another member."""
        self.config = new_config
        self._begin(new_config)
        return True


class Ends(tune.Callback):
    """The costs at the ends of all turns."""

    def __init__(self) -> None:
        self.found: list[Found] = []

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **_info: Any
    ) -> None:
        """Take in a turn."""
        self.found.append((float(result["dev_cost"]), float(result["test_cost"])))


def with_ray(name: str, _data: Any, seed: int, size: Size) -> Found:
    """Return the costs of the best turn of a population of Ray Tune's."""
    if not ray.is_initialized():
        ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    random.seed(seed)
    np.random.seed(seed)
    scheduler = PopulationBasedTraining(
        time_attr="training_iteration", perturbation_interval=1, hyperparam_mutations=_mutations()
    )
    ends = Ends()
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            Training,
            param_space={"data": name, **_mutations()},
            tune_config=tune.TuneConfig(
                metric="dev_cost",
                mode="min",
                scheduler=scheduler,
                num_samples=size.members,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                storage_path=folder,
                stop={"training_iteration": size.turns},
                verbose=0,
                name="pbt",
                callbacks=[ends],
            ),
        )
        tuner.fit()
    if len(ends.found) < size.members * size.turns:
        raise RuntimeError(f"Ray trained {len(ends.found)} turns, fewer than the others")
    return min(ends.found)


def _mutations() -> dict[str, Any]:
    rates = SPACE["beta1"]
    return {
        "learning_rate": tune.loguniform(SPACE["learning_rate"]["low"], SPACE["learning_rate"]["high"]),
        "one_minus_beta1": tune.loguniform(1.0 - rates["high"], 1.0 - rates["low"]),
        "l2": tune.loguniform(SPACE["l2"]["low"], SPACE["l2"]["high"]),
        "keep_prob": tune.uniform(SPACE["keep_prob"]["low"], SPACE["keep_prob"]["high"]),
        "batch_size": tune.lograndint(SPACE["batch_size"]["low"], SPACE["batch_size"]["high"] + 1),
    }
