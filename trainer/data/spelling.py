"""One text at a time, by the treatment of its column; the same for files and for columns of a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar.trainer.data.numerals import plain
from caviar.trainer.data.reading import Reading, Treatment
from caviar.trainer.data.table import Array, Category, such_cells, text_of
from caviar.trainer.problem import DataError


def folded(text: str) -> str:
    """Return the key under which spellings of one word are the same: yes, Yes and "YES "."""
    return " ".join(text.split()).casefold()


def spelled(texts: Sequence[str], spellings: Mapping[str, str]) -> list[str]:
    """Return each text as the one that stands for its spellings."""
    return [spellings.get(folded(text), text.strip()) for text in texts]


def numbers_of(text: str, treatment: Treatment) -> tuple[float, ...] | None:
    """Return the numbers that a cell becomes; None if it is not written as its column is."""
    if treatment.dates is not None:
        return treatment.dates.numbers(text)
    assert treatment.numbers is not None
    number = treatment.numbers.parse(text)
    return None if number is None else (number,)


def misfit(where: str, cells: int, treatment: Treatment) -> tuple[str, str]:
    """Return message and remedy for a cell that is not written as its column is."""
    if treatment.dates is not None:
        what = f"{where} is no date in the format {treatment.dates.format} of this column"
        return f"{what} ({such_cells(cells)})", "write it as the others, or leave the cell empty"
    assert treatment.numbers is not None
    style = treatment.numbers
    marks = [f"decimal {style.decimal!r}", *([f"thousands {style.group!r}"] if style.group else [])]
    how = ", ".join([*marks, *([f"unit {style.unit!r}"] if style.unit else [])])
    what = f"{where} is not a number as this column has them ({how}; {such_cells(cells)})"
    return what, "write it as the others, or leave the cell empty"


def without_markers(column: Array | Category, missing: Sequence[str]) -> Array | Category:
    """Return a column of numbers with NaN in place of those that mean a missing cell, such as -999."""
    markers = [number for number in map(plain, missing) if number is not None]
    if not markers or isinstance(column, Category):
        return column
    return np.where(np.isin(column, markers), np.nan, column)


def treated(columns: Mapping[str, Sequence[Any]], reading: Reading) -> dict[str, Sequence[Any]]:
    """Return columns of a script as training had them: dates become numbers, spellings one.

    Raises
    ------
    DataError
        A cell is not written as its column is.
    """
    found: dict[str, Sequence[Any]] = {}
    for name, values in columns.items():
        treatment = reading.of(name) or Treatment()
        cells = [_cell(value, reading.missing) for value in values]
        if treatment.texts is not None:
            spellings = treatment.texts
            found[name] = [spelled([str(cell)], spellings)[0] if cell is not None else None for cell in cells]
        elif treatment.dates is not None or treatment.numbers is not None:
            made = reading.made_of(name)
            rows = [
                _numbers(cell, row, name, treatment, len(made)) for row, cell in enumerate(cells, start=1)
            ]
            found |= {feature: [numbers[j] for numbers in rows] for j, feature in enumerate(made)}
        else:
            found[name] = cells
    return found


def _cell(value: Any, missing: Sequence[str]) -> Any:
    """Return a cell without blanks around it; None where it is missing."""
    if value is None or value != value:
        return None
    cell = value.strip() if isinstance(value, str) else value
    return None if cell == "" or text_of(cell) in missing or str(cell) in missing else cell


def _numbers(cell: Any, row: int, name: str, treatment: Treatment, many: int) -> tuple[float, ...]:
    if cell is None:
        return (float("nan"),) * many
    if treatment.numbers is not None and isinstance(cell, int | float | np.number):
        return (float(cell),)
    found = numbers_of(str(cell), treatment)
    if found is None:
        message, remedy = misfit(f"row {row}, column {name!r}: {cell!r:.60}", 1, treatment)
        raise DataError.of("data", message, remedy)
    return found
