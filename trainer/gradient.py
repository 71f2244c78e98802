"""The cost as a function of the parameters, with its gradient: what gradient checks and other tests need."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import buffers
from .data.types import Data
from .kernels import epoch, measured_epoch, structs
from .network import Network
from .settings import Settings
from .weighing import cost_weights_of

Array = np.ndarray[Any, Any]


class CostFunction:
    """J of a fixed batch: all training examples of `data`, with the dropout masks of one (seed, step).

    The kernels are those of training, in the data's precision.

    Attributes
    ----------
    network : Network
        Its `tensors` views weights and gradients in the course's shapes, of length `total` and `learned`.
    """

    def __init__(self, settings: Settings, data: Data, seed: int = 0, step: int = 0):
        self.network = Network.of(settings, data)
        m = data.X_train.shape[0]
        self._shape = self.network.shape()
        self._hyper = buffers.hyper_of(settings, data)
        self._examples = buffers.examples_of(data)
        self._cost_weights = buffers.flat(cost_weights_of(settings, data))
        self._scratch = buffers.scratch_of(self.network, m, m, data.dtype)
        self._state = buffers.state_of(self.network, np.zeros(self.network.total, data.dtype), seed)
        self._state.counters[structs.STEP] = step

    def __call__(self, weights: Array) -> tuple[float, Array]:
        """Return J and its gradient.

        Parameters
        ----------
        weights : ndarray(float32 or float64, (network.total,))

        Returns
        -------
        cost : float
        gradient : ndarray(same dtype, (network.learned,))
        """
        np.copyto(self._state.weights, weights)
        examples = self._examples
        common = (self._shape, self._hyper, self._state, self._scratch)
        batch = (examples.X, examples.labels, examples.targets)
        if self._cost_weights.size:
            cost = measured_epoch.gradient_at(*common, *batch, self._cost_weights, examples.m)
        else:
            cost = epoch.gradient_at(*common, *batch, examples.m)
        buffers.refuse_unknown_codes(self._state)
        return float(cost), self._scratch.gradient.copy()
