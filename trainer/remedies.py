"""What advice consists of: what is seen, and the command or the settings that would mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .choices import Activation, Initialization, Optimizer

Columns = Mapping[str, np.ndarray[Any, Any]]
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Advice:
    """One observation and what would act on it.

    Attributes
    ----------
    kind : str
        Of trouble: exploding, diverging, oscillating, overfitting, symmetry, dead_units, saturated, saddle,
        vanishing, regularised, noise, small_rate or plateau. Of an outlook: improving or converged.
    since : int
        Epoch from which it shows.
    text : str
        What is seen, with its numbers.
    command : dict or None
        A command as POST /trials/{id}/commands takes it, or None where none would help, or what it would
        start from is not known.
    settings : dict or None
        Where this trial is past help: what another one needs instead of the settings of this one.
    """

    kind: str
    since: int
    text: str
    command: dict[str, Any] | None = field(default=None)
    settings: dict[str, Any] | None = field(default=None)


def rate_of(columns: Columns, settings: Settings) -> float | None:
    """Return alpha0. Where it is the trainer's default the curve tells it, unless alpha decays.

    Without an epoch it is the least default that the optimiser has: the kind of data is not known here.
    """
    rate = settings.get("learning_rate")
    if rate is None and settings.get("decay", "none") == "none" and len(columns.get("learning_rate", ())):
        rate = columns["learning_rate"][-1]
    if rate is None and not len(columns.get("learning_rate", ())) and "optimizer" in settings:
        facts = Optimizer[settings["optimizer"]].facts
        rate = min(facts.rate, facts.regression_rate or facts.rate, *(facts.whole_batch_rates or ()))
    return None if rate is None or not np.isfinite(rate) else float(rate)


def rate_changes(columns: Columns, settings: Settings, factor: float) -> dict[str, Any] | None:
    """Return the change of alpha0 by a factor; None where it is not known."""
    rate = rate_of(columns, settings)
    return None if rate is None else {"learning_rate": float(f"{rate * factor:.3g}")}


def low_rate(columns: Columns, settings: Settings) -> dict[str, Any] | None:
    """Return the change to a tenth of alpha0, at most to what is usual; None where it is not known."""
    changes = rate_changes(columns, settings, 1 / 10)
    usual = Optimizer[settings.get("optimizer", Optimizer.adam.name)].facts.usual_rate
    return changes and {"learning_rate": min(usual, changes["learning_rate"])}


def set_to(changes: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the command that changes settings from now on."""
    return None if changes is None else {"kind": "set", "arguments": changes}


def fork(epoch: int, changes: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the command that goes on from an epoch with other settings, as another trial."""
    return None if changes is None else {"kind": "fork", "arguments": {"epoch": epoch, "changes": changes}}


def odd_initialization(settings: Settings) -> str | None:
    """Name an initialisation that is not the usual one in size; None where it is."""
    rule, scale = settings.get("initialization"), settings.get("init_scale")
    if rule == Initialization.zeros.name:
        return "initialization: zeros"
    if rule == Initialization.normal.name:
        return f"initialization: normal{f', init_scale {scale:g}' if scale is not None else ''}"
    return None if scale is None or 0.5 <= scale <= 2 else f"init_scale {scale:g}"


def usual_initialization(settings: Settings) -> dict[str, Any]:
    """Return the initialisation that suits the activation."""
    facts = Activation[settings.get("activation", Activation.relu.name)].facts
    return {"initialization": facts.initialization, "init_scale": 1}
