"""Going on from a model: its network and weights in a new run, with a new output layer if need be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .data.types import Start
from .network import Network
from .problem import Problem, SettingError
from .settings import Settings

NETWORK = ("hidden_layers", "hidden_units", "activation", "leaky_slope", "batch_norm", "batch_norm_epsilon")
KEPT = "leave it out: what the network is comes from the model"
# Mini-batches that batch norm's averages of a model count as: their correction, 1 - momentum^t, is exactly 1.
SETTLED = 1 << 30


def with_network(settings: Mapping[str, Any], network: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with those of a model's network where nothing is said of it."""
    own = dict(network)
    if isinstance(settings.get("hidden_units"), list | tuple):
        del own["hidden_layers"]  # the list says it
    elif settings.get("hidden_layers") not in (None, own["hidden_layers"]):
        del own["hidden_units"]  # it asks for another network, which is refused
    return {**own, **{name: value for name, value in settings.items() if value is not None}}


def network_problems(settings: Settings, network: Mapping[str, Any]) -> list[Problem]:
    """Return the settings that ask for another network than that of a model."""
    widths = tuple(network["hidden_units"]) if network["hidden_layers"] else ()
    if settings.widths != widths:
        there = "no hidden layer" if not widths else f"hidden layers of {list(widths)} units"
        message = f"asks for {list(settings.widths)}, and the model of init_from has {there}"
        return [Problem("settings.hidden_units", message, KEPT)]
    if not widths:
        return []
    wanted = ["activation", "batch_norm"]
    wanted += ["leaky_slope"] if network["activation"] == "leaky_relu" else []
    wanted += ["batch_norm_epsilon"] if network["batch_norm"] else []
    return [
        Problem(f"settings.{name}", f"the model of init_from has {_plain(network[name])}", KEPT)
        for name in wanted
        if getattr(settings, name) != network[name]
    ]


def carry_over(network: Network, settings: Settings, weights: np.ndarray[Any, Any], start: Start) -> None:
    """Put the weights of a model in the place of the drawn ones, `weights` (network.total,).

    The output layer stays as it was drawn where the model's does not fit the target.

    Raises
    ------
    SettingError
        The settings ask for another network.
    """
    found = network_problems(settings, start.network)
    if found:
        raise SettingError(found)
    drawn = () if start.outputs else (f"W{network.layers}", f"b{network.layers}")
    for name, tensor in network.tensors(weights).items():
        if name not in drawn:
            tensor[...] = start.tensors[name]


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
