"""The course's recipe: what to try against bias, then variance, then mismatch, first things first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Step:
    """One thing to try.

    Attributes
    ----------
    name : str
        A short name that stays the same: bigger_network, train_longer, more_data, regularise, ...
    text : str
        What to do, in the words of the settings.
    in_search : bool
        The next search does it.
    """

    name: str
    text: str
    in_search: bool = False


def recipe(problems: tuple[str, ...], image: bool, following: Mapping[str, Any] | None) -> tuple[Step, ...]:
    """Return the steps; what each says of the next search is true of `following`."""
    steps = [step for problem in problems for step in _AGAINST[problem](image)] if problems else _ZOOM
    firsts: dict[str, Step] = {}
    for step in steps:
        firsts.setdefault(step.name, step)
    return tuple(
        replace(step, in_search=following is not None and _does(name, following, problems))
        for name, step in firsts.items()
    )


def _does(name: str, following: Mapping[str, Any], problems: tuple[str, ...]) -> bool:
    """Return whether a search does a step."""
    space, settings = following["space"], following["settings"]
    regularisers = {"l1", "l2", "keep_prob"} & {*space}
    against = problems[0] if problems else None
    match name:
        case "bigger_network":
            return "hidden_units" in space
        case "train_longer":
            return against == "bias"
        case "less_regularisation" | "regularise":
            return bool(regularisers) and (name == "regularise") == (against == "variance")
        case "stop_early":
            return settings.get("patience") is not None
        case "train_dev":
            return bool((following["dataset"].get("split") or {}).get("train_dev"))
        case "zoom":
            return not problems
    return _SEARCHED.get(name) in space


def _against_bias(image: bool) -> list[Step]:
    return [
        Step("bigger_network", "More hidden_units, then more hidden_layers."),
        Step("train_longer", "More epochs, without early stopping."),
        Step("other_optimizer", "Adam, momentum or RMSprop; search the learning rate again."),
        Step("smaller_batches", "Smaller mini-batches (batch_size): more steps in an epoch."),
        Step("less_regularisation", "Less l2 and l1, a higher keep_prob."),
        Step("other_initialisation", "Another initialisation (initialization, init_scale)."),
        Step("other_architecture", "Another activation, batch_norm."),
        Step("better_features", "More useful features: columns that people would look at to tell."),
    ]


def _against_variance(image: bool) -> list[Step]:
    return [
        Step("more_data", "More training data, if you can get it."),
        Step("regularise", "l2, then dropout (keep_prob)."),
        *([Step("augment", "augmentation: shift, zoom and rotate the images.")] if image else []),
        Step("stop_early", "Early stopping (patience)."),
        Step("fewer_features", "Leave out features that say nothing of the target (dataset.ignore)."),
        Step("other_architecture", "A smaller network, another activation, batch_norm."),
    ]


def _to_tell(image: bool) -> list[Step]:
    text = (
        "Give dataset.split.train_dev a share, such as .1: rows of the training source that are left "
        "out. How much their error exceeds the train error is variance, what the dev error adds is mismatch."
    )
    return [
        Step("train_dev", text),
        *_against_variance(image),
        *_against_mismatch(image),
    ]


def _against_mismatch(image: bool) -> list[Step]:
    look = "Look at misclassified dev examples: how do they differ from the training set?"
    return [
        Step("compare_data", look),
        Step("matching_data", "Collect or make training data that resembles the dev set."),
    ]


_AGAINST = {
    "bias": _against_bias,
    "variance": _against_variance,
    "variance_or_mismatch": _to_tell,
    "mismatch": _against_mismatch,
}
_SEARCHED = {  # the parameter by which a search does a step
    "other_optimizer": "optimizer",
    "smaller_batches": "batch_size",
    "augment": "augmentation",
    "other_initialisation": "initialization",
}
_ZOOM = [
    Step("zoom", "Search a smaller region around the best trials."),
    Step("look_at_test", "Measure the finalists once on the test set."),
    Step("retest", "Repeat the search when the data changes, or after some months."),
]
