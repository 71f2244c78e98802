"""What a model scores that answers the same for every example: the least that a network has to beat."""

from __future__ import annotations

import math
from collections.abc import Mapping


def constant_classifier(
    metric: str, counts: Mapping[str, int], dev: Mapping[str, int] | None = None
) -> float | None:
    """Return the score of always answering the commonest class, or for a cost the shares of the classes.

    Parameters
    ----------
    metric : str
        Of results, as dev_error or train_cost.
    counts : mapping
        Rows of each class in the data that the model knows.
    dev : mapping, optional
        The same of the data that it is measured on; None: drawn from the same.

    Returns
    -------
    float or None
        None for any other metric, and where a class of `dev` has no share, so that its cost is infinite.
    """
    measured = counts if dev is None else dev
    total = sum(measured.values())
    if not total or not sum(counts.values()):
        return None
    if metric.endswith("_error"):
        return 1 - measured.get(commonest(counts), 0) / total
    if metric.endswith("_cost"):
        return _cross_entropy(counts, measured)
    return None


def constant_regressor(metric: str) -> float | None:
    """Return the score of always answering the mean: the error is counted in standard deviations."""
    return 1.0 if metric.endswith("_error") else None


def commonest(counts: Mapping[str, int]) -> str:
    """Return the class with the most rows, the first of several."""
    return max(counts, key=lambda name: counts[name])


def _cross_entropy(counts: Mapping[str, int], measured: Mapping[str, int]) -> float | None:
    """-sum q log p, with the shares p of what is known and q of what is measured."""
    total, rows = sum(counts.values()), sum(measured.values())
    shares = {name: counts.get(name, 0) / total for name in measured if measured[name]}
    if not all(shares.values()):
        return None
    return -sum(measured[name] / rows * math.log(share) for name, share in shares.items())
