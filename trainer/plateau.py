"""Why a cost stands still, or is no better than a constant model's: its causes, told apart by a probe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .choices import Optimizer
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
from .watching import UNLEARNED, WINDOW, stands, uneven

Probe = dict[str, float]

POOR = 0.7  # of the cost of a constant model: a network above it has learned next to nothing
IDENTICAL, DEAD, SATURATED = 0.99, 0.9, 0.5  # shares of a layer's units, or of its outputs
SMALL_GAIN = 0.1  # of a layer's weights; 1 keeps the size of what goes through
VANISHED, IN_FEW = 0.02, 1e-3  # of the last layer's gradient norm; in networks of up to two hidden layers
NOISY = 0.1  # of the cost, that the noise of mini-batches makes
STRONG_DECAY = 0.02  # of W, that a step at alpha = 1 takes away
FEW_LAYERS = 4  # hidden ones, that Adam brings through
SLOW = 60  # times alpha could be, before steps overshoot
SLOW_AVERAGED = 300  # the same with momentum and Adam: averages bear far longer steps before they overshoot
WORTH = 0.1  # of the cost, that longer steps would have to bring in as many epochs


def judge(columns: Columns, settings: Settings) -> Advice | None:
    """Return why the cost stands, or is no better than that of a constant model; None if all is well."""
    cost, epoch = columns["train_cost"], columns["epoch"]
    still = stands(cost.tolist())
    found = last_probe(columns)
    since = int(epoch[max(0, len(cost) - WINDOW)])
    if found is None:
        return _by_curve_alone(columns, settings, since) if still else None
    first = (_symmetry, _regularised, _saddle, _dead_units, _saturated)
    then = (_vanishing, _noise, _small_rate) if still else (_noise,)
    causes: tuple[Callable[[Columns, Settings, Probe], Advice | None], ...] = (*first, *then)
    found["since"] = since
    for cause in causes:
        one = cause(columns, settings, found)
        if one is not None:
            return one
    return None


def converged(columns: Columns) -> Advice | None:
    """Return that the cost stands since there is nothing more to gain with these settings."""
    cost, epoch = columns["train_cost"], columns["epoch"]
    if not stands(cost.tolist()):
        return None
    since = int(epoch[len(cost) - WINDOW])
    text = (
        f"The training cost has stood at {cost[-1]:.4g} since epoch {since}; more epochs will not lower it."
    )
    return Advice("converged", since, text)


def last_probe(columns: Columns) -> Probe | None:
    """Return the newest probe; None if it is of long ago, or there is none."""
    if "cost_share" not in columns:
        return None
    there = np.flatnonzero(np.isfinite(columns["cost_share"]))
    count = len(columns["cost_share"])
    if not len(there) or count - 1 - there[-1] > max(WINDOW, 0.35 * count):
        return None
    return {name: float(values[there[-1]]) for name, values in columns.items()}


def _most(found: Probe, name: str) -> tuple[float, int]:
    """Return the largest value of a column of layers, and the layer; 0 where there is none."""
    of = [(value, int(key.rsplit("_", 1)[1])) for key, value in found.items() if key.startswith(f"{name}_")]
    return max(of, default=(0.0, 0))


def _symmetry(columns: Columns, settings: Settings, found: Probe) -> Advice | None:
    share, layer = _most(found, "identical_units")
    if share < IDENTICAL:
        return None
    text = (
        f"The units of layer {layer} are identical: they get the same gradient and stay so. "
        "No learning rate and no optimiser changes that; only another initialisation does."
    )
    return Advice("symmetry", 0, text, settings=usual_initialization(settings))


def _dead_units(columns: Columns, settings: Settings, found: Probe) -> Advice | None:
    share, layer = _most(found, "dead_units")
    if share < DEAD or found["cost_share"] < POOR:
        return None
    text = f"{share:.0%} of the units of layer {layer} are dead: they give the same for every row. "
    return _begin_again("dead_units", columns, settings, text)


def _saturated(columns: Columns, settings: Settings, found: Probe) -> Advice | None:
    share, layer = _most(found, "saturated")
    if share < SATURATED or found["cost_share"] < 0.3:
        return None
    text = f"{share:.0%} of the outputs of layer {layer} are saturated: next to no gradient passes through. "
    return _begin_again("saturated", columns, settings, text)


def _begin_again(kind: str, columns: Columns, settings: Settings, text: str) -> Advice:
    odd = odd_initialization(settings)
    if odd:
        text += f"Its weights began too large ({odd}); only another initialisation helps."
        return Advice(kind, 0, text, settings=usual_initialization(settings))
    text += "Steps were too long; train from the beginning with a lower learning rate."
    return Advice(kind, 0, text, fork(0, low_rate(columns, settings)))


def _regularised(columns: Columns, settings: Settings, found: Probe) -> Advice | None:
    strong = {name: 0 for name in ("l2", "l1") if settings.get(name)}
    if not strong or found["weight_decay"] < STRONG_DECAY or found["cost_share"] < POOR:
        return None
    text = f"{' and '.join(strong)} pulls the weights to 0 faster than the loss lets them grow."
    text += " From there only a new beginning helps."
    return Advice("regularised", 0, text, fork(0, dict(strong)))


def _saddle(columns: Columns, settings: Settings, found: Probe) -> Advice | None:
    if found["least_gain"] > SMALL_GAIN or found["cost_share"] < POOR:
        return None
    text = (
        "The weights are so small that hardly anything passes through the layers: a saddle, where "
        "gradients are small though nothing is learned. "
    )
    if _most(found, "dead_units")[0] >= DEAD:
        text += "Its units are dead too: only another initialisation helps."
        adam = {"optimizer": "adam", "learning_rate": Optimizer.adam.facts.usual_rate}
        return Advice("saddle", 0, text, settings=usual_initialization(settings) | adam)
    return _by_adam("saddle", settings, found, text)


def _vanishing(columns: Columns, settings: Settings, found: Probe) -> Advice | None:
    learning = _of_layers(columns, "gradient_norm")[int(settings.get("frozen_layers") or 0) :]
    norms = [columns[name][-3:] for name in learning]
    if len(norms) < 3 or found["cost_share"] < POOR or not np.all(norms[-1] > 0):
        return None
    ratio = float(np.median(norms[0] / norms[-1]))
    if ratio > (VANISHED if len(norms) > 3 else IN_FEW):
        return None
    text = f"Layer 1's gradient norm is {ratio:.1g} of the last layer's: gradients vanish on their way. "
    return _by_adam("vanishing", settings, found, text)


def _by_adam(kind: str, settings: Settings, found: Probe, text: str) -> Advice:
    """Adam divides by the size of gradients; where it does so already, another network is needed."""
    if settings.get("optimizer", "adam") != "adam" and len(_of_layers(found, "dead_units")) <= FEW_LAYERS:
        text += "Adam's steps do not depend on their size. Next time: batch_norm, relu, he, fewer layers."
        changes = {"optimizer": "adam", "learning_rate": Optimizer.adam.facts.usual_rate}
        return Advice(kind, int(found["since"]), text, set_to(changes))
    text += "Only another network or initialisation helps: relu with he, batch_norm, or fewer layers."
    again = {"activation": "relu", "initialization": "he", "init_scale": 1}
    return Advice(kind, 0, text, settings=again)


def _noise(columns: Columns, settings: Settings, found: Probe) -> Advice | None:
    last = columns["train_cost"][-WINDOW:]
    cost = float(np.mean(last))
    if not (uneven(last.tolist()) and found.get("noise_cost", 0.0) >= NOISY * cost):
        return None
    text = (
        f"The training cost stays near {cost:.4g}, of which the noise of mini-batches makes about "
        f"{min(found['noise_cost'], cost):.2g} at this learning rate. A lower rate, a decay, or larger "
        "mini-batches settle deeper."
    )
    return Advice("noise", int(found["since"]), text, set_to(rate_changes(columns, settings, 1 / 10)))


def _small_rate(columns: Columns, settings: Settings, found: Probe) -> Advice | None:
    alpha, limit, cost = found["learning_rate"], found.get("rate_limit", np.nan), columns["train_cost"][-1]
    slow = SLOW_AVERAGED if settings.get("optimizer", "adam") in ("adam", "momentum") else SLOW
    if not alpha * slow <= limit or found["cost_share"] < UNLEARNED:
        return None
    if found["fall_by_rate"] * limit / 4 * len(columns["epoch"]) < WORTH * abs(cost):
        return None
    factor = 100 if alpha * 50 * slow < limit else 10
    text = (
        f"The training cost crawls: alpha is {alpha:.3g}, and steps would bear about {limit:.2g} here. "
        "Raise the learning rate, or let Adam choose the size of steps."
    )
    decays = settings.get("decay", "none") != "none"
    first = columns["learning_rate"][0] if "learning_rate" in columns else alpha
    if decays and alpha < 0.1 * first:
        changes: dict[str, Any] | None = {"decay": "none", "learning_rate": float(f"{first:.3g}")}
    else:
        changes = rate_changes(columns, settings, factor)
    return Advice("small_rate", int(found["since"]), text, set_to(changes))


def _by_curve_alone(columns: Columns, settings: Settings, since: int) -> Advice | None:
    """Judge a curve without probes, as a script of a user's own reports it."""
    cost = columns["train_cost"]
    steps = np.diff(cost[-WINDOW:])
    falling, turns = int(np.sum(steps < 0)), int(np.sum(steps[1:] * steps[:-1] < 0))
    stood = f"The training cost has stood at {cost[-1]:.4g} since epoch {since}"
    if falling >= WINDOW - 2 and cost[-1] > 0.5 * cost[0]:
        text = f"{stood}, falling a little with each epoch: the learning rate is too low."
        return Advice("small_rate", since, text, set_to(rate_changes(columns, settings, 10)))
    mild = float(np.mean(np.abs(steps))) < 0.05 * float(np.mean(np.abs(cost[-WINDOW:])))
    if turns >= WINDOW // 2 and mild and cost[-1] > 0.05 * cost[0]:
        text = (
            f"{stood}, going up and down. A lower learning rate, or larger mini-batches, may settle deeper."
        )
        return Advice("noise", since, text, set_to(rate_changes(columns, settings, 1 / 10)))
    if cost[-1] > 0.9 * cost[0]:
        text = f"{stood}, near where it began. Look at gradient norms, initialisation and learning rate."
        return Advice("plateau", since, text)
    return None


def _of_layers(columns: Mapping[str, Any], name: str) -> list[str]:
    """Return the columns of layers of this name, first layer first."""
    there = [key for key in columns if key.startswith(f"{name}_") and key.rsplit("_", 1)[1].isdigit()]
    return sorted(there, key=lambda key: int(key.rsplit("_", 1)[1]))
