"""Rows of a part as they stand in their source: every column, also those that are not learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np

from caviar.trainer.data import arrays, builtin, files
from caviar.trainer.data.file_request import FileRequest
from caviar.trainer.data.load import Origin
from caviar.trainer.data.table import Array, Category

MOST_COLUMNS = 200  # that are shown; of an image beside its pixels
MOST_SIDE = 64  # pixels of an image that is shown; of larger ones every second, third ... pixel


@dataclass(frozen=True, eq=False)
class SourceRows:
    """The inputs of m examples.

    Attributes
    ----------
    columns : mapping of str to ndarray, Category or Arrow's ChunkedArray, each (m,)
        By name, without the target and without the pixels of an image; `cells` reads them.
    more : int
        Columns that are left out beyond MOST_COLUMNS.
    pixels : ndarray(real, (m, height * width * channels)) or None
    image_shape : (height, width, channels) or None
        Of `pixels`.
    """

    columns: Mapping[str, Any]
    more: int = 0
    pixels: Array | None = None
    image_shape: tuple[int, int, int] | None = None

    def cells(self, name: str, rows: Array | None = None) -> list[Any]:
        """Return plain cells of a column, of all rows or of some; None where one is missing."""
        column = self.columns[name]
        if isinstance(column, Category):
            codes = column.codes if rows is None else column.codes[rows]
            return [column.levels[code] if code >= 0 else None for code in codes]
        if isinstance(column, np.ndarray):
            return list(map(plain, column if rows is None else column[rows]))
        return list(map(plain, (column if rows is None else column.take(rows)).to_pylist()))


def source_rows(dataset: Mapping[str, Any], origin: Origin) -> SourceRows:
    """Return the inputs of a part.

    Parameters
    ----------
    dataset : mapping
        The `dataset` object that `Prepared` was given.
    origin : Origin

    Raises
    ------
    DataError
        The file cannot be read any more.
    """
    table, rows = origin.table, origin.rows
    written = _written(dataset, origin)
    if table.image_shape is not None:
        for name in table.number_names:
            written.pop(name, None)
    kept = dict(list(written.items())[:MOST_COLUMNS])
    more = len(written) - len(kept)
    if table.image_shape is None:
        return SourceRows(kept, more)
    return SourceRows(kept, more, *_smaller(table.numbers[rows], table.image_shape))


def _written(dataset: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    """Return the columns of these rows but the target."""
    source = dataset if origin.field == "dataset" else dataset[origin.field.removeprefix("dataset.")]
    rows, targets = origin.rows, origin.table.target_names
    wanted = FileRequest.by(dataset, source, origin.field)
    if source.get("X") is not None:
        table = arrays.to_table(source["X"], source["y"], origin.table.source)
    elif source.get("path") is None:
        table = builtin.read(source["name"])
    elif files.is_arrays(Path(source["path"]), wanted):
        table = files.read(Path(source["path"]), wanted)
    else:
        cells = files.cells_as_written(Path(source["path"]), wanted)
        chosen = cells.drop_columns([n for n in targets if n in cells.column_names]).take(rows)
        return {name: chosen.column(name) for name in chosen.column_names}
    numbers = {name: table.numbers[rows, j] for j, name in enumerate(table.number_names)}
    return numbers | {name: Category(c.codes[rows], c.levels) for name, c in table.categories.items()}


def _smaller(pixels: Array, shape: tuple[int, int, int]) -> tuple[Array, tuple[int, int, int]]:
    """Thin out images that are larger than MOST_SIDE."""
    height, width, channels = shape
    step = -(-max(height, width) // MOST_SIDE)
    thinned = pixels.reshape(len(pixels), height, width, channels)[:, ::step, ::step]
    return thinned.reshape(len(pixels), -1), (thinned.shape[1], thinned.shape[2], channels)


def plain(cell: Any) -> Any:
    """Make a cell fit for JSON: whole numbers without a point, null where not finite, times as texts."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, float):
        if not np.isfinite(cell):
            return None
        return int(cell) if cell.is_integer() and abs(cell) < 1e15 else cell
    if cell is None or isinstance(cell, bool | int | str):
        return cell
    return cell.isoformat() if isinstance(cell, date | datetime | time) else str(cell)
