"""What is wrong with further sources of training rows (`more_training_data`), by what their uploads found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caviar.service.errors import FieldProblem
from caviar.service.usecases.submit_columns import named_in, targets
from caviar.trainer.data.more_rows import KEY, counts
from caviar.trainer.data.split import fractions
from caviar.trainer.problem import DataError

MOST_NAMED = 12
Known = Mapping[str, Any]  # a data set as its upload described it


def problems_of(
    dataset: Mapping[str, Any],
    main: Known,
    more: Mapping[int, Known],
    classes: Mapping[int, tuple[set[str], set[str]]],
) -> list[FieldProblem]:
    """Find what these sources lack of columns, classes and rows, or have of the other parts.

    `more` are those of which something is known, by their place; `classes` those of the data set and of a
    source, where all are known.
    """
    found = [one for place, other in more.items() for one in _columns(dataset, main, place, other)]
    for place, (known, others) in classes.items():
        if new := sorted(others - known):
            message = f"{more[place]['name']} has the class {new[0]!r}, which {main['name']} does not have"
            remedy = "drop these rows, or name the classes as there"
            found.append(FieldProblem(f"dataset.{KEY}.{place}.name", message, remedy))
    return found + _same_files(dataset) + _rows(dataset, main, more)


def _columns(dataset: Mapping[str, Any], main: Known, place: int, other: Known) -> list[FieldProblem]:
    wanted, there = _names(dataset, main), _names(dataset, other)
    if wanted is None or there is None:
        return []
    lacking = [name for name in wanted if name not in there]
    if not lacking:
        return []
    message = f"{other['name']} lacks the columns {', '.join(lacking[:MOST_NAMED])} of {main['name']}"
    remedy = "give both the same columns, or list these in dataset.ignore"
    return [FieldProblem(f"dataset.{KEY}.{place}.name", message, remedy)]


def _names(dataset: Mapping[str, Any], known: Known) -> list[str] | None:
    """Name the columns that are used; None where not all are known."""
    if len(known["features"]) < known["columns"]:
        return None
    ignored = {*named_in(dataset.get("ignore")), *targets(dataset, known)}
    return [one["name"] for one in known["features"] if one["name"] not in ignored]


def _same_files(dataset: Mapping[str, Any]) -> list[FieldProblem]:
    """Find a source with the rows of dev or test set: they would be trained on."""
    kept = {"the data set": dataset, "the dev set": dataset.get("dev"), "the test set": dataset.get("test")}
    digests = {_digest(one): name for name, one in kept.items() if _digest(one)}
    return [
        FieldProblem(
            f"dataset.{KEY}.{place}.name",
            f"is the file of {digests[_digest(one)]}: rows of dev or test set would be trained on",
            "give rows that are in neither",
        )
        for place, one in enumerate(dataset[KEY])
        if _digest(one) in digests
    ]


def _digest(source: Any) -> str:
    upload = source.get("upload") if isinstance(source, Mapping) else None
    return str(upload.get("root") or upload["digest"]) if upload else ""


def _rows(dataset: Mapping[str, Any], main: Known, more: Mapping[int, Known]) -> list[FieldProblem]:
    """Find a share that a source has too few rows for."""
    if dataset.get("folds") or len(more) < len(dataset[KEY]):
        return []
    own_dev, own_test = bool(dataset.get("dev")), bool(dataset.get("test"))
    train = int(main["rows"] * fractions(dataset.get("split") or {}, main["rows"], own_dev, own_test).train)
    sizes = [(int(more[place]["rows"]), one.get("share")) for place, one in enumerate(dataset[KEY])]
    try:
        counts(train, sizes)
    except DataError as error:
        return [FieldProblem(one.field, one.message, one.remedy) for one in error.problems]
    return []
