"""A `dataset` object to `Data`: read, split, encode, normalise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from caviar.trainer.data import normalize as normalizing
from caviar.trainer.data import sources
from caviar.trainer.data.columns import Encoding
from caviar.trainer.data.description import problems_of
from caviar.trainer.data.file_request import FileRequest
from caviar.trainer.data.split import Fractions, check_classes, fractions, halves_of_dev, split_rows
from caviar.trainer.data.table import Array, Table
from caviar.trainer.data.targets import Target
from caviar.trainer.data.types import Data
from caviar.trainer.problem import DataError

Precision = Literal["float32", "float64"]
Parts = dict[str, tuple[Array, Array]]


def load(dataset: Mapping[str, Any], precision: Precision = "float32", normalize: bool = True) -> Data:
    """Load a data set, ready for training.

    Parameters
    ----------
    dataset : mapping
        The `dataset` object of a search; `trainer.data.KEYS` tells what may stand in it.
    precision : {"float32", "float64"}
        Of X and of regression targets.
    normalize : bool
        x := (x - mu) / sigma; `dataset["normalize"]` goes before it.

    Returns
    -------
    Data
        The same for the same arguments, whatever the seed of a trial.

    Raises
    ------
    DataError
        It cannot be trained on; `problems` names field and remedy, and row and column of a cell at fault.
    """
    problems = problems_of(dataset)
    if problems:
        raise DataError(problems)
    dataset = _with_reading(dataset)
    table = sources.read(dataset, dataset)
    target = Target.of(table, dataset.get("task"))
    encoding, parts, of_rows = _cut(dataset, table, target)
    X_train, Y_train = parts["train"]
    n = X_train.shape[1]
    if dataset.get("normalize") is not None:
        normalize = dataset["normalize"]
    mu, sigma = normalizing.moments(X_train) if normalize else (np.zeros(n), np.ones(n))
    scale: dict[str, Array] = {"mu": _fixed(mu), "sigma": _fixed(sigma)}
    if target.task == "regression":
        scale["target_mu"], scale["target_sigma"] = map(_fixed, normalizing.moments(Y_train))
    return Data(
        kind=target.kind,
        n_classes=len(target.classes),
        feature_names=encoding.feature_names,
        class_names=target.classes,
        target_names=target.names,
        image_shape=table.image_shape,
        preprocessing=_preprocessing(table, target, encoding, dataset),
        source=table.source,
        **{f"weights_{part}": _mean_one(found, part) for part, found in of_rows["weights"].items()},
        **{f"groups_{part}": _fixed(found) for part, found in of_rows["groups"].items()},
        **scale,
        **_arrays(parts, scale, encoding.feature_names, np.dtype(precision)),
    )


def _with_reading(dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find how a file is read, if options say something of that and no upload found it before."""
    from caviar.trainer.data.options import READING

    asked = any(dataset.get(key) is not None for key in READING)
    if dataset.get("path") is None or dataset.get("reading") is not None or not asked:
        return dataset
    from caviar.trainer.data import files, inference

    path, wanted = Path(dataset["path"]), FileRequest.by(dataset, dataset, "dataset")
    if files.is_arrays(path, wanted):
        return dataset
    return {**dataset, "reading": inference.infer(path, wanted, dataset).reading.as_dict()}


