"""What a `dataset` object most likely does not mean: dev and test sets of different sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caviar.trainer.problem import Problem


def source_hints(dataset: Mapping[str, Any]) -> list[Problem]:
    """Return a hint where the dev set is from another source than the test set.

    The search then aims at one target and is judged by another.
    """
    dev, test, split = (dataset.get(part) or {} for part in ("dev", "test", "split"))
    if not dev and not test:
        return []
    of_dev = _named(dev) if dev else _named(dataset)
    if test:
        of_test = _named(test)
    elif dev and not split.get("test"):
        return []  # there is no test set
    else:
        of_test = of_dev if dev and split.get("dev") else _named(dataset)
    if of_dev == of_test:
        return []
    message = f"the dev set is from {of_dev}, the test set from {of_test}: trials are chosen on other data"
    remedy = "take both from one source, the one that matters later"
    return [Problem("dataset.test" if test else "dataset.dev", message, remedy)]


def _named(source: Mapping[str, Any]) -> str:
    return str(source.get("name") or source.get("path") or "arrays")
