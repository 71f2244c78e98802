"""Advice on a run in progress: what its curve says, and the command that would act on it.

Pure functions of the curve. Nothing here acts; a person, or an agent that was asked to, decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Curve = Mapping[str, Sequence[float]]

WINDOW = 8  # epochs a judgement looks back on; fewer cannot tell a trend from the noise of mini-batches
VANISHED = 1e-3  # ratio of the first layer's gradient norm to the last's below which the first hardly learns


@dataclass(frozen=True)
class Advice:
    """One observation and the command that would act on it.

    Attributes
    ----------
    kind : str
        diverging, oscillating, overfitting, plateau, vanishing or improving.
    since : int
        Epoch from which it shows.
    text : str
        What is seen, with its numbers.
    command : dict or None
        A command as POST /trials/{id}/commands takes it while the run goes on, or None where no command would
        help (wait, or train another network), or alpha0 is not known.
    """

    kind: str
    since: int
    text: str
    command: dict[str, Any] | None = field(default=None)


def advise(curve: Curve, settings: Mapping[str, Any]) -> list[Advice]:
    """Judge a curve, most urgent first.

    Parameters
    ----------
    curve : mapping of str to sequence of float
        Columns of one branch, one entry per epoch: ``epoch``, ``train_cost`` and whatever else is known of
        ``dev_cost``, ``dev_error``, ``learning_rate``, ``gradient_norm_1`` .. ``gradient_norm_L``.
    settings : mapping
        The settings in force (``learning_rate`` and ``decay`` are used).

    Returns
    -------
    list of Advice
        Empty while there is too little to say.
    """
    columns = {name: np.asarray(values, dtype=float) for name, values in curve.items()}
    if len(columns.get("train_cost", ())) < 3:
        return []
    judges = (_diverging, _oscillating, _overfitting, _vanishing, _plateau, _improving)
    found = [advice for judge in judges if (advice := judge(columns, settings)) is not None]
    trend_is_moot = any(advice.kind in ("diverging", "plateau") for advice in found)
    return [advice for advice in found if not (trend_is_moot and advice.kind == "improving")]


def _diverging(columns: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Advice | None:
    """The training cost is not finite, or has risen for three epochs to over twice its least."""
    cost, epoch = columns["train_cost"], columns["epoch"]
    if not np.isfinite(cost[-1]):
        return Advice(
            "diverging", int(epoch[-1]), "The training cost is not finite any more.", _rewind(columns)
        )
    best = int(np.nanargmin(cost))
    rising = len(cost) >= 4 and bool(np.all(np.diff(cost[-4:]) > 0))
    if rising and cost[-1] > 2 * cost[best]:
        text = (
            f"The training cost has risen from {cost[best]:.4g} (epoch {epoch[best]:.0f}) to {cost[-1]:.4g}."
        )
        return Advice("diverging", int(epoch[best]), text, _lower_rate(columns, settings, 10))
    return None


def _oscillating(columns: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Advice | None:
    """The cost goes up and down in most epochs and the swings are large against the descent."""
    cost, epoch = columns["train_cost"][-WINDOW:], columns["epoch"][-WINDOW:]
    if len(cost) < WINDOW or not np.all(np.isfinite(cost)):
        return None
    steps = np.diff(cost)
    turns = int(np.sum(steps[1:] * steps[:-1] < 0))
    descent = abs(cost[0] - cost[-1]) / (len(cost) - 1)
    swing = float(np.mean(np.abs(steps)))
    if turns >= WINDOW // 2 and swing > 4 * descent and swing > 0.05 * float(np.mean(np.abs(cost))):
        text = (
            f"The training cost changed direction {turns} times in {len(cost)} epochs, by {swing:.3g} each: "
            "the learning rate is too high."
        )
        return Advice("oscillating", int(epoch[0]), text, _lower_rate(columns, settings, 3))
    return None


def _overfitting(columns: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Advice | None:
    """The dev cost has risen since its least while the training cost went on falling."""
    if "dev_cost" not in columns:
        return None
    dev, cost, epoch = columns["dev_cost"], columns["train_cost"], columns["epoch"]
    if not np.any(np.isfinite(dev)):
        return None
    best = int(np.nanargmin(dev))
    if len(dev) - 1 - best < WINDOW // 2 or not cost[-1] < cost[best] or not dev[-1] > 1.05 * dev[best]:
        return None
    text = (
        f"The dev cost was least at epoch {epoch[best]:.0f} ({dev[best]:.4g}) and is now {dev[-1]:.4g}, "
        "while the training cost still falls. "
        "Regularise from there on (l2, keep_prob), or keep the weights of that epoch."
    )
    return Advice(
        "overfitting", int(epoch[best]), text, {"kind": "rewind", "arguments": {"epoch": int(epoch[best])}}
    )


def _vanishing(columns: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Advice | None:
    """The first layer's gradient is a small fraction of the last layer's."""
    layers = sorted(
        (name for name in columns if name.startswith("gradient_norm_")),
        key=lambda name: int(name.rsplit("_", 1)[1]),
    )
    if len(layers) < 2:
        return None
    first, last = columns[layers[0]][-3:], columns[layers[-1]][-3:]
    if not np.all(last > 0):
        return None
    if np.all(first == 0):
        text = (
            "No gradient reaches layer 1: its units, or all of a later layer's, are dead. "
            "A lower learning rate from an earlier point may keep them alive."
        )
        return Advice("vanishing", int(columns["epoch"][-1]), text, _rewind(columns))
    ratio = float(np.median(first / last))
    if ratio < VANISHED:
        text = (
            f"Layer 1's gradient norm is {ratio:.1g} of the last layer's: gradients vanish. "
            "Next time: batch_norm, relu, he initialisation, fewer layers."
        )
        return Advice("vanishing", int(columns["epoch"][-1]), text)
    return None


def _plateau(columns: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Advice | None:
    """The training cost has moved by less than half a percent in a whole window."""
    cost, epoch = columns["train_cost"][-WINDOW:], columns["epoch"][-WINDOW:]
    if len(cost) < WINDOW or not np.all(np.isfinite(cost)):
        return None
    scale = max(abs(float(cost[0])), float(np.finfo(np.float32).tiny))
    if float(np.ptp(cost)) / scale < 0.005:
        text = (
            f"The training cost has stood at {cost[-1]:.4g} since epoch {epoch[0]:.0f}. "
            "A lower learning rate may settle deeper; more of the same will not."
        )
        return Advice("plateau", int(epoch[0]), text, _lower_rate(columns, settings, 3))
    return None


def _improving(columns: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Advice | None:
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
    return Advice(
        "improving",
        int(epoch[0]),
        text,
        {"kind": "extend", "arguments": {"epochs": 10}} if gain > 0.01 else None,
    )


def _lower_rate(
    columns: Mapping[str, np.ndarray], settings: Mapping[str, Any], by: float
) -> dict[str, Any] | None:
    """Lower alpha0. Where it is the trainer's default the curve tells it, unless alpha decays."""
    rate = settings.get("learning_rate")
    if rate is None and settings.get("decay", "none") == "none" and "learning_rate" in columns:
        rate = columns["learning_rate"][-1]
    if rate is None or not np.isfinite(rate):
        return None
    return {"kind": "set", "arguments": {"learning_rate": float(f"{float(rate) / by:.3g}")}}


def _rewind(columns: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """Back to the least finite cost, if there is one."""
    cost = columns["train_cost"]
    if not np.any(np.isfinite(cost)):
        return None
    return {
        "kind": "rewind",
        "arguments": {
            "epoch": int(columns["epoch"][int(np.nanargmin(np.where(np.isfinite(cost), cost, np.inf)))])
        },
    }
