"""Tables for spreadsheet programs, in which no cell is a formula, and how they are read back.

The rule, for names of columns and texts alike: what begins, blanks and quotes aside, with one of = + - @ '
or their full-width forms, with a tab or the end of a line, gets an apostrophe before it. A text begins again
after each ; | tab and end of a line, where a program that separates cells by these may cut it. So whoever
reads a file takes one apostrophe away at each beginning that has one. Numbers, and texts that are a number,
stay as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BEGIN = r"(?:\A|(?<=[;|\t\r\n]))"
_FORMULA = re.compile(_BEGIN + r"(?=[\s\"]*['=+\-@\uff07\uff1d\uff0b\uff0d\uff20])|\A(?=[\t\r\n])")
_ESCAPED = re.compile(_BEGIN + "'")
_QUOTED = re.compile(r'[",;|\t\r\n]')
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def escape(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; what is no text stays as it is."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return _FORMULA.sub("'", value)


def unescape(value: Any) -> Any:
    """Return what `escape` was given."""
    return _ESCAPED.sub("", value) if isinstance(value, str) else value


def escaped(columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Return columns with every name and cell escaped."""
    return {escape(name): [escape(cell) for cell in cells] for name, cells in columns.items()}


def write_csv(columns: Mapping[str, Sequence[Any]]) -> str:
    """Return columns as CSV, escaped; a missing value is an empty cell."""
    table = escaped(columns)
    rows = [list(table), *zip(*table.values(), strict=True)]
    return "".join(",".join(map(_cell, row)) + "\n" for row in rows)


def read_csv(text: str) -> dict[str, list[str]]:
    """Return the columns of a file that `write_csv` wrote, as texts."""
    names, *rows = csv.reader(io.StringIO(text, newline=""))
    cells: list[Sequence[str]] = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return {
        unescape(name): [unescape(cell) for cell in column] for name, column in zip(names, cells, strict=True)
    }


def _cell(value: Any) -> str:
    """Write a cell; before Python 3.13 the module csv left a lone carriage return without quotes."""
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text
