"""Optuna's samplers called directly, as a user of Optuna would: the peers of the quality bench."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from benchmarks.quality_problems import Outcome, Problem
from caviar.search.encoding import SpaceEncoding, encoding_of

Sampler = Callable[[int], optuna.samplers.BaseSampler]

SAMPLERS: dict[str, Sampler] = {
    "optuna_tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "optuna_cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "optuna_gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
}


def distribution(encoding: SpaceEncoding, axis: int) -> BaseDistribution:
    """Integers as integers, ordered choices too; other scales as the coordinate that they make even."""
    centres = encoding.centres[axis]
    if centres is None:
        return FloatDistribution(0.0, 1.0)
    if not encoding.space.axes[axis].ordered:
        return CategoricalDistribution(list(range(len(centres))))
    return IntDistribution(0, len(centres) - 1)


def run(name: str, problem: Problem, seed: int, trials: int, lag: int) -> list[Outcome]:
    """Search with a sampler's defaults; `lag` trials are still running when one is asked for.

    A conditional parameter is suggested only where it is active. Where a table answers with a neighbour of
    what was asked for, the sampler is told the neighbour.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study, train, encoding = (
        optuna.create_study(sampler=SAMPLERS[name](seed)),
        problem.start(seed),
        encoding_of(problem.space),
    )
    outcomes: list[Outcome] = []
    running: deque[tuple[optuna.trial.Trial, Outcome]] = deque()
    for _ in range(trials):
        trial = study.ask()
        outcome = train(_suggest(trial, encoding))
        outcomes.append(outcome)
        running.append((trial, outcome))
        if len(running) > lag:
            _tell(study, encoding, *running.popleft())
    return outcomes


def _suggest(trial: optuna.trial.Trial, encoding: SpaceEncoding) -> np.ndarray:
    """Suggest first what every trial has, then what its conditions bring."""
    unit, asked = np.full(encoding.dimensions, 0.5), set[int]()
    conditional = encoding.space.conditional
    wanted = [place for place, axis in enumerate(encoding.space.axes) if axis.parameter not in conditional]
    while wanted:
        for axis in wanted:
            unit[axis] = _suggest_axis(trial, encoding, axis)
        asked.update(wanted)
        active = np.flatnonzero(encoding.space.active_at(unit[None])[0]).tolist()
        wanted = [axis for axis in active if axis not in asked]
    return unit


def _suggest_axis(trial: optuna.trial.Trial, encoding: SpaceEncoding, axis: int) -> float:
    centres, name = encoding.centres[axis], str(axis)
    if centres is None:
        return trial.suggest_float(name, 0.0, 1.0)
    if encoding.space.axes[axis].ordered:
        return float(centres[trial.suggest_int(name, 0, len(centres) - 1)])
    return float(centres[trial.suggest_categorical(name, list(range(len(centres))))])


def _tell(study: optuna.Study, encoding: SpaceEncoding, trial: optuna.trial.Trial, outcome: Outcome) -> None:
    params = _params(encoding, outcome.unit)
    value = min(outcome.observed, 1e300)
    asked = trial.params
    if (
        all(np.isclose(params[key], asked[key]) for key in params.keys() & asked.keys())
        and params.keys() == asked.keys()
    ):
        study.tell(trial, value)
        return
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    distributions = {key: distribution(encoding, int(key)) for key in params}
    study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=value))


def _params(encoding: SpaceEncoding, unit: np.ndarray) -> dict[str, Any]:
    active = encoding.space.active_at(unit[None])[0]
    params: dict[str, Any] = {}
    for axis in np.flatnonzero(active):
        centres = encoding.centres[axis]
        params[str(axis)] = (
            float(unit[axis]) if centres is None else int(np.argmin(np.abs(centres - unit[axis])))
        )
    return params
