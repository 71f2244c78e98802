"""The state of a run: what it measures on a part, and the result and the model that it gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from . import buffers, evaluation, model_file
from .data.types import Data
from .defaults import with_defaults
from .initialization import initial_weights
from .kernels import structs
from .kernels.structs import Status
from .measuring import Measuring
from .metrics import ResultMetric, named, result_metrics
from .network import Network
from .problem import SettingError
from .settings import Settings
from .transfer import SETTLED, carry_over
from .weighing import weights_of

_SHOWN = {Status.early: Status.completed, Status.diverged_dev: Status.diverged}


class RunState:
    """A network in training as it stands; how it goes on is `run.Run`."""

    def __init__(
        self, settings: Settings, data: Data, seed: int, weights: np.ndarray[Any, Any] | None = None
    ):
        """Begin; `weights` replaces the drawn initial weights, laid out as `network.tensors` tells.

        Raises
        ------
        SettingError
            The settings do not fit the data or the network does not fit into memory.
        """
        self.settings = settings = with_defaults(settings, data)
        self.seed = seed
        self.data = data
        self.network = Network.of(settings, data)
        buffers.refuse_what_does_not_fit(settings, data, self.network)
        self._shape = self.network.shape()
        self._hyper = buffers.hyper_of(settings, data)
        self._measuring = Measuring(settings, data)
        self._examples = buffers.examples_of(data)
        if bool(settings.init_from) != (data.start is not None):
            raise SettingError.of(
                "settings.init_from", "the data was not loaded for this model", "load it with these settings"
            )
        begins = weights is None
        if weights is None:
            weights = initial_weights(self.network, settings, seed, data.dtype)
        if begins and data.start is not None:
            carry_over(self.network, settings, weights, data.start)
        self._state = buffers.state_of(self.network, weights, seed)
        if begins and data.start is not None:
            self._state.counters[structs.AVERAGED] = SETTLED
        self._scratch = buffers.scratch_of(self.network, self._hyper.batch_size, self._examples.m, data.dtype)
        self._seconds = 0.0  # spent in the kernels

    @property
    def step(self) -> int:
        """Mini-batches trained so far."""
        return int(self._state.counters[structs.STEP])

    @property
    def epoch(self) -> int:
        """Epochs finished so far."""
        return int(self._state.counters[structs.EPOCH]) - 1

    @property
    def between_epochs(self) -> bool:
        """Whether no mini-batch of the next epoch has been trained yet."""
        counters = self._state.counters
        return bool(counters[structs.POSITION] == 0 and counters[structs.PHASE] == structs.TRAINING)

    @property
    def status(self) -> str:
        """running, completed, diverged or stopped."""
        status = Status(int(self._state.counters[structs.STATUS]))
        return _SHOWN.get(status, status).name

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest dev error so far, 0 before the first."""
        return int(self._state.counters[structs.BEST_EPOCH])

    @property
    def weights(self) -> np.ndarray[Any, Any]:
        """The flat buffer that the result describes: the best weights after a stop, else the last ones."""
        weights: np.ndarray[Any, Any] = self._state.best if self._describes_best() else self._state.weights
        return weights

    @property
    def last_weights(self) -> np.ndarray[Any, Any]:
        """The flat buffer as the last mini-batch left it."""
        weights: np.ndarray[Any, Any] = self._state.weights
        return weights

    def model(self) -> bytes:
        """Return the network as a model file: safetensors, with mu and sigma and the classes in it."""
        return model_file.save(
            self.network, self.weights, self._correction(), self.settings, self.data, self.seed, self._limit()
        )

    def result(self) -> dict[str, float]:
        """Return final metrics of `weights`: full passes over train, dev and train-dev set, never test."""
        metrics: dict[str, float] = {"epoch": self.epoch, "step": self.step, "best_epoch": self.best_epoch}
        parts = ("train", "dev", "train_dev")
        there = [part for part in parts if getattr(self.data, f"X_{part}") is not None]
        asked = [found for name in self._measuring.names if (found := named(name))]
        metrics |= self.measure([*result_metrics(there).values(), *asked])
        if 0 < self.data.own_rows < len(self.data.X_train):
            metrics["train_error_own"] = self._error_of_own_rows()
        if self._measuring.per_trial:
            metrics |= self._measuring.of_trial(self.model(), self.network.parameters, self._seconds)
        return metrics

    def measure(self, asked: Iterable[ResultMetric]) -> dict[str, float]:
        """Return these metrics of `weights` by name, with one pass through each part that any is of.

        Others than error and cost are those that the settings name.
        """
        by_part: dict[str, list[ResultMetric]] = {}
        for metric in asked:
            by_part.setdefault(metric.part, []).append(metric)
        metrics: dict[str, float] = {}
        limit = self._limit() if by_part else 0.0
        for part, wanted in by_part.items():
            more = [metric.name for metric in wanted if not metric.always]
            outputs = self._outputs(part) if more else None
            always = self._evaluate(part, limit, outputs)
            found = {f"{part}_{measure}": number for measure, number in always._asdict().items()}
            if outputs is not None:
                found |= self._measuring.of_part(part, outputs, limit) | found
            names = {metric.name for metric in wanted}
            metrics |= {name: number for name, number in found.items() if name in names}
        return metrics

    def evaluate(self, part: str) -> evaluation.Evaluation:
        """Return the mean loss and the error of `weights` on "train", "dev", "train_dev" or "test".

        No dropout, no regulariser; batch norm by its averages.
        """
        return self._evaluate(part, self._limit())

    def _evaluate(
        self,
        part: str,
        limit: float,
        outputs: np.ndarray[Any, Any] | None = None,
        rows: int | None = None,
    ) -> evaluation.Evaluation:
        X, Y = (getattr(self.data, f"{name}_{part}")[:rows] for name in "XY")
        state = self._state._replace(weights=self.weights, counters=self._state.counters.copy())
        state.counters[structs.AVERAGED] = self._steps_averaged()
        weights = weights_of(self.data, part)[:rows]
        weights = weights if rows is None or not weights.any() else weights / weights.mean()
        return evaluation.evaluate(
            self._shape, state, self._scratch, self._examples, X, Y, weights, limit, outputs
        )

    def _pass_through(
        self, part: str, limit: float, outputs: np.ndarray[Any, Any] | None = None
    ) -> evaluation.Evaluation:
        """Pass a part through the network as it is now, at the end of an epoch."""
        X, Y = getattr(self.data, f"X_{part}"), getattr(self.data, f"Y_{part}")
        weights = weights_of(self.data, part)
        return evaluation.evaluate(
            self._shape, self._state, self._scratch, self._examples, X, Y, weights, limit, outputs
        )

    def _error_of_own_rows(self) -> float:
        """Return the error of `weights` on the training rows that are of the data set itself."""
        return self._evaluate("train", self._limit(), rows=self.data.own_rows).error

    def _outputs(self, part: str) -> np.ndarray[Any, Any]:
        """Return room for Z[L] of a part."""
        rows = len(getattr(self.data, f"X_{part}"))
        return np.empty(rows * self.network.sizes[-1], self.data.dtype)

    def _limit(self) -> float:
        """Return the limit of z between two classes; where the dev set decides, that of `weights`."""
        if not self._measuring.chooses:
            return self._measuring.limit
        outputs = self._outputs("dev")
        self._evaluate("dev", 0.0, outputs)
        return self._measuring.limit_of(outputs)

    @property
    def _phase(self) -> int:
        return int(self._state.counters[structs.PHASE])

    def _correction(self) -> float:
        """1 - momentum^t, by which the averages of batch norm in `weights` are divided."""
        return 1.0 - self._shape.batch_norm_momentum ** max(1, self._steps_averaged())

    def _steps_averaged(self) -> int:
        which = structs.BEST_AVERAGED if self._describes_best() else structs.AVERAGED
        return int(self._state.counters[which])

    def _describes_best(self) -> bool:
        stopped = self.settings.patience is not None or self.status == "stopped"
        return stopped and self.best_epoch > 0 and self.status != "running"
