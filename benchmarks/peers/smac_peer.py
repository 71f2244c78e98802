"""SMAC's facade for hyperparameters, with its defaults; every trial counts as without noise."""

import tempfile
from pathlib import Path
from typing import Any

from ConfigSpace import (
    CategoricalHyperparameter,
    Configuration,
    ConfigurationSpace,
    InCondition,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)
from protocol import PeerAxis, Point, serve
from smac import HyperparameterOptimizationFacade, Scenario
from smac.main.exceptions import ConfigurationSpaceExhaustedException
from smac.runhistory import StatusType, TrialInfo, TrialValue


def hyperparameter(axis: PeerAxis) -> Any:
    """Return an axis as ConfigSpace has it."""
    if axis.kind == "float":
        return UniformFloatHyperparameter(axis.name, 0.0, 1.0)
    if axis.kind == "choice" or axis.levels == 1:
        return CategoricalHyperparameter(axis.name, list(range(axis.levels)))
    return UniformIntegerHyperparameter(axis.name, 0, axis.levels - 1)


class SmacPeer:
    """Ask and tell; failures are told as crashes."""

    def __init__(self, axes: list[PeerAxis], seed: int, trials: int) -> None:
        self._axes = {f"x{axis.name}": axis for axis in axes}
        self._space = ConfigurationSpace(seed=seed)
        own = {
            axis.name: hyperparameter(PeerAxis(name, axis.kind, axis.levels, axis.when))
            for name, axis in self._axes.items()
        }
        self._space.add(*own.values())
        for axis in axes:
            if axis.when is not None:
                self._space.add(InCondition(own[axis.name], own[axis.when[0]], axis.when[1]))
        self._folder = tempfile.TemporaryDirectory()
        # Neighbours that are told count twice, so the budget is wide; the design is that of the true one.
        scenario = Scenario(
            self._space,
            deterministic=True,
            n_trials=10 * trials,
            seed=seed,
            output_directory=Path(self._folder.name),
        )
        design = HyperparameterOptimizationFacade.get_initial_design(
            scenario, n_configs=min(10 * len(axes), trials // 4)
        )
        self._smac = HyperparameterOptimizationFacade(
            scenario, _unused, initial_design=design, overwrite=True, logging_level=50
        )
        self._asked: dict[int, TrialInfo] = {}

    def ask(self, number: int) -> Point:
        """Return the next configuration; the best one again where the space has no more."""
        try:
            info = self._asked[number] = self._smac.ask()
            config = info.config
        except (ConfigurationSpaceExhaustedException, StopIteration):
            config = self._smac.intensifier.get_incumbent()
        return {
            self._axes[name].name: (float if self._axes[name].kind == "float" else int)(value)
            for name, value in dict(config).items()
        }

    def tell(self, number: int, point: Point, value: float | None) -> None:
        """Tell the cost of a configuration, which may be another one than was asked for."""
        info = self._asked.pop(number, None)
        if info is None:
            return  # a repeat, for which SMAC has no place
        values = {f"x{name}": one for name, one in point.items()}
        if values != dict(info.config):
            info = TrialInfo(Configuration(self._space, values=values), seed=info.seed)
        told = TrialValue(1e9, status=StatusType.CRASHED) if value is None else TrialValue(value)
        self._smac.tell(info, told)


def _unused(config: Any, seed: int = 0) -> float:
    raise NotImplementedError("trials are asked for and told")


if __name__ == "__main__":
    serve(SmacPeer)
