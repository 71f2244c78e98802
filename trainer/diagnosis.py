"""Diagnosis of a trial: avoidable bias, variance, mismatch, and what the course's recipe says to do next.

avoidable bias = train error - base error
variance       = dev error - train error           (with a train-dev slice: train-dev error - train error)
mismatch       = dev error - train-dev error       (only with a train-dev slice)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .next_search import has_images, next_search

THRESHOLD = 0.02  # a gap above it is high; the course calls 1 % low and 10 % high


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


@dataclass(frozen=True)
class Diagnosis:
    """What the errors of one trial say.

    Attributes
    ----------
    base_error, train_error, dev_error, train_dev_error : float
        Fractions; the last is None without a train-dev slice.
    avoidable_bias, variance, mismatch : float
        Gaps; the last is None without a train-dev slice.
    problems : tuple of {"bias", "variance", "mismatch"}
        Those above the threshold, in the order in which they are to be treated.
    summary : str
        One sentence.
    uncertainty : float or None
        Two standard errors of the dev error; a smaller gap may be chance. None without `dev_examples`.
    steps : tuple of Step
        The recipe, first things first.
    next_search : dict or None
        A search as it can be submitted; None if no search was given to go on from, or data alone can help.
    """

    base_error: float
    train_error: float
    dev_error: float
    train_dev_error: float | None
    avoidable_bias: float
    variance: float
    mismatch: float | None
    problems: tuple[str, ...]
    summary: str
    uncertainty: float | None
    steps: tuple[Step, ...]
    next_search: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)


def diagnose(
    metrics: Mapping[str, float],
    base_error: float = 0.0,
    search: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    dev_examples: int | None = None,
    threshold: float = THRESHOLD,
) -> Diagnosis:
    """Diagnose a trial.

    Parameters
    ----------
    metrics : mapping
        Of a finished trial: train_error, dev_error, and train_dev_error if there is a train-dev slice.
    base_error : float
        Human or Bayes error: what no training can go below.
    search : mapping, optional
        The search as submitted; the next one goes on from it.
    settings : mapping, optional
        Settings of the trial, its parameters included.
    dev_examples : int, optional
        Rows of the dev set of a classification.
    threshold : float
        What gap is high.

    Raises
    ------
    ValueError
        The train or dev error is missing or not finite.
    """
    train_error, dev_error = (_finite(metrics, name) for name in ("train_error", "dev_error"))
    train_dev = metrics.get("train_dev_error")
    bias = train_error - base_error
    variance = (dev_error if train_dev is None else train_dev) - train_error
    mismatch = None if train_dev is None else dev_error - train_dev
    gaps = {"bias": bias, "variance": variance, "mismatch": mismatch}
    problems = tuple(name for name, gap in gaps.items() if gap is not None and gap > threshold + 1e-12)
    settings = settings or {}
    following = next_search(search, settings, problems) if search else None
    return Diagnosis(
        base_error=base_error,
        train_error=train_error,
        dev_error=dev_error,
        train_dev_error=train_dev,
        avoidable_bias=bias,
        variance=variance,
        mismatch=mismatch,
        problems=problems,
        summary=_summary(gaps, problems, base_error),
        uncertainty=_uncertainty(dev_error, dev_examples),
        steps=_steps(problems, has_images(search), following is not None),
        next_search=following,
    )


def _finite(metrics: Mapping[str, float], name: str) -> float:
    value = metrics.get(name)
    if value is None or not math.isfinite(value):
        raise ValueError(f"{name} is {value}: only a trial with finite errors can be diagnosed")
    return float(value)


def _uncertainty(error: float, examples: int | None) -> float | None:
    if not examples or not 0 <= error <= 1:
        return None
    return 2 * math.sqrt(max(error * (1 - error), 1 / examples) / examples)


def _summary(gaps: Mapping[str, float | None], problems: tuple[str, ...], base_error: float) -> str:
    names = {"bias": "avoidable bias", "variance": "variance", "mismatch": "mismatch of the data"}
    shown = ", ".join(f"{names[name]} {100 * gap:.3g} %" for name, gap in gaps.items() if gap is not None)
    if not problems:
        return f"Neither high bias nor high variance: {shown}."
    high = " and ".join(f"high {names[name]}" for name in problems)
    hint = ""
    if "bias" in problems and base_error == 0:
        hint = " If people or the best known model do worse than 0 %, set base_error to their error."
    return f"{high[0].upper()}{high[1:]}: {shown}.{hint}"


def _steps(problems: tuple[str, ...], image: bool, searched: bool) -> tuple[Step, ...]:
    """Return the recipe: bias first, then variance, then mismatch."""
    if not problems:
        return (
            Step("zoom", "Search a smaller region around the best trials.", searched),
            Step("look_at_test", "Measure the finalists once on the test set."),
            Step("retest", "Repeat the search when the data changes, or after some months."),
        )
    first = problems[0]
    steps: list[Step] = []
    if "bias" in problems:
        steps += [
            Step("bigger_network", "More hidden_units, then more hidden_layers.", searched),
            Step("train_longer", "More epochs, without early stopping.", searched),
            Step(
                "other_optimizer",
                "Adam, momentum or RMSprop; search the learning rate again.",
                searched,
            ),
            Step("less_regularisation", "Less l2 and l1, a higher keep_prob.", searched),
            Step("other_architecture", "Another activation, batch_norm."),
        ]
    if "variance" in problems:
        now = searched and first == "variance"
        steps += [
            Step("more_data", "More training data, if you can get it."),
            Step("regularise", "l2, then dropout (keep_prob).", now),
            *([Step("augment", "augmentation: shift, zoom and rotate the images.", now)] if image else []),
            Step("stop_early", "Early stopping (patience).", now),
            Step("other_architecture", "A smaller network, another activation, batch_norm."),
        ]
    if "mismatch" in problems:
        steps += [
            Step(
                "compare_data",
                "Look at misclassified dev examples: how do they differ from the training set?",
            ),
            Step("matching_data", "Collect or make training data that resembles the dev set."),
        ]
    return tuple(dict.fromkeys(steps))
