"""Optuna's samplers with their defaults: python optuna_peer.py tpe | gp | cmaes | auto | random."""

import sys
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from protocol import PeerAxis, Point, Worst, serve

NAME = sys.argv[1]


def sampler(seed: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of the command line."""
    if NAME == "auto":  # fetched by the package optunahub
        import optunahub

        return optunahub.load_module("samplers/auto_sampler").AutoSampler(seed=seed)  # type: ignore[no-any-return]
    kinds: dict[str, Any] = {
        "tpe": optuna.samplers.TPESampler,
        "cmaes": optuna.samplers.CmaEsSampler,
        "gp": optuna.samplers.GPSampler,
        "random": optuna.samplers.RandomSampler,
    }
    return kinds[NAME](seed=seed)  # type: ignore[no-any-return]


def distribution(axis: PeerAxis) -> BaseDistribution:
    """Return an axis as Optuna has it."""
    if axis.kind == "float":
        return FloatDistribution(0.0, 1.0)
    if axis.kind == "choice":
        return CategoricalDistribution(list(range(axis.levels)))
    return IntDistribution(0, axis.levels - 1)


class OptunaPeer:
    """A study; an axis under a condition is suggested only where it is there."""

    def __init__(self, axes: list[PeerAxis], seed: int, trials: int) -> None:
        self._study = optuna.create_study(sampler=sampler(seed))
        self._axes = axes
        self._asked: dict[int, optuna.trial.Trial] = {}
        self._worst = Worst(self._tell)
        self.tell = self._worst.tell

    def ask(self, number: int) -> Point:
        """Suggest what every trial has first, then what its conditions bring."""
        trial = self._asked[number] = self._study.ask()
        point: Point = {}
        for axis in self._axes:
            if axis.there(point):
                point[axis.name] = trial._suggest(axis.name, distribution(axis))
        return point

    def _tell(self, number: int, point: Point, value: float) -> None:
        trial = self._asked.pop(number)
        if point == trial.params:
            self._study.tell(trial, value)
            return
        self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        distributions = {axis.name: distribution(axis) for axis in self._axes if axis.name in point}
        self._study.add_trial(
            optuna.trial.create_trial(params=point, distributions=distributions, value=value)
        )


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    serve(OptunaPeer)
