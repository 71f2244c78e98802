"""Options that say how a file is read; they count when it is uploaded, and are checked here."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

from caviar.trainer.data.dates import WAYS
from caviar.trainer.data.reading import Reading
from caviar.trainer.problem import Problem

READING = {
    "header": "false: the first line is a row already; true: it is names, whatever it looks like",
    "encoding": "of a CSV file, such as cp1251, if it is neither UTF-8, UTF-16 nor Windows-1252",
    "sheet": "of an Excel workbook that has several",
    "decimal": "'.' or ',': which one is the decimal mark, where the numbers do not tell",
    "dates": "columns of dates, and what they become: {day: parts}, cycle or elapsed, or a list of these",
    "missing_values": "texts and numbers that mean a missing cell, such as [n.v., -999]",
    "as_is": "columns to read as they stand: not left out, no spellings made one, no units dropped",
}


def encoding(field: str, value: object) -> list[Problem]:
    """Return what is wrong with the name of an encoding."""
    try:
        text = isinstance(value, str) and "a".encode(value).decode(value) == "a"
        codecs.getincrementaldecoder(str(value))
    except (LookupError, UnicodeError, TypeError):
        text = False
    return (
        []
        if text
        else [Problem(field, f"{value!r:.40} is no encoding", "use utf-8, cp1252, cp1251, gbk ...")]
    )


def sheet(field: str, value: object) -> list[Problem]:
    """Return what is wrong with the name of a sheet."""
    if isinstance(value, str) and value:
        return []
    return [Problem(field, f"{value!r:.40} is no name of a sheet", "write it as the workbook shows it")]


def decimal(field: str, value: object) -> list[Problem]:
    """Return what is wrong with a decimal mark."""
    return (
        [] if value in (".", ",") else [Problem(field, f"{value!r:.40} is no decimal mark", "use '.' or ','")]
    )


def missing_values(field: str, value: object) -> list[Problem]:
    """Return what is wrong with a list of cells that mean a missing one."""
    if isinstance(value, list | tuple) and all(isinstance(one, str | int | float) for one in value):
        return []
    return [
        Problem(field, f"{value!r:.60} is not a list of texts or numbers", "write [n.v., -999], for example")
    ]


def dates(field: str, value: object) -> list[Problem]:
    """Return what is wrong with the wishes for columns of dates."""
    remedy = (
        f"write {{column: {WAYS[0]}}}, or a list of {', '.join(WAYS)}, or {{as: ..., format: '%d.%m.%Y'}}"
    )
    if not isinstance(value, Mapping):
        return [Problem(field, f"{value!r:.60} does not name columns and what they become", remedy)]
    wrong = [name for name, one in value.items() if not _is_wish(one)]
    return [Problem(f"{field}.{name}", f"{value[name]!r:.60} is not known", remedy) for name in wrong]


def reading(field: str, value: object) -> list[Problem]:
    """Return what is wrong with a stored reading."""
    try:
        Reading.from_dict(value)  # type: ignore[arg-type]
    except ValueError as error:
        return [Problem(field, str(error), "leave it out: the server knows how the file was read")]
    return []


def relabelled(field: str, value: object) -> list[Problem]:
    """Return what is wrong with the earlier labels of a data set."""
    found = [value.get(key) for key in ("rows", "labels")] if isinstance(value, Mapping) else [None]
    lists = [one for one in found if isinstance(one, list | tuple)]
    whole = len(lists) == 2 and all(isinstance(row, int) and row >= 1 for row in lists[0])
    if whole and len(lists[0]) == len(lists[1]):
        return []
    message = f"{value!r:.60} is no list of rows and labels"
    return [Problem(field, message, "leave it out: the server knows which labels were corrected")]


def _is_wish(wish: object) -> bool:
    ways = wish.get("as", WAYS[0]) if isinstance(wish, Mapping) else wish
    form = wish.get("format") if isinstance(wish, Mapping) else None
    listed = [ways] if isinstance(ways, str) else ways
    known = isinstance(listed, list | tuple) and bool(listed) and all(way in WAYS for way in listed)
    return known and (form is None or isinstance(form, str))
