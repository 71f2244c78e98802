"""Where rows come from: a built-in set, a file, or arrays of a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from caviar.trainer.data import arrays, builtin
from caviar.trainer.data.table import Array, Category, Table, shown, such_cells
from caviar.trainer.problem import DataError, Problem

MOST_TOLD = 20  # columns at fault that are named


def read(source: Mapping[str, Any], options: Mapping[str, Any], field: str = "dataset") -> Table:
    """Read a source: the `dataset` object itself, or its `dev` or `test`.

    Parameters
    ----------
    source : mapping
        One of name, path, or X and y.
    options : mapping
        The `dataset` object, for target, categorical, ignore, missing and image_shape.
    field : str
        Where the source stands, for messages.

    Raises
    ------
    DataError
        It cannot be read, or a row cannot be trained on.
    """
    if source.get("X") is not None:
        table = arrays.to_table(source["X"], source["y"], str(source.get("name") or "the array"))
    elif source.get("path") is not None:
        from caviar.trainer.data import files
        from caviar.trainer.data.file_request import FileRequest

        table = files.read(Path(source["path"]), FileRequest.by(options, source, field))
    else:
        table = builtin.read(source["name"])
    return chosen(table, source, options, field)


def chosen(table: Table, source: Mapping[str, Any], options: Mapping[str, Any], field: str) -> Table:
    """Return what a `dataset` object wants of a table that was read; parameters and errors as for `read`."""
    ignored, there = options.get("ignore") or (), {*table.number_names, *table.categories}
    # A file of cells was read without them; for a file of arrays the names are those of its columns.
    table = _without(table, [name for name in ignored if source.get("path") is None or name in there])
    if options.get("weights") is not None:
        table = _weighted(table, options["weights"])
    if options.get("split_groups") is not None and field == "dataset":  # other sources are not cut by it
        table = _kept_together(table, options["split_groups"])
    if options.get("groups") is not None:
        table = _grouped(table, options["groups"], options.get("groups_are_features") is True)
    table = _without(table, _of_the_split(table, options))
    categorical = options.get("categorical") or ()
    if options.get("reading") is not None:  # what training makes a category another source may lack
        there = {*table.number_names, *table.categories, *table.target_names}
        categorical = [name for name in categorical if name in there]
    table = table.with_categories(categorical, "dataset.categorical")
    table = _shaped(table, options.get("image_shape"))
    if options.get("missing"):
        table = replace(table, missing=options["missing"])
    check_numbers(table, field)
    return table


def check_numbers(table: Table, field: str) -> None:
    """Refuse infinite numbers, and missing ones where they are not imputed; each column is named.

    Raises
    ------
    DataError
        There is such a cell, or there are no columns at all.
    """
    if not table.number_names and not table.categories:
        raise DataError.of(field, f"{table.source} has no column to learn from", "give at least one feature")
    if table.numbers.dtype.kind != "f" or np.isfinite(table.numbers).all():
        return
    bad = np.isinf(table.numbers) if table.missing == "impute" else ~np.isfinite(table.numbers)
    if not bad.any():
        return
    missing = np.isnan(table.numbers)
    if missing.any() and table.missing != "impute":
        told = _not_finite(table, missing)
        remedy = "replace it, or set dataset.missing to impute"
        raise DataError.of(field, told, remedy, {"missing": "impute"})
    places = np.flatnonzero(bad.any(axis=0))
    raise DataError(_infinite(table, place, bad[:, place], field) for place in places[:MOST_TOLD].tolist())


def _infinite(table: Table, place: int, bad: Array, field: str) -> Problem:
    told = _not_finite(table, bad[:, None], place)
    return Problem(field, told, "replace it by a finite number", ({"ignore": [table.number_names[place]]},))


def _not_finite(table: Table, bad: Array, first: int = 0) -> str:
    """Name the first bad cell and count them; `first` is the column of the table where `bad` begins."""
    row, column = np.argwhere(bad)[0] + (0, first)
    message = f"{table.source}, row {row + 1}, column {table.number_names[column]!r}:"
    return f"{message} {table.numbers[row, column]} is not finite ({such_cells(int(bad.sum()))})"


def _without(table: Table, names: Any) -> Table:
    """Leave columns out."""
    unknown = [name for name in names if name not in (*table.number_names, *table.categories)]
    if unknown:
        known = shown((*table.number_names, *table.categories))
        raise DataError.of("dataset.ignore", f"{table.source} has no column {unknown[0]!r}", f"use {known}")
    if not names:
        return table
    kept = [j for j, name in enumerate(table.number_names) if name not in names]
    return replace(
        table,
        numbers=table.numbers[:, kept],
        number_names=tuple(table.number_names[j] for j in kept),
        categories={name: column for name, column in table.categories.items() if name not in names},
    )


def _weighted(table: Table, name: str) -> Table:
    """Take the column of weights out of the features.

    Raises
    ------
    DataError
        It is missing, holds no numbers, or one that is missing, infinite or negative; or all are 0.
    """
    if name not in table.number_names:
        what = "has texts in" if name in table.categories else "has no column of numbers"
        known = shown(table.number_names)
        raise DataError.of("dataset.weights", f"{table.source} {what} {name!r}", f"one of {known}")
    weights = table.numbers[:, table.number_names.index(name)].astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad) or not weights.any():
        row, value = (bad[0] + 1, weights[bad[0]]) if len(bad) else (1, 0.0)
        message = f"{table.source}, row {row}, column {name!r}: {value} is not a weight"
        raise DataError.of("dataset.weights", message, "use finite numbers of at least 0, not all 0")
    return replace(_without(table, [name]), weights=weights)


def _grouped(table: Table, name: str, feature: bool) -> Table:
    """Tell which group each row is in; its column is no feature unless somebody wants that.

    Raises
    ------
    DataError
        There is no such column.
    """
    groups = _codes(table, name, "dataset.groups")
    return replace(table if feature else _without(table, [name]), groups=groups)


def _kept_together(table: Table, name: str) -> Table:
    """Tell the rows that stay together in a split.

    Raises
    ------
    DataError
        The column is missing, or a cell of it is.
    """
    codes = _codes(table, name, "dataset.split_groups").astype(np.int64)
    if (codes < 0).any():
        row = int(np.argmax(codes < 0)) + 1
        message = f"{table.source}, row {row}, column {name!r}: the cell is empty, so the row is of no group"
        raise DataError.of("dataset.split_groups", message, "fill it in, or drop the row")
    return replace(table, split_groups=codes)


def _codes(table: Table, name: str, field: str) -> Array:
    """Return for each row which of the different cells of a column it has, -1 where the cell is empty.

    Raises
    ------
    DataError
        There is no such column.
    """
    if name in table.categories:
        return table.categories[name].codes
    if name in table.number_names:
        return Category.of(table.numbers[:, table.number_names.index(name)]).codes
    known = shown((*table.number_names, *table.categories))
    raise DataError.of(field, f"{table.source} has no column {name!r}", f"one of {known}")


def _of_the_split(table: Table, options: Mapping[str, Any]) -> list[str]:
    """Name the column that rows stay together by, unless it is used up or wanted otherwise."""
    name, there = options.get("split_groups"), {*table.number_names, *table.categories}
    wanted = name == options.get("groups") and options.get("groups_are_features") is True
    return [name] if name is not None and name in there and not wanted else []


def _shaped(table: Table, shape: Any) -> Table:
    """Say that the numbers of a row are an image."""
    if shape is None:
        fits = table.image_shape and np.prod(table.image_shape) == table.numbers.shape[1]
        return table if fits else replace(table, image_shape=None)
    height, width, channels = (*shape, 1)[:3]
    if height * width * channels != table.numbers.shape[1] or table.categories:
        n = table.numbers.shape[1]
        message = f"{n} numbers in a row of {table.source} are not {height} x {width} x {channels}"
        raise DataError.of("dataset.image_shape", message, "give the shape of the image that a row holds")
    return replace(table, image_shape=(int(height), int(width), int(channels)))
