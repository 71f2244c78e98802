"""Which settings have an effect only with certain values of others, and what trains nothing at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .problem import Problem
from .settings import describe

_INFOS = {info.name: info for info in describe()}
_OF_BATCH_NORM = ("batch_norm_momentum", "batch_norm_epsilon")
_OF_HIDDEN_LAYERS = ("hidden_units", "activation", "leaky_slope", "keep_prob", "batch_norm", *_OF_BATCH_NORM)
_RATIO = 10.0  # between the ends of a range, from which on a linear scale spends its draws on one end
_AVERAGES = ("momentum", "beta1", "beta2", "batch_norm_momentum")


def needs(setting: str) -> tuple[str, ...]:
    """Return the other settings that a setting needs certain values of to have an effect."""
    info = _INFOS.get(setting)
    others = [*info.only_with] if info else []
    if setting in _OF_BATCH_NORM:
        others.append("batch_norm")
    return (*others, "hidden_layers") if setting in _OF_HIDDEN_LAYERS else tuple(others)


def works_with(setting: str, other: str, value: Any) -> bool:
    """Return whether a setting has an effect with this value of another, one of those it needs."""
    if value is None:  # a rule chooses: one that has an effect
        return True
    if other == "batch_norm":
        return value is not False
    if other == "hidden_layers":
        return bool(value != 0)
    uses = _INFOS[setting].only_with[other]
    return bool({*str(value).split("+")} & {*uses})


def working(setting: str, other: str) -> str:
    """Return, as a user writes it, the values of another setting with which one has an effect."""
    if other == "batch_norm":
        return "true"
    if other == "hidden_layers":
        return "{low: 1}"
    uses = _INFOS[setting].only_with[other]
    return uses[0] if len(uses) == 1 else f"[{', '.join(uses)}]"


def trains_nothing(settings: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with settings that are in range each and together train nothing."""
    if settings.get("batch_norm") is True and settings.get("batch_size") == 1:
        message = "with mini-batches of one row, batch norm makes every Z 0"
        return [Problem("settings.batch_size", message, "use at least 2, or batch_norm: false")]
    return []


def scale_hints(space: Mapping[str, Any]) -> list[Problem]:
    """Return which linear scales of a space, as submitted, would better be logarithmic."""
    found = []
    for name, one in space.items():
        ends = (one.get("low"), one.get("high")) if isinstance(one, Mapping) else (None, None)
        if not all(isinstance(end, int | float) for end in ends) or one.get("scale", "linear") != "linear":
            continue
        low, high = float(ends[0]), float(ends[1])  # type: ignore[arg-type]
        if name == "learning_rate" and low >= 0 and high > _RATIO * low:
            above = (high - max(low, high / _RATIO)) / (high - low)
            share = f"{above:.0%} of the draws are above {high / _RATIO:g}"
            remedy = "submit a copy with scale: log" + (" and a low end above 0" if low == 0 else "")
            found.append(Problem(f"space.{name}.scale", f"on a linear scale {share}", remedy))
        elif name in _AVERAGES and high < 1 and 1 - low > _RATIO * (1 - high):
            share = f"nearly all draws average over a few steps, hardly one over {1 / (1 - high):.0f}"
            remedy = "submit a copy with scale: one_minus_log"
            found.append(Problem(f"space.{name}.scale", f"on a linear scale {share}", remedy))
    return found


def matters(setting: str, known: Mapping[str, Sequence[Any]]) -> bool:
    """Return whether a setting can have an effect, for all values that others may have; none known: any."""
    return all(
        any(works_with(setting, other, value) for value in known.get(other, (None,)))
        for other in needs(setting)
    )
