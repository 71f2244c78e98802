"""Advice on a run: what is wrong by its curve and its probes, and what would mend it.

Pure functions of the curve. Nothing here acts; a person, or an agent that was asked to, decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from . import plateau
from .remedies import (
    Advice,
    Columns,
    Settings,
    fork,
    low_rate,
    odd_initialization,
    rate_changes,
    set_to,
    usual_initialization,
)
from .watching import WINDOW

Curve = Mapping[str, Sequence[float]]

EXPLODED = 1e3  # times the first gradient norm, or the first cost


def advise(curve: Curve, settings: Settings, diverged: bool = False) -> list[Advice]:
    """Return the most urgent of what is wrong with a run; nothing for one that learns well.

    Parameters
    ----------
    curve : mapping of str to sequence of float
        Columns of one branch, one entry per epoch: ``epoch``, ``train_cost`` and whatever else is known of
        ``dev_cost``, ``dev_error``, ``learning_rate``, ``gradient_norm``, ``gradient_norm_1`` ..
        ``gradient_norm_L``, and what `probe.probe` tells of some epochs, NaN for the others.
    settings : mapping
        The settings in force.
    diverged : bool
        The run has ended, since its cost was not finite.
    """
    columns = {name: np.asarray(values, dtype=float) for name, values in curve.items()}
    if not diverged and len(columns.get("train_cost", ())) < 3:
        return []
    found = (
        _exploding(columns, settings, diverged)
        or _diverging(columns, settings)
        or plateau.judge(columns, settings)
        or _oscillating(columns, settings)
        or _overfitting(columns)
    )
    return [] if found is None else [found]


def outlook(curve: Curve) -> Advice | None:
    """Return what more epochs would bring; None where there is too little to say, or no end in sight."""
    columns = {name: np.asarray(values, dtype=float) for name, values in curve.items()}
    if len(columns.get("train_cost", ())) < 4:
        return None
    return plateau.converged(columns) or _improving(columns)


def _exploding(columns: Columns, settings: Settings, diverged: bool) -> Advice | None:
    """The cost is not finite, or gradients or cost have grown a thousandfold."""
    cost = columns.get("train_cost", np.zeros(0))
    finite = cost[np.isfinite(cost)]
    norm = columns.get("gradient_norm", np.zeros(0))
    infinite = diverged or not np.isfinite(cost[-1])
    with np.errstate(invalid="ignore"):
        grown = len(norm) > 1 and norm[0] > 0 and norm[-1] > EXPLODED * norm[0]
        risen = len(finite) > 1 and finite[-1] > EXPLODED * abs(finite[0])
        rising = len(finite) > 1 and finite[-1] > 2 * finite.min()
    if not (infinite or (grown and rising) or risen):
        return None
    best = int(np.nanargmin(np.where(np.isfinite(cost), cost, np.inf))) if len(finite) else -1
    since = int(columns["epoch"][best]) if best > 0 else 0
    said = "is not finite any more" if infinite else f"has grown to {cost[-1]:.4g}"
    text = f"The training cost {said}: gradients explode."
    odd = odd_initialization(settings)
    if odd and since == 0:
        text += (
            f" The weights begin too large ({odd}); no learning rate mends that, another initialisation does."
        )
        return Advice("exploding", 0, text, settings=usual_initialization(settings))
    changes = rate_changes(columns, settings, 1 / 10) if since else low_rate(columns, settings)
    text += f" Train {f'from epoch {since}' if since else 'from the beginning'} with a lower learning rate."
    return Advice("exploding", since, text, fork(since, changes))


def _diverging(columns: Columns, settings: Settings) -> Advice | None:
    """The training cost has risen for three epochs to over twice its least."""
    cost, epoch = columns["train_cost"], columns["epoch"]
    best = int(np.nanargmin(cost))
    rising = len(cost) >= 4 and bool(np.all(np.diff(cost[-4:]) > 0))
    if not (rising and cost[-1] > 2 * cost[best]):
        return None
    text = f"The training cost has risen from {cost[best]:.4g} (epoch {epoch[best]:.0f}) to {cost[-1]:.4g}."
    changes = rate_changes(columns, settings, 1 / 10)
    return Advice("diverging", int(epoch[best]), text, set_to(changes))


def _oscillating(columns: Columns, settings: Settings) -> Advice | None:
    """The cost goes up and down in most epochs and the swings are large against the descent."""
    cost, epoch = columns["train_cost"][-WINDOW:], columns["epoch"][-WINDOW:]
    if len(cost) < WINDOW or not np.all(np.isfinite(cost)):
        return None
    steps = np.diff(cost)
    turns = int(np.sum(steps[1:] * steps[:-1] < 0))
    descent = abs(cost[0] - cost[-1]) / (len(cost) - 1)
    swing = float(np.mean(np.abs(steps)))
    if turns < WINDOW // 2 or swing <= 4 * descent or swing <= 0.05 * float(np.mean(np.abs(cost))):
        return None
    text = (
        f"The training cost changed direction {turns} times in {len(cost)} epochs, by {swing:.3g} each: "
        "the learning rate is too high."
    )
    factor = 1 / 3 if swing < 0.5 * float(np.mean(np.abs(cost))) else 1 / 10
    return Advice("oscillating", int(epoch[0]), text, set_to(rate_changes(columns, settings, factor)))


def _overfitting(columns: Columns) -> Advice | None:
    """Dev cost and dev error have risen since the least dev cost while the training cost went on falling."""
    if "dev_cost" not in columns:
        return None
    dev, cost, epoch = columns["dev_cost"], columns["train_cost"], columns["epoch"]
    if not np.any(np.isfinite(dev)):
        return None
    best = int(np.nanargmin(dev))
    if len(dev) - 1 - best < WINDOW // 2 or not cost[-1] < cost[best] or not dev[-1] > 1.1 * dev[best]:
        return None
    error = columns.get("dev_error")
    if error is not None and not error[-1] > error[best]:
        return None
    text = (
        f"The dev cost was least at epoch {epoch[best]:.0f} ({dev[best]:.4g}) and is now {dev[-1]:.4g}, "
        "while the training cost still falls. "
        "Regularise from there on (l2, keep_prob), or keep the weights of that epoch."
    )
    command = {"kind": "rewind", "arguments": {"epoch": int(epoch[best])}}
    return Advice("overfitting", int(epoch[best]), text, command)


def _improving(columns: Columns) -> Advice | None:
    """Expected gain of ten more epochs, from a straight line through log cost against log epoch."""
    name = "dev_cost" if "dev_cost" in columns else "train_cost"
    cost, epoch = columns[name][-WINDOW:], columns["epoch"][-WINDOW:]
    if len(cost) < 4 or not np.all(np.isfinite(cost)) or np.any(cost <= 0):
        return None
    slope, intercept = np.polyfit(np.log(epoch), np.log(cost), 1)
    if slope >= 0:
        return None
    fitted = float(np.exp(intercept + slope * np.log(epoch[-1])))
    ahead = float(np.exp(intercept + slope * np.log(epoch[-1] + 10)))
    gain = (fitted - ahead) / fitted
    text = (
        f"The {name.replace('_', ' ')} is falling; ten more epochs are expected to lower it by "
        f"{100 * gain:.1f} %, to about {cost[-1] * (1 - gain):.4g}."
    )
    more = {"kind": "extend", "arguments": {"epochs": 10}}
    return Advice("improving", int(epoch[0]), text, more if gain > 0.01 else None)
