"""Cells to a table by a reading: what its upload found for each column holds in training and prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caviar.trainer.data import csv_and_parquet, spelling
from caviar.trainer.data.csv_and_parquet import GAPS
from caviar.trainer.data.file_request import FileRequest
from caviar.trainer.data.reading import Reading, Treatment
from caviar.trainer.data.table import Array, Category, Table
from caviar.trainer.problem import DataError, Problem

Column = Array | Category


def table_of(cells: pa.Table, source: str, wanted: FileRequest, reading: Reading) -> Table:
    """Return the table of these cells.

    Raises
    ------
    DataError
        A column is not there, or cells cannot be read as their columns are: of each the first row is named.
    """
    csv_and_parquet.check_names(cells.column_names, source, wanted)
    columns: dict[str, Column] = {}
    problems: list[Problem] = []
    for name in cells.column_names:
        if _is_used(name, wanted, reading):
            try:
                columns |= columns_of(cells.column(name), name, source, wanted, reading)
            except DataError as error:
                problems += error.problems
    if problems:
        raise DataError(problems)
    if wanted.numbers is not None:
        needed = {*wanted.numbers, *wanted.categorical}
        columns = {name: column for name, column in columns.items() if name in needed}
    return csv_and_parquet.table_of(columns, cells.num_rows, source, wanted)


def columns_of(
    cells: pa.ChunkedArray, name: str, source: str, wanted: FileRequest, reading: Reading
) -> dict[str, Column]:
    """Return what is learned from one column: itself, or several that are made of it."""
    treatment = reading.of(name) or Treatment()
    cells = as_texts(cells)
    if not pa.types.is_string(cells.type):
        column = csv_and_parquet.column(cells, name, source, wanted)
        return {name: spelling.without_markers(column, reading.missing)}
    cells = trimmed(cells, reading.missing)
    if treatment.numbers is None and treatment.dates is None and treatment.texts is None:
        numbers = None if name in wanted.categorical else plain_numbers(cells)
        if numbers is not None:
            return {name: numbers}
        return {name: csv_and_parquet.texts(cells, name, source, wanted)}
    levels, codes = csv_and_parquet.levels_of(cells)
    if treatment.texts is not None or name in wanted.categorical:
        return {name: Category.of_levels(codes, spelling.spelled(levels, treatment.texts or {}))}
    values = [spelling.numbers_of(level, treatment) for level in levels]
    wrong = np.array([value is None for value in values] + [False])[codes]
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        message = f"{source}, row {row + 1}, column {name!r}: {levels[codes[row]]!r:.60}"
        message, remedy = spelling.misfit(message, int(wrong.sum()), treatment)
        raise wanted.refuse("path", message, remedy, {"ignore": [name]})
    made = reading.made_of(name)
    matrix = np.array([*values, (np.nan,) * len(made)], dtype=np.float64)[codes]
    return {feature: np.ascontiguousarray(matrix[:, j]) for j, feature in enumerate(made)}


def as_texts(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts and dates of any of Arrow's kinds as its plain strings, other columns as they are."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        cells, kind = cells.cast(kind.value_type), kind.value_type
    texts = (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_date, pa.types.is_timestamp)
    if any(is_one(kind) for is_one in (*texts, pa.types.is_time)):
        return cells.cast(pa.string())
    return cells


def trimmed(cells: pa.ChunkedArray, missing: Sequence[str]) -> pa.ChunkedArray:
    """Return texts without blanks around them; gaps, and what is said to mean one, are null."""
    cells = pc.utf8_trim_whitespace(cells)
    gaps = pc.is_in(cells, value_set=pa.array([*GAPS, *missing], pa.string()))
    return pc.if_else(gaps, pa.scalar(None, pa.string()), cells)


def plain_numbers(cells: pa.ChunkedArray) -> Array | None:
    """Return texts as numbers, NaN where missing; None if one of them is no number as it stands."""
    try:
        numbers = np.asarray(cells.cast(pa.float64()).to_numpy())
    except pa.ArrowInvalid:
        return None
    return numbers


def _is_used(name: str, wanted: FileRequest, reading: Reading) -> bool:
    if wanted.numbers is not None:
        return bool({*reading.made_of(name)} & {*wanted.numbers, *wanted.categorical})
    treatment = reading.of(name)
    left_out = bool(treatment and treatment.left_out)
    return name in wanted.target or not (name in wanted.ignore or left_out)
