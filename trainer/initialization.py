"""The first weights: zeros, normal, Xavier, Glorot, He. b = 0, gamma = 1, beta = 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .choices import Activation, Initialization
from .network import Network
from .settings import Settings

_SMALL = "small"


def standard_deviation(rule: str, scale: float | None, fan_in: int, fan_out: int) -> float:
    """Return the standard deviation of W[l]; fan_in = n[l-1], fan_out = n[l]. Scale multiplies it.

    Small: a tenth of Xavier's deviation, for the output layer.
    """
    if rule == _SMALL:
        return (1.0 if scale is None else scale) * math.sqrt(0.01 / fan_in)
    facts = Initialization[rule].facts
    return ((facts.scale or 1.0) if scale is None else scale) * math.sqrt(facts.variance(fan_in, fan_out))


def _rule_of(activation: str, output: bool) -> str:
    """Return the default: by the activation; an output layer starts near equal probabilities, or the mean."""
    if output:
        return _SMALL
    return Activation[activation].facts.initialization


def initial_weights(network: Network, settings: Settings, seed: int, dtype: Any) -> np.ndarray[Any, Any]:
    """Return the flat buffer of a new network; each layer draws from its own stream of the seed.

    Returns
    -------
    weights : ndarray(dtype, (network.total,))
    """
    weights = aligned_zeros(network.total, dtype)
    for name, tensor in network.tensors(weights).items():
        if name.startswith("W"):
            fan_out, fan_in = tensor.shape
            layer = int(name[1:])
            rule = settings.initialization or _rule_of(settings.activation, layer == network.layers)
            deviation = standard_deviation(rule, settings.init_scale, fan_in, fan_out)
            if deviation > 0:
                generator = np.random.Generator(np.random.Philox(key=[seed, layer]))
                tensor.T[...] = generator.standard_normal((fan_in, fan_out)) * deviation
        elif name.startswith("gamma"):
            tensor[...] = 1
    return weights


def aligned_zeros(size: int, dtype: Any) -> np.ndarray[Any, Any]:
    """Return zeros that begin on a cache line: a little faster to load. No result depends on it."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(size * itemsize + 64, np.uint8)
    begin = -raw.ctypes.data % 64
    return raw[begin : begin + size * itemsize].view(dtype)
