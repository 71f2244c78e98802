"""What is wrong between settings of layers: how many there are, of which each has a value or is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .problem import Problem


def layer_problems(parsed: Mapping[str, Any]) -> list[Problem]:
    """Lists with one value per layer must agree with the number of hidden layers."""
    units = parsed.get("hidden_units")
    layers = parsed.get("hidden_layers")
    problems = []
    if isinstance(units, tuple):
        if layers is not None and layers != len(units):
            problems.append(
                Problem(
                    "settings.hidden_units",
                    f"{len(units)} values for {layers} hidden layers",
                    "give one value per hidden layer, one number for all, or leave hidden_layers out",
                )
            )
        layers = len(units)
    layers = 1 if layers is None else layers
    problems += _frozen_problems(parsed, layers)
    keep = parsed.get("keep_prob")
    if isinstance(keep, tuple) and len(keep) != layers:
        problems.append(
            Problem(
                "settings.keep_prob",
                f"{len(keep)} values for {layers} hidden layers",
                "give one value per hidden layer, or one number for all",
            )
        )
    return problems


def _frozen_problems(parsed: Mapping[str, Any], layers: int) -> list[Problem]:
    """Layers that are frozen come from a model, and the output layer is none of them."""
    frozen = parsed.get("frozen_layers", 0)
    if frozen and parsed.get("init_from") is None:
        message = "without init_from random weights would stay"
        return [Problem("settings.frozen_layers", message, "give init_from a trial, or leave it out")]
    if frozen > layers:
        message = f"{frozen} layers are to be frozen, of {layers} hidden ones"
        remedy = f"at most {layers}: the output layer always learns"
        return [Problem("settings.frozen_layers", message, remedy)]
    return []
