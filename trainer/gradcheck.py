"""Gradient check: is the gradient that backward computes the slope of the cost?

For every parameter theta the two-sided difference (J(theta + epsilon) - J(theta - epsilon)) / (2 epsilon) is
set against d theta. J is the cost that training lowers, regulariser included; epsilon = 1e-7 in float64,
where the difference is exact to O(epsilon^2) and to the rounding of J, about 1e-16 |J| / epsilon.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from .data.load import load
from .data.types import Data
from .gradient import CostFunction
from .initialization import initial_weights
from .problem import SettingError
from .run import Run
from .settings import Settings, make_settings

Array = np.ndarray[Any, np.dtype[Any]]
EPSILON = 1e-7
GREAT, WRONG = 1e-7, 1e-3  # around 1e-5 lies what should be looked at


@dataclass(frozen=True)
class GradientCheck:
    """How well difference and gradient agree at one point.

    Attributes
    ----------
    epochs : int
        After how much training.
    error : float
        ||g_approx - g|| / (||g_approx|| + ||g||) over all parameters.
    errors : dict of str to float
        The same for each of W1, b1 or gamma1, beta1, and so on, that has a parameter not at a kink.
    rounding, roundings : float, dict of str to float
        How large `error` and `errors` can be by the rounding of J alone, where a gradient nearly vanishes.
    checked, kinks : int
        Parameters compared, and those left out because a ReLU switches within epsilon: J has no slope there.
    """

    epochs: int
    error: float
    errors: Mapping[str, float]
    rounding: float
    roundings: Mapping[str, float]
    checked: int
    kinks: int

    @property
    def worst(self) -> str:
        """The tensor with the largest error beyond rounding; if rounding explains all, with the largest."""
        beyond = {name: max(0.0, error - self.roundings[name]) for name, error in self.errors.items()}
        return max(self.errors, key=lambda name: (beyond[name], self.errors[name]))

    @property
    def verdict(self) -> Literal["great", "look", "wrong"]:
        """great up to 1e-7, look below 1e-3, else wrong: the worst of whole and parts, beyond rounding."""
        worst = max(self.error - self.rounding, *(self.errors[n] - self.roundings[n] for n in self.errors))
        return "great" if worst <= GREAT else "look" if worst < WRONG else "wrong"

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON, worst and verdict with it."""
        return {**asdict(self), "worst": self.worst, "verdict": self.verdict}


def gradient_check(
    settings: Mapping[str, Any] | Settings,
    data: Data,
    seed: int | None = None,
    epochs: int = 3,
    dropout: bool = False,
    examples: int = 64,
    most: int | None = 500,
) -> list[GradientCheck]:
    """Check the gradient at initialisation and again after some training.

    Parameters
    ----------
    settings : mapping or Settings
        Of `mlp`, with precision float64.
    data : Data
        Loaded with precision float64.
    seed : int, optional
        Default: that of the settings.
    epochs : int
        To train before the second check; 0 for the first check alone.
    dropout : bool
        True: with one fixed mask per hidden layer. False: off.
    examples : int
        Of the training set, taken as one mini-batch.
    most : int or None
        Parameters compared per tensor, chosen by the seed; None for all.

    Returns
    -------
    checks : list of GradientCheck
        One or two.

    Raises
    ------
    SettingError
        Settings that cannot be trained with, or another precision; the training diverged.
    """
    settings = replace(make_settings(settings), frozen_layers=0)  # all gradients are checked
    if data.dtype != np.float64:
        remedy = "load the data with precision float64"
        raise SettingError.of("settings.precision", "a gradient can only be checked in float64", remedy)
    seed = settings.seed if seed is None else seed
    keep_prob = settings.keep_prob if dropout else 1.0
    checked = replace(
        settings,
        precision="float64",
        augmentation="none",
        batch_size=None,
        keep_prob=keep_prob,
        input_keep_prob=1.0,
    )
    cost = CostFunction(
        checked, replace(data, X_train=data.X_train[:examples], Y_train=data.Y_train[:examples]), seed
    )
    checks = [_check(cost, initial_weights(cost.network, checked, seed, np.float64), 0, seed, most)]
    if epochs:
        run = Run(replace(settings, epochs=epochs, patience=None), data, seed)
        while run.status == "running":
            run.advance()
        if run.status == "diverged":
            raise SettingError.of(
                "settings.learning_rate", f"the training before the second check diverged at step {run.step}",
                "lower it, or check at initialisation alone (0 epochs)",
            )  # fmt: skip
        checks.append(_check(cost, run.weights.copy(), epochs, seed, most))
    return checks


