"""Optuna's samplers called directly, as a user of Optuna would: the peers of the quality bench."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from benchmarks.quality_problems import Outcome, Problem
from caviar.search.layout import Layout, layout_of

Sampler = Callable[[int], optuna.samplers.BaseSampler]

SAMPLERS: dict[str, Sampler] = {
    "optuna_tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "optuna_cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "optuna_gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
}


def distribution(layout: Layout, axis: int) -> BaseDistribution:
    """Integers as integers, ordered choices too; other scales as the coordinate that they make even."""
    centres = layout.centres[axis]
    if centres is None:
        return FloatDistribution(0.0, 1.0)
    if not layout.space.axes[axis].ordered:
        return CategoricalDistribution(list(range(len(centres))))
    return IntDistribution(0, len(centres) - 1)


def run(name: str, problem: Problem, seed: int, trials: int, lag: int) -> list[Outcome]:
    """Search with a sampler's defaults; `lag` trials are still running when one is asked for.

    A conditional parameter is suggested only where it is active. Where a table answers with a neighbour of
    what was asked for, the sampler is told the neighbour.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study, train, layout = (
        optuna.create_study(sampler=SAMPLERS[name](seed)),
        problem.start(seed),
        layout_of(problem.space),
    )
    outcomes: list[Outcome] = []
    running: deque[tuple[optuna.trial.Trial, Outcome]] = deque()
    for _ in range(trials):
        trial = study.ask()
        outcome = train(_suggest(trial, layout))
        outcomes.append(outcome)
        running.append((trial, outcome))
        if len(running) > lag:
            _tell(study, layout, *running.popleft())
    return outcomes


def _suggest(trial: optuna.trial.Trial, layout: Layout) -> np.ndarray:
    """Suggest first what every trial has, then what its conditions bring."""
    unit, asked = np.full(layout.dimensions, 0.5), set[int]()
    conditional = layout.space.conditional
    wanted = [place for place, axis in enumerate(layout.space.axes) if axis.parameter not in conditional]
    while wanted:
        for axis in wanted:
            unit[axis] = _suggest_axis(trial, layout, axis)
        asked.update(wanted)
        active = np.flatnonzero(layout.space.active_at(unit[None])[0]).tolist()
        wanted = [axis for axis in active if axis not in asked]
    return unit


def _suggest_axis(trial: optuna.trial.Trial, layout: Layout, axis: int) -> float:
    centres, name = layout.centres[axis], str(axis)
    if centres is None:
        return trial.suggest_float(name, 0.0, 1.0)
    if layout.space.axes[axis].ordered:
        return float(centres[trial.suggest_int(name, 0, len(centres) - 1)])
    return float(centres[trial.suggest_categorical(name, list(range(len(centres))))])


def _tell(study: optuna.Study, layout: Layout, trial: optuna.trial.Trial, outcome: Outcome) -> None:
    params = _params(layout, outcome.unit)
    value = min(outcome.observed, 1e300)
    asked = trial.params
    if (
        all(np.isclose(params[key], asked[key]) for key in params.keys() & asked.keys())
        and params.keys() == asked.keys()
    ):
        study.tell(trial, value)
        return
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    distributions = {key: distribution(layout, int(key)) for key in params}
    study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=value))


def _params(layout: Layout, unit: np.ndarray) -> dict[str, Any]:
    active = layout.space.active_at(unit[None])[0]
    params: dict[str, Any] = {}
    for axis in np.flatnonzero(active):
        centres = layout.centres[axis]
        params[str(axis)] = (
            float(unit[axis]) if centres is None else int(np.argmin(np.abs(centres - unit[axis])))
        )
    return params
