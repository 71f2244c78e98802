"""What is wrong with a search on uploaded arrays (npz, npy), by their shapes and types as they were sent."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.service.errors import FieldProblem
from caviar.trainer.data import arrays, npy
from caviar.trainer.data.file_request import FileRequest
from caviar.trainer.problem import DataError

KINDS = ("npz", "npy")
_COLUMN = re.compile(r"x(0|[1-9][0-9]{0,9})")


@dataclass(frozen=True)
class Shape:
    """How many columns a source has to learn from, called x0, x1, ..., and how many to predict."""

    features: int
    targets: int

    @property
    def target_names(self) -> list[str]:
        """Name the columns to predict as the trainer does."""
        return ["y"] if self.targets == 1 else [f"y{place}" for place in range(self.targets)]

    def has(self, name: Any) -> bool:
        """Return whether a column to learn from has this name."""
        found = _COLUMN.fullmatch(name) if isinstance(name, str) else None
        return found is not None and int(found[1]) < self.features


def problems_of(
    dataset: Mapping[str, Any], main: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]
) -> list[FieldProblem]:
    """Say what is wrong: `main` is what is known of the data set, `others` of its dev and test source.

    Nothing is said of files with cells, nor of arrays that were uploaded before their shapes were kept.
    """
    problems: list[FieldProblem] = []
    shapes: dict[str, Shape] = {}
    for part, known in {"": main, **others}.items():
        field = f"dataset.{part}" if part else "dataset"
        options = {**dataset, **(dataset[part] if part else {})}
        try:
            shape = _shape(options, known, field)
        except DataError as error:
            problems += [_told(one, field) for one in error.problems]
            continue
        if shape is not None:
            shapes[part] = shape
            problems += _holes(options, known)
    if problems or "" not in shapes:
        return problems
    training = shapes.pop("")
    problems = [*_names(dataset, main, training), *_image(dataset, main, training)]
    for part, shape in shapes.items():
        problems += _like_training(f"dataset.{part}.name", dataset, training, shape, others[part]["name"])
    return problems


def _shape(options: Mapping[str, Any], known: Mapping[str, Any], field: str) -> Shape | None:
    """Return the shape of a source by the trainer's own rules; None where it is not known.

    Raises
    ------
    DataError
        There are no such arrays, or they do not fit together.
    """
    if known["kind"] not in KINDS:
        return None
    if known["kind"] == "npy":
        target = options.get("target")
        wanted = () if target is None else tuple(target) if isinstance(target, list | tuple) else (target,)
        npy.target_column(known["columns"] + 1, known["name"], FileRequest(wanted, field=field))
        return Shape(known["columns"], 1)
    pair = options.get("arrays")
    named = isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
    if "arrays" not in known or (pair and not named):
        return None
    wanted_pair = (str(pair[0]), str(pair[1])) if pair else None
    found = npy.pair(tuple(known["arrays"]), known["name"], FileRequest(arrays=wanted_pair, field=field))
    told = (known["arrays"][name] for name in found)
    X, y = (arrays.Header(tuple(one["shape"]), np.dtype(one["type"])) for one in told)
    arrays.check(X, y, known["name"])
    return Shape(math.prod(X.shape[1:]), math.prod(y.shape[1:]))


def _told(problem: Any, field: str) -> FieldProblem:
    """Name a problem of the trainer's as the user can mend it: X and y are chosen by `arrays`."""
    place = f"{field}.arrays" if problem.field in ("dataset.X", "dataset.y") else problem.field
    return FieldProblem(place, problem.message, problem.remedy)


def _holes(options: Mapping[str, Any], known: Mapping[str, Any]) -> list[FieldProblem]:
    """Find missing numbers, which are taken in cells and not in arrays."""
    described = {column["name"]: column["missing"] for column in known["features"]}
    named = [*_listed(options.get("ignore")), *_listed(options.get("categorical"))]
    unread = {name for name in named if isinstance(name, str)}
    if len(described) < known["columns"] and unread - described.keys():
        return []  # it may be those that have them
    missing = known["missing"] - sum(described.get(name, 0) for name in unread)
    asked = known["kind"] == "npy" or options.get("arrays") == known["options"].get("arrays")
    if options.get("missing") == "impute" or not missing or not asked:
        return []
    message = f"{known['name']} has {missing} missing numbers, which arrays may not have"
    return [FieldProblem("dataset.missing", message, "replace them, or set dataset.missing to impute")]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value] if isinstance(value, str) else []


def _names(dataset: Mapping[str, Any], known: Mapping[str, Any], shape: Shape) -> list[FieldProblem]:
    """Find columns that are named and are not there."""
    remedy = f"its columns are x0 to x{shape.features - 1}, to predict {', '.join(shape.target_names[:12])}"
    return [
        FieldProblem(f"dataset.{key}", f"{known['name']} has no column {name!r}", remedy)
        for key, more in (
            ("ignore", []),
            ("categorical", shape.target_names),
            ("weights", []),
            ("groups", []),
            ("split_groups", []),
        )
        for name in _listed(dataset.get(key))
        if not shape.has(name) and name not in more
    ]


def _image(dataset: Mapping[str, Any], known: Mapping[str, Any], shape: Shape) -> list[FieldProblem]:
    """Find an image that a row does not hold."""
    sides = dataset.get("image_shape")
    if not isinstance(sides, list | tuple) or not all(isinstance(side, int) and side > 0 for side in sides):
        return []  # of what is no shape the trainer tells
    kept = dataset.get("groups_are_features")
    unlearned = ("ignore", "weights", "split_groups", *(() if kept else ("groups",)))
    ignored = {name for key in unlearned for name in _listed(dataset.get(key)) if shape.has(name)}
    categories = {name for name in _listed(dataset.get("categorical")) if shape.has(name)}
    numbers = shape.features - len(ignored | categories)
    if math.prod(sides) == numbers and not categories:
        return []
    message = f"{numbers} numbers in a row of {known['name']} are not {' x '.join(map(str, sides))}"
    return [FieldProblem("dataset.image_shape", message, "give the shape of the image that a row holds")]


def _like_training(
    field: str, dataset: Mapping[str, Any], training: Shape, shape: Shape, name: str
) -> list[FieldProblem]:
    """Find a source with fewer columns than training has, or with other targets."""
    ignored = {place for place in _listed(dataset.get("ignore")) if training.has(place)}
    lacking = [f"x{place}" for place in range(shape.features, min(training.features, shape.features + 1000))]
    if any(place not in ignored for place in lacking):
        message = f"{name} has {shape.features} columns, training has {training.features}"
        return [FieldProblem(field, message, "give both the same columns")]
    if shape.targets != training.targets:
        message = f"{name} has {shape.targets} targets, training has {training.targets}"
        return [FieldProblem(field, message, "give both sources the same targets")]
    return []
