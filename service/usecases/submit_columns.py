"""What is wrong with the columns that say something of rows and are no features: weights and groups."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from caviar.service.errors import FieldProblem

OF_ROWS = ("weights", "groups", "split_groups")
Known = Mapping[str, Any]  # a data set as its upload described it


def problems_of(dataset: Mapping[str, Any], known: Known) -> list[FieldProblem]:
    """Find a column of weights or groups that cannot be one."""
    named = {key: dataset[key] for key in OF_ROWS if isinstance(dataset.get(key), str)}
    found = []
    for key, name in named.items():
        if name in targets(dataset, known):
            message = f"{name!r} is the target"
            found.append(FieldProblem(f"dataset.{key}", message, "name another column"))
        elif name in named_in(dataset.get("ignore")):
            message = f"{name!r} is left out by dataset.ignore"
            found.append(FieldProblem(f"dataset.{key}", message, "remove it from one of the two"))
    for key in OF_ROWS[1:]:
        if key in named and named[key] == named.get("weights"):
            message = f"{named[key]!r} is the column of weights"
            found.append(FieldProblem(f"dataset.{key}", message, "name another column"))
    return found + _weights(dataset.get("weights"), known)


def of_builtin(dataset: Mapping[str, Any], known: Known | None) -> list[FieldProblem]:
    """Find columns of weights or groups that a built-in data set has not, or that cannot be ones."""
    if known is None:
        return []
    names = [column["name"] for column in known["features"]]
    there = {*names, *targets(dataset, known)}
    lacking = [(key, dataset[key]) for key in OF_ROWS if isinstance(dataset.get(key), str)]
    found = []
    for key, name in lacking:
        if name not in there:
            near = get_close_matches(name, names, n=1)
            remedy = f"{f'did you mean {near[0]!r}? ' if near else ''}it has {', '.join(names[:12])}"
            found.append(FieldProblem(f"dataset.{key}", f"{known['name']} has no column {name!r}", remedy))
    return found or problems_of(dataset, known)


def targets(dataset: Mapping[str, Any], known: Known) -> list[str]:
    """Return the names of the target columns."""
    return named_in(dataset.get("target") or (known.get("target") or {}).get("names"))


def named_in(value: Any) -> list[str]:
    """Return the columns that a field names, one or a list of them; what is no text is refused elsewhere."""
    listed = value if isinstance(value, list | tuple) else [value]
    return [one for one in listed if isinstance(one, str)]


def _weights(name: Any, known: Known) -> list[FieldProblem]:
    """Find weights that are texts, missing or negative."""
    column = next((one for one in known["features"] if one["name"] == name), None)
    if column is None:
        return []
    remedy = "use finite numbers of at least 0, one in each row"
    if column["kind"] != "number":
        return [FieldProblem("dataset.weights", f"{name!r} has texts", remedy)]
    if column["missing"]:
        return [FieldProblem("dataset.weights", f"{name!r} has {column['missing']} missing cells", remedy)]
    low, high = column.get("low"), column.get("high")
    if low is not None and low < 0:
        return [FieldProblem("dataset.weights", f"{name!r} goes down to {low:g}", remedy)]
    return [FieldProblem("dataset.weights", f"{name!r} is 0 in all rows", remedy)] if high == 0 else []
