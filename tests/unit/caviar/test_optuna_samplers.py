"""Our samplers pass the public tests that Optuna has for samplers, and find as much as the strategy does."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)

from caviar.optuna import CoarseToFineSampler, SobolSampler

optuna.logging.set_verbosity(optuna.logging.ERROR)


class TestCoarseToFine(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], optuna.samplers.BaseSampler]:
        return CoarseToFineSampler


class TestSobol(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], optuna.samplers.BaseSampler]:
        return SobolSampler


def best(sampler: optuna.samplers.BaseSampler, objective: Any, trials: int = 40, **more: Any) -> float:
    study = optuna.create_study(sampler=sampler, **more)
    study.optimize(objective, n_trials=trials, catch=(RuntimeError,))
    return study.best_value


def bowl(trial: optuna.Trial) -> float:
    x, y = trial.suggest_float("x", -5, 5), trial.suggest_float("y", 1e-4, 1.0, log=True)
    return (x - 1.7) ** 2 + (np.log10(y) + 2.3) ** 2


def test_it_finds_more_than_chance_and_the_same_with_the_same_seed() -> None:
    ours = [best(CoarseToFineSampler(n_trials=40, seed=seed), bowl) for seed in range(3)]
    chance = [best(optuna.samplers.RandomSampler(seed=seed), bowl) for seed in range(3)]
    assert np.median(ours) < 0.1 * np.median(chance)
    assert best(CoarseToFineSampler(n_trials=40, seed=2), bowl) == ours[2]


def test_a_maximum_is_sought_upwards() -> None:
    found = best(CoarseToFineSampler(n_trials=30, seed=1), lambda t: -bowl(t), 30, direction="maximize")
    assert found > -0.2


def test_it_keeps_away_from_where_trials_fail_or_break_a_constraint() -> None:
    def fails(trial: optuna.Trial) -> float:
        value = bowl(trial)
        if trial.params["x"] > 1:
            raise RuntimeError("out of memory")
        return value

    study = optuna.create_study(sampler=CoarseToFineSampler(n_trials=40, seed=2))
    study.optimize(fails, n_trials=40, catch=(RuntimeError,))
    assert sum(one.state == optuna.trial.TrialState.FAIL for one in study.trials[20:]) <= 6

    sampler = CoarseToFineSampler(n_trials=40, seed=2, constraints_func=lambda one: [one.params["x"] - 1])
    study = optuna.create_study(sampler=sampler)
    study.optimize(bowl, n_trials=40)
    assert sum(one.params["x"] > 1 for one in study.trials[20:]) <= 6


def test_what_hangs_on_a_condition_is_learned_from_the_trials() -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("kind", ["tree", "line"]) == "tree":
            return (trial.suggest_int("depth", 1, 12) - 7) ** 2 + 0.5
        return (trial.suggest_float("slope", -3.0, 3.0) - 1) ** 2

    study = optuna.create_study(sampler=CoarseToFineSampler(n_trials=40, seed=4))
    study.optimize(objective, n_trials=40)
    assert study.best_value < 0.01
    assert study.best_params["kind"] == "line"


def test_the_scale_one_minus_log_spreads_the_distance_from_one() -> None:
    study = optuna.create_study(sampler=SobolSampler(seed=5, one_minus_log=["momentum"]))
    study.optimize(lambda trial: trial.suggest_float("momentum", 0.9, 0.9999), n_trials=64)
    distances = 1 - np.array([one.params["momentum"] for one in study.trials])
    assert ((distances > 1e-4 * 0.999) & (distances <= 0.1000001)).all()
    shares = [((distances > low) & (distances <= 10 * low)).mean() for low in (1e-4, 1e-3, 1e-2)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.05)
    study = optuna.create_study(sampler=SobolSampler(one_minus_log=["momentum"]))
    with pytest.raises(ValueError, match=r"'momentum' is in one_minus_log .* high below 1"):
        study.optimize(lambda trial: trial.suggest_float("momentum", 0.9, 1.0), n_trials=1)


def test_choices_that_are_equal_for_python_stay_apart() -> None:
    study = optuna.create_study(sampler=SobolSampler(seed=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.optimize(
            lambda trial: float(trial.suggest_categorical("x", (None, "a", 2, 0.5)) == "a"), n_trials=16
        )
    assert {one.params["x"] for one in study.trials} == {None, "a", 2, 0.5}


def test_the_example_tunes_lightgbm() -> None:
    try:
        import lightgbm  # noqa: F401
    except OSError as error:  # of the system's OpenMP library
        pytest.skip(f"LightGBM cannot be loaded: {error}")
    example = Path(__file__).parents[3] / "examples" / "optuna_study.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example), "4"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("log loss 0.")
