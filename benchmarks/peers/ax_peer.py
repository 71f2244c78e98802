"""Ax's client with its defaults; it is told no conditions, so it always names all axes."""

import logging
import warnings
from typing import Any

import torch
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from protocol import PeerAxis, Point, serve


def parameter(axis: PeerAxis) -> Any:
    """Return an axis as Ax has it."""
    name = f"x{axis.name}"
    if axis.kind == "float":
        return RangeParameterConfig(name=name, parameter_type="float", bounds=(0.0, 1.0))
    if axis.kind == "int" and axis.levels > 1:
        return RangeParameterConfig(name=name, parameter_type="int", bounds=(0, axis.levels - 1))
    return ChoiceParameterConfig(
        name=name,
        parameter_type="int",
        values=list(range(axis.levels)),
        is_ordered=axis.levels == 2,
    )


class AxPeer:
    """Ask and tell; failures are marked as such."""

    def __init__(self, axes: list[PeerAxis], seed: int, trials: int) -> None:
        torch.set_num_threads(1)
        self._axes = axes
        self._client = Client(random_seed=seed)
        self._client.configure_experiment(parameters=[parameter(axis) for axis in axes])
        self._client.configure_optimization(objective="-value")
        self._asked: dict[int, tuple[int, dict[str, Any]]] = {}

    def ask(self, number: int) -> Point:
        """Return the next point."""
        ((trial, values),) = self._client.get_next_trials(max_trials=1).items()
        self._asked[number] = trial, dict(values)
        return {
            axis.name: (float if axis.kind == "float" else int)(values[f"x{axis.name}"])
            for axis in self._axes
        }

    def tell(self, number: int, point: Point, value: float | None) -> None:
        """Tell the value of a point, which may be another one than was asked for."""
        trial, values = self._asked.pop(number)
        told = {**values, **{f"x{name}": one for name, one in point.items()}}
        if told != values:
            self._client.mark_trial_abandoned(trial)
            trial = self._client.attach_trial(told)
        if value is None:
            self._client.mark_trial_failed(trial)
        else:
            self._client.complete_trial(trial, raw_data={"value": value})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    serve(AxPeer)
