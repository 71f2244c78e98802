"""Changing what an optimizer of PyTorch trains with, under a schedule too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from caviar.frameworks.steps import Setter

RATES = ("lr", "initial_lr", "max_lr", "min_lr")  # of a group: what a schedule derives the rate from
NAMES = ("learning_rate", "lr")


def optimizer_setters(optimizers: Iterable[Any], schedulers: Iterable[Any] = ()) -> dict[str, Setter]:
    """Return what changes the learning rate, and each other number that all groups have.

    A new learning rate is the one that the schedule begins with: where that has come to is kept, and so is
    the ratio between groups.
    """
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    schedulers = list(schedulers)
    if not groups:
        return {}
    setters: dict[str, Setter] = {name: _rate_setter(groups, schedulers) for name in NAMES}
    for name, value in groups[0].items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and name not in RATES and all(name in group for group in groups):
            setters[name] = _setter(groups, name)
    return setters


def _setter(groups: list[Any], name: str) -> Setter:
    def change(value: Any) -> None:
        for group in groups:
            group[name] = value

    return change


def _rate_setter(groups: list[Any], schedulers: list[Any]) -> Setter:
    def change(value: Any) -> None:
        base = float(groups[0].get("initial_lr", groups[0]["lr"]))
        scaled: Callable[[Any], Any] = (lambda rate: rate * (value / base)) if base else (lambda _rate: value)
        for group in groups:
            for name in RATES:
                if name in group:
                    group[name] = scaled(group[name])
        for scheduler in schedulers:
            if hasattr(scheduler, "base_lrs"):
                scheduler.base_lrs = [scaled(rate) for rate in scheduler.base_lrs]

    return change