def _reading_of_search(dataset: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the reading that the search goes by, for its models."""
    reading = FileRequest.by(dataset, dataset, "dataset").reading
    return None if reading is None else reading.as_dict()


def _cut(
    dataset: Mapping[str, Any], table: Table, target: Target
) -> tuple[Encoding, Parts, dict[str, dict[str, Array]]]:
    """Return the encoding learned from the training rows, and of each part X and Y, weights and groups.

    X and Y are not yet normalised.
    """
    categorical = [*(dataset.get("categorical") or ()), *table.categories]  # however the others look
    options = {**dataset, "categorical": categorical}
    others = {p: sources.read(dataset[p], options, f"dataset.{p}") for p in ("dev", "test") if dataset.get(p)}
    split = dataset.get("split") or {}
    shares = fractions(split, table.rows, "dev" in others, "test" in others)
    Y = target.encode(table)
    rows = _rows(dataset, shares, target, Y)
    encoding = Encoding.fit(table, rows["train"])
    X = encoding.transform(table)
    parts = {part: (X[chosen], Y[chosen]) for part, chosen in rows.items()}
    of_rows = {name: _of_rows(name, table, rows, others) for name in ("weights", "groups")}
    for part, other in others.items():
        parts[part] = encoding.transform(other), target.encode(other, f"dataset.{part}")
    halves = halves_of_dev(split, "test" in others)
    if "dev" in others and halves.dev:
        X, Y = parts["dev"]
        rows = _rows(dataset, halves, target, Y)
        parts["dev"], parts["test"] = ((X[rows[half]], Y[rows[half]]) for half in ("train", "dev"))
        for found in of_rows.values():
            if found:
                found["dev"], found["test"] = (found["dev"][rows[half]] for half in ("train", "dev"))
    if target.task == "classification":
        _check_every_class(parts["train"][1], target)
    return encoding, parts, of_rows


def _of_rows(
    name: str, table: Table, rows: Mapping[str, Array], others: Mapping[str, Table]
) -> dict[str, Array]:
    """Return what a column says of the rows of each part; nothing where no column does."""
    column = getattr(table, name)
    found = {} if column is None else {part: column[chosen] for part, chosen in rows.items()}
    return found | {part: of for part, other in others.items() if (of := getattr(other, name)) is not None}


def _mean_one(weights: Array, part: str) -> Array:
    """Scale the weights of a part, so that alpha and lambda keep their meaning."""
    if not weights.any():
        message, remedy = f"all rows of the {part} set have weight 0", "give more rows a weight"
        raise DataError.of("dataset.weights", message, remedy)
    return _fixed(weights / weights.mean())


def _rows(dataset: Mapping[str, Any], shares: Fractions, target: Target, Y: Array) -> dict[str, Array]:
    """Return the rows of each part, stratified if there are classes and nobody said otherwise."""
    seed = int(dataset.get("seed") or 0)
    if target.task == "regression" or dataset.get("stratify") is False:
        return split_rows(shares, len(Y), None, seed)
    check_classes(shares, np.bincount(Y, minlength=len(target.classes)), target.classes)
    return split_rows(shares, len(Y), Y, seed)


def _check_every_class(Y_train: Array, target: Target) -> None:
    """Refuse a training set that lacks a class: nothing could be learned of it."""
    counts = np.bincount(Y_train, minlength=len(target.classes))
    if not counts.all():
        name = target.classes[int(np.argmin(counts))]
        remedy = "collect more of it, drop it, or let dataset.stratify be true"
        raise DataError.of("dataset.split", f"the training set has no example of the class {name!r}", remedy)


def _arrays(
    parts: Parts, scale: Mapping[str, Array], names: tuple[str, ...], dtype: np.dtype[Any]
) -> dict[str, Array]:
    """Normalise each part by the training set and lay it out contiguously."""
    arrays = {}
    for part, (X, Y) in parts.items():
        X = normalizing.apply(X, scale["mu"], scale["sigma"], dtype)
        if not np.isfinite(X).all():
            row, column = np.argwhere(~np.isfinite(X))[0]
            message = f"row {row + 1} of the {part} set: {names[column]!r} does not fit into {dtype}"
            raise DataError.of("dataset", message, "scale the column, or train with precision float64")
        if "target_mu" in scale:
            Y = normalizing.apply(Y, scale["target_mu"], scale["target_sigma"], dtype)
        arrays[f"X_{part}"], arrays[f"Y_{part}"] = _fixed(X), _fixed(np.ascontiguousarray(Y))
    return arrays


def _preprocessing(
    table: Table, target: Target, encoding: Encoding, dataset: Mapping[str, Any]
) -> dict[str, Any]:
    """Return, as plain JSON, what prediction needs besides mu and sigma."""
    arrays, reading = dataset.get("arrays"), _reading_of_search(dataset)
    return {
        "version": 1 if reading is None else 2,
        "source": table.source,
        **({} if reading is None else {"reading": dict(reading)}),
        "arrays": arrays and list(arrays),
        "missing": table.missing,
        "encoding": encoding.as_dict(),
        "task": target.task,
        "classes": list(target.classes),
        "targets": list(target.names),
        "image_shape": table.image_shape and list(table.image_shape),
    }


def _fixed(array: Array) -> Array:
    """Make an array read-only: many runs share it."""
    array.flags.writeable = False
    return array
