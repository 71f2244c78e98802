"""The search that follows a diagnosis, as plain JSON that can be submitted as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .choices import Optimizer
from .defaults import l2_of, usual_batch_size
from .problem import SettingError
from .settings import Settings, make_settings
from .transfer import NETWORK

Plain = dict[str, Any]
_MOST_UNITS, _MOST_EPOCHS, _MOST_L2 = 4096, 100_000, 1e9
_KEPT = (
    *("dataset", "trainer", "objective", "base_error", "base_error_source"),
    *("parallel", "reproducible", "stopping"),
)
_TRAIN_DEV = 0.1  # of the training set: the slice that tells variance from mismatch
_IMAGES = ("digits",)  # built-in sets of images


def next_search(
    search: Mapping[str, Any],
    settings: Mapping[str, Any],
    problems: tuple[str, ...],
    train_examples: int | None = None,
) -> Plain | None:
    """Return the search that treats the first of the problems.

    Parameters
    ----------
    search : mapping
        As submitted: what is not treated stays as it was.
    settings : mapping
        Of the trial that was diagnosed, its parameters included: what is not searched is fixed to them.
    problems : tuple of str
        Of `Diagnosis`; empty: zoom in. With mismatch alone no search helps: None.
    train_examples : int, optional
        Rows of the training set: where they are one batch, l2 is 1 by default.
    """
    if problems and problems[0] == "mismatch":
        return None
    if search.get("trainer", "mlp") != "mlp":
        return None
    try:
        parsed = make_settings({**_plain(search.get("settings")), **settings})
        now = {**parsed.as_dict(), "l2": _l2_in_force(parsed, train_examples)}
    except SettingError:
        return None
    treatments = {"bias": _against_bias, "variance": _against_variance, "variance_or_mismatch": _zoom}
    fixed, space = treatments[problems[0]](now) if problems else _zoom(now)
    if problems and problems[0] == "variance" and has_images(search):
        space["augmentation"] = {"choices": ["none", "shift", "shift+zoom+rotate"]}
    space = {"learning_rate": _learning_rate(now, factor=10 if problems else 3), **space}
    if now["init_from"]:  # whose network is that of the model
        space = {name: one for name, one in space.items() if name not in NETWORK}
        fixed |= {"frozen_layers": 0} if problems[:1] == ("bias",) else {}
    given = {**_plain(search.get("settings")), **settings, **fixed}
    given.pop("defaults", None)  # those of today
    told = problems[:1] == ("variance_or_mismatch",)
    aim = "variance or mismatch" if told else f"against {problems[0]}" if problems else "closer"
    name = f"{search.get('name', 'search')}, {aim}"
    found = {
        "name": name[:200],
        "note": f"Follows from the diagnosis of {search.get('name', 'a search')}.",
        **{key: search[key] for key in _KEPT if key in search},
        **_strategy(search.get("strategy")),
        "settings": {key: value for key, value in given.items() if key not in space},
        "space": space,
        "budget": dict(search.get("budget") or {"trials": 30}),
        "seed": int(search.get("seed") or 0) + 1,
    }
    if told:
        dataset = _plain(search.get("dataset"))
        found["dataset"] = {**dataset, "split": {**_plain(dataset.get("split")), "train_dev": _TRAIN_DEV}}
    return found


def _l2_in_force(settings: Settings, train_examples: int | None) -> float:
    """Return lambda of L2, its default too, as far as the number of rows tells it."""
    if settings.l2 is not None or train_examples is None:
        return settings.l2 or 0.0
    batch = settings.batch_size or usual_batch_size(train_examples)
    return l2_of(settings, batch >= train_examples)


def _against_bias(now: Plain) -> tuple[Plain, Plain]:
    """A bigger network, longer training, another optimiser, less regularisation."""
    units, layers = _units(now), _layers(now)
    space: Plain = {
        "hidden_units": {
            "scale": "log",
            "type": "int",
            "low": units,
            "high": max(units + 1, min(4 * units, _MOST_UNITS)),
        },
        "hidden_layers": {
            "scale": "linear",
            "type": "int",
            "low": max(1, layers),
            "high": max(1, layers) + 2,
        },
        "optimizer": {"choices": _optimizers(now["optimizer"])},
    }
    if now["l2"]:
        space["l2"] = {"scale": "log", "low": now["l2"] / 1000, "high": now["l2"], "zero": 0.3}
    fixed: Plain = {"epochs": min(2 * now["epochs"], max(_MOST_EPOCHS, now["epochs"])), "patience": None}
    if isinstance(now["keep_prob"], list):
        fixed["keep_prob"] = 1.0  # one for all: the number of layers is searched
    if _least(now["keep_prob"]) < 1:
        space["keep_prob"] = {"scale": "linear", "low": _least(now["keep_prob"]), "high": 1.0}
    return fixed, space


def _optimizers(now: str) -> list[str]:
    """Return the optimiser of now, then the others; plain gradient descent only if it is that of now."""
    return [now, *(one.name for one in Optimizer if one.name != now and one != Optimizer.gd)]


def _against_variance(now: Plain) -> tuple[Plain, Plain]:
    """L2, dropout, augmentation, early stopping."""
    l2 = now["l2"] or 0.0
    space: Plain = {
        "l2": {
            "scale": "log",
            "low": max(1e-4, l2 / 10),
            "high": min(max(10.0, 10 * l2), _MOST_L2),
            "zero": 0.1,
        }
    }
    if _layers(now):
        space["keep_prob"] = {"scale": "linear", "low": 0.5, "high": 1.0}
    return {"patience": max(5, now["epochs"] // 5)}, space


def _zoom(now: Plain) -> tuple[Plain, Plain]:
    """The same, more closely."""
    units = _units(now)
    space: Plain = {}
    if _layers(now) and not isinstance(now["hidden_units"], list):
        low, high = max(1, math.floor(units / 1.5)), math.ceil(units * 1.5)
        space["hidden_units"] = {"scale": "linear", "type": "int", "low": low, "high": high}
    if now["l2"]:
        space["l2"] = {"scale": "log", "low": now["l2"] / 3, "high": min(now["l2"] * 3, _MOST_L2)}
    return {}, space


def has_images(search: Mapping[str, Any] | None) -> bool:
    """Return whether augmentation can be of use."""
    dataset = (search or {}).get("dataset") or {}
    return bool(dataset.get("image_shape")) or (dataset.get("name") in _IMAGES and "path" not in dataset)


def _strategy(strategy: Any) -> Plain:
    """Keep the strategy, but not the epochs of its rounds: they were chosen for the epochs of before."""
    if isinstance(strategy, Mapping):
        strategy = {key: value for key, value in strategy.items() if key != "epochs_per_round"}
    return {"strategy": strategy} if strategy else {}


def _learning_rate(now: Plain, factor: float) -> Plain:
    alpha = now["learning_rate"] or Optimizer[now["optimizer"]].facts.usual_rate
    return {
        "scale": "log",
        "low": float(f"{alpha / factor:.3g}"),
        "high": float(f"{min(alpha * factor, 1000):.3g}"),
    }


def _plain(settings: Any) -> Plain:
    return dict(settings or {})


def _units(now: Plain) -> int:
    """Units of the widest hidden layer."""
    units = now["hidden_units"]
    return max(units, default=100) if isinstance(units, list) else int(units)


def _layers(now: Plain) -> int:
    """Hidden layers."""
    units = now["hidden_units"]
    if isinstance(units, list):
        return len(units)
    return 1 if now["hidden_layers"] is None else int(now["hidden_layers"])


def _least(keep_prob: Any) -> float:
    return min(keep_prob, default=1.0) if isinstance(keep_prob, list) else float(keep_prob)