def check_description(description: Mapping[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Check the gradient of what a file describes: `dataset` and `settings`, as in a search.

    Parameters
    ----------
    description : mapping
        As read from YAML or JSON; the space of a search is not looked at.
    **options
        Of `gradient_check`.

    Returns
    -------
    checks : list of dict
        `GradientCheck.as_dict` of each.

    Raises
    ------
    SettingError, DataError
        With field and remedy.
    """
    settings = make_settings({**(description.get("settings") or {}), "precision": "float64"})
    data = load(description.get("dataset") or {}, "float64", settings.normalize)
    return [check.as_dict() for check in gradient_check(settings, data, **options)]


def _check(cost: CostFunction, weights: Array, epochs: int, seed: int, most: int | None) -> GradientCheck:
    J, g = cost(weights)
    if not math.isfinite(J):
        raise SettingError.of(
            "settings.init_scale", f"the cost after {epochs} epochs is {J}: it has no slope to compare with",
            "lower it, or use fewer layers",
        )  # fmt: skip
    network, generator = cost.network, np.random.default_rng(seed)
    pairs: dict[str, tuple[Array, Array]] = {}
    kinks = 0
    for name, offset, shape in network.entries():
        if offset >= network.learned:
            break
        chosen = offset + _some(math.prod(shape), most, generator)
        sides = np.array([_sides(cost, weights, int(i), EPSILON) for i in chosen])
        smooth = np.array(
            [_is_smooth(cost, weights, int(i), J, *pair) for i, pair in zip(chosen, sides, strict=True)]
        )
        kinks += int((~smooth).sum())
        if smooth.any():
            pairs[name] = ((sides[:, 0] - sides[:, 1])[smooth] / (2 * EPSILON), g[chosen][smooth])
    whole = tuple(np.concatenate([pair[side] for pair in pairs.values()]) for side in (0, 1))
    return GradientCheck(
        epochs,
        relative_error(*whole),
        {name: relative_error(*pair) for name, pair in pairs.items()},
        _rounding(J, *whole),
        {name: _rounding(J, *pair) for name, pair in pairs.items()},
        len(whole[0]),
        kinks,
    )


def relative_error(g_approx: Array, g: Array) -> float:
    """Return ||g_approx - g|| / (||g_approx|| + ||g||), 0 if both vanish."""
    return float(np.linalg.norm(g_approx - g) / _size(g_approx, g))


def _rounding(J: float, g_approx: Array, g: Array) -> float:
    """Return the relative error that rounding makes: J is a mean of terms, its last two bits are noise."""
    return float(4 * np.spacing(abs(J)) / (2 * EPSILON) * math.sqrt(g.size) / _size(g_approx, g))


def _size(g_approx: Array, g: Array) -> float:
    return float(np.linalg.norm(g_approx) + np.linalg.norm(g)) or 1.0


def _sides(cost: CostFunction, weights: Array, i: int, distance: float) -> tuple[float, float]:
    """Return J with parameter i moved up and down."""
    moved = weights.copy()
    moved[i] = weights[i] + distance
    above, _ = cost(moved)
    moved[i] = weights[i] - distance
    below, _ = cost(moved)
    return above, below


def _is_smooth(cost: CostFunction, weights: Array, i: int, J: float, above: float, below: float) -> bool:
    """Return whether J has no kink within epsilon of parameter i.

    Slopes to the right and left differ by epsilon J'', half as much at half the distance; at a kink they
    differ by the same at any distance, or by nothing once it lies outside.
    """
    noise = 40 * float(np.spacing(abs(J))) / EPSILON
    difference = (above - 2 * J + below) / EPSILON
    if abs(difference) <= noise:
        return True
    above, below = _sides(cost, weights, i, EPSILON / 2)
    nearer = (above - 2 * J + below) / (EPSILON / 2)
    return abs(difference - 2 * nearer) <= 5 * noise


def _some(size: int, most: int | None, generator: np.random.Generator) -> Array:
    """Return the indices of all elements, or of a random choice."""
    if most is None or size <= most:
        return np.arange(size)
    return np.sort(generator.choice(size, most, replace=False))
