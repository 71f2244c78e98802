"""Diagnosis of a trial: avoidable bias, variance, mismatch, and what the course's recipe says to do next.

avoidable bias = train error - base error
variance       = dev error - train error           (with a train-dev slice: train-dev error - train error)
mismatch       = dev error - train-dev error       (only with a train-dev slice)

With `more_training_data` the train error is that of the data set's own rows: rows of other sources would make
variance of what is mismatch between them and the dev set.

With a dev set of another source and no train-dev slice the second gap is "variance or mismatch".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .next_search import has_images, next_search
from .recipe import Step, recipe

THRESHOLD = 0.02  # a gap above it is high; the course calls 1 % low and 10 % high


@dataclass(frozen=True)
class Diagnosis:
    """What the errors of one trial say.

    Attributes
    ----------
    base_error, train_error, dev_error, train_dev_error : float
        Fractions, of a regression in standard deviations of the targets; the first is None for a regression
        without one, the last without a train-dev slice. The second is that of the own rows of the data set
        where there are others (`more_training_data`).
    avoidable_bias, variance, mismatch : float
        Gaps; the first is None without a base error, the last without a train-dev slice.
    problems : tuple of {"bias", "variance", "variance_or_mismatch", "mismatch"}
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

    base_error: float | None
    train_error: float
    dev_error: float
    train_dev_error: float | None
    avoidable_bias: float | None
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
    base_error: float | None = 0.0,
    search: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    dev_examples: int | None = None,
    threshold: float = THRESHOLD,
    train_examples: int | None = None,
) -> Diagnosis:
    """Diagnose a trial.

    Parameters
    ----------
    metrics : mapping
        Of a finished trial: train_error, dev_error, and train_dev_error if there is a train-dev slice.
    base_error : float or None
        Human or Bayes error: what no training can go below. None: not known, as of a regression.
    search : mapping, optional
        The search as submitted; the next one goes on from it.
    settings : mapping, optional
        Settings of the trial, its parameters included.
    dev_examples : int, optional
        Rows of the dev set of a classification.
    threshold : float
        What gap is high.
    train_examples : int, optional
        Rows of the training set: the default of l2 depends on them.

    Raises
    ------
    ValueError
        The train or dev error is missing or not finite.
    """
    own = "train_error_own" if metrics.get("train_error_own") is not None else "train_error"
    train_error, dev_error = (_finite(metrics, name) for name in (own, "dev_error"))
    train_dev = metrics.get("train_dev_error")
    bias = None if base_error is None else train_error - base_error
    variance = (dev_error if train_dev is None else train_dev) - train_error
    mismatch = None if train_dev is None else dev_error - train_dev
    second = "variance_or_mismatch" if train_dev is None and _foreign_dev(search) else "variance"
    gaps = {"bias": bias, second: variance, "mismatch": mismatch}
    problems = tuple(name for name, gap in gaps.items() if gap is not None and gap > threshold + 1e-12)
    settings = settings or {}
    following = next_search(search, settings, problems, train_examples) if search else None
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
        steps=recipe(problems, has_images(search), following),
        next_search=following,
    )


def _foreign_dev(search: Mapping[str, Any] | None) -> bool:
    """Return whether the dev set is from another source than the training set."""
    dataset = (search or {}).get("dataset") or {}
    dev = dataset.get("dev")
    if not isinstance(dev, Mapping):
        return False
    return any(dev.get(key) != dataset.get(key) for key in ("name", "path", "arrays") if dev.get(key))


def _finite(metrics: Mapping[str, float], name: str) -> float:
    value = metrics.get(name)
    if value is None or not math.isfinite(value):
        raise ValueError(f"{name} is {value}: only a trial with finite errors can be diagnosed")
    return float(value)


def _uncertainty(error: float, examples: int | None) -> float | None:
    if not examples or not 0 <= error <= 1:
        return None
    return 2 * math.sqrt(max(error * (1 - error), 1 / examples) / examples)


def _summary(gaps: Mapping[str, float | None], problems: tuple[str, ...], base_error: float | None) -> str:
    names = {
        "bias": "avoidable bias",
        "variance": "variance",
        "variance_or_mismatch": "variance or mismatch of the data",
        "mismatch": "mismatch of the data",
    }
    there = {name: gap for name, gap in gaps.items() if gap is not None}
    if base_error is None:  # of a regression, whose errors are no shares
        shown = ", ".join(f"{names[name]} {gap:.3g} standard deviations" for name, gap in there.items())
    else:
        shown = ", ".join(f"{names[name]} {100 * gap:.3g} %" for name, gap in there.items())
    hint = ""
    if base_error is None:
        hint = " What part of the train error is avoidable is not known: set base_error."
    elif "bias" in problems and base_error == 0:
        hint = " If people or the best known model do worse than 0 %, set base_error to their error."
    if "variance_or_mismatch" in problems:
        hint += " The dev set is of another source: a train-dev slice tells which of the two it is."
    if not problems:
        low = "No high variance" if base_error is None else "Neither high bias nor high variance"
        return f"{low}: {shown}.{hint}"
    high = " and ".join(f"high {names[name]}" for name in problems)
    return f"{high[0].upper()}{high[1:]}: {shown}.{hint}"
