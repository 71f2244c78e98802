"""What a `dataset` object most likely does not mean: sources that differ, rows that a model has seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caviar.trainer.data.more_rows import KEY
from caviar.trainer.problem import Problem

# What says which rows of a source are held out.
_CUT = ("split", "seed", "stratify", "split_groups", "ordered", "folds", "repeats", "dev", "test")


def source_hints(dataset: Mapping[str, Any]) -> list[Problem]:
    """Return a hint where the dev set is from another source than the test set.

    The search then aims at one target and is judged by another.
    """
    source = _source_of_test(dataset)
    of_dev, of_test = _named(_source_of_dev(dataset)), _named(source or {})
    if source is None or of_dev == of_test:
        return []
    message = f"the dev set is from {of_dev}, the test set from {of_test}: trials are chosen on other data"
    remedy = "take both from one source, the one that matters later"
    return [Problem("dataset.test" if dataset.get("test") else "dataset.dev", message, remedy)]


def seen_hints(dataset: Mapping[str, Any], earlier: Mapping[str, Any], trial: str) -> list[Problem]:
    """Return a hint for each part whose rows a model may have learned from: its errors are then too low.

    Parameters
    ----------
    dataset, earlier : mapping
        The `dataset` object of a search, and that of the trial whose model it starts from.
    trial : str
        The trial, as 3.17.
    """
    added = {_named(one) for one in earlier.get(KEY) or ()}
    same_cut = not dataset.get("folds") and _cut(dataset) == _cut(earlier)
    remedy = f"hold out the same rows as the search of {trial} (split, seed), or take other rows"
    found = []
    for part, source in (("dev", _source_of_dev(dataset)), ("test", _source_of_test(dataset))):
        name = None if source is None else _named(source)
        held_out = name == _named(earlier) and name not in added and source is dataset and same_cut
        if name in {_named(earlier), *added} and not held_out:
            message = f"trial {trial} learned from rows of {name}, and some of them may be in this {part} set"
            found.append(
                Problem(f"dataset.{part}" if dataset.get(part) else "dataset.split", message, remedy)
            )
    return found


def _source_of_dev(dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    return dataset.get("dev") or dataset


def _source_of_test(dataset: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return where the test set is from, None without a test set."""
    split, own = dataset.get("split") or {}, dataset.get("test") or None
    if own is not None:
        return dict(own)
    if (split or dataset.get("dev") or dataset.get("folds")) and not split.get("test"):
        return None
    return _source_of_dev(dataset) if split.get("dev") else dataset


def _cut(dataset: Mapping[str, Any]) -> list[Any]:
    return [dataset.get(key) or None for key in _CUT]


def _named(source: Mapping[str, Any]) -> str:
    return str(source.get("name") or source.get("path") or "arrays")
