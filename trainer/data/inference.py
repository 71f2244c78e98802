"""What an upload finds in a file of cells: how each column is to be read, what is left out, what is doubtful.

What carries nothing is left out with a word; what may be read in two ways is refused with the option that
decides. Both are told once, at the upload, and kept as the `reading` of the data set.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caviar.trainer.data import cells as cells_of
from caviar.trainer.data import dates, layout, treat
from caviar.trainer.data.columns import MOST_LEVELS, MOST_ONCE
from caviar.trainer.data.csv_and_parquet import MOSTLY, levels_of
from caviar.trainer.data.file_request import FileRequest
from caviar.trainer.data.notes import Note, hint, left_out, markers, mixed, of_layout, text_note
from caviar.trainer.data.numerals import Style, looks_like_number, plain, styles
from caviar.trainer.data.reading import Layout, Reading, Treatment
from caviar.trainer.data.sources import check_numbers
from caviar.trainer.data.spelling import folded, without_markers
from caviar.trainer.data.table import Array, shown
from caviar.trainer.problem import DataError, Problem

TARGETS = ("target", "label", "class", "y")  # names that columns to predict have
_UNNAMED = re.compile(r"column_\d+|Unnamed: \d+|__index_level_\d+__")
_ID = re.compile(
    r"(^|.*[_ .-])(id|ids|key|uuid|guid|index|idx|row|rownum|nr|no|number)$|.*[a-z](Id|ID)$", re.I
)
_CODE = r"^[+-]?0[0-9]+$"
_WORDS = 3  # a text has on average; beyond this it is free text rather than an identifier
_FEW_NUMBERS = 20  # different ones beside texts: categories that have numbers among their names


@dataclass(frozen=True)
class Found:
    """What is known of a file of cells: the cells, how to read them, and notes for people."""

    names: tuple[str, ...]
    cells: pa.Table
    reading: Reading
    notes: list[Note] = field(default_factory=list)

    def target(self) -> str:
        """Return the column that is called like a target, or else the last one that is not left out.

        A y beside x is a coordinate, unless it comes last.
        """
        kept = [name for name in self.names if not (self.reading.columns.get(name) or Treatment()).left_out]
        last = (kept or self.names)[-1]
        small = {name.lower(): name for name in reversed(self.names)}
        for name in TARGETS:
            if name in small and not (name == "y" and "x" in small and small["y"] != last):
                return small[name]
        return last


def infer(path: Path, wanted: FileRequest, options: Mapping[str, Any]) -> Found:
    """Find how a file of cells is to be read.

    Raises
    ------
    DataError
        It cannot be read, or columns may be read in two ways; the option that decides is named for each.
    """
    form, source = layout.detect(path, wanted, options)
    cells = cells_of.read(source, form, path.name, wanted)
    names = tuple(cells.column_names)
    for key in ("as_is", "dates"):
        _check_known(options.get(key) or (), key, names, path.name, wanted)
    missing = tuple(map(str, options.get("missing_values") or ()))
    notes = of_layout(form)
    columns: dict[str, Treatment] = {}
    look = _Look(path.name, wanted, options, missing, form)
    doubtful: dict[str, list[Problem]] = {}
    for name in names if len(set(names)) == len(names) else ():
        if name in wanted.ignore or name in (options.get("as_is") or ()):
            continue
        try:
            treatment, note = look.at(name, cells.column(name))
        except DataError as error:
            doubtful[name] = error.problems
            continue
        if treatment is not None:
            columns[name] = treatment
        notes += [note] if note else []
    found = Found(names, cells, Reading(form, columns, missing), notes)
    if doubtful:
        told = [problem for problems in doubtful.values() for problem in problems]
        raise DataError([*told, *_unreadable(found, path.name, wanted, doubtful)])
    return found


def _unreadable(found: Found, source: str, wanted: FileRequest, doubtful: Collection[str]) -> list[Problem]:
    """Return what is wrong with the cells of the columns that may be read in one way only."""
    problems: list[Problem] = []
    for name in found.names:
        if name in (*wanted.ignore, *doubtful) or (found.reading.of(name) or Treatment()).left_out:
            continue
        categorical = (name,) if name in wanted.categorical else ()
        alone = replace(wanted, target=(), needs_target=False, ignore=(), categorical=categorical)
        try:
            table = treat.table_of(found.cells.select([name]), source, alone, found.reading)
            check_numbers(table, wanted.field)
        except DataError as error:
            problems += error.problems
    return problems


@dataclass
class _Look:
    """How columns of one file are looked at, one after the other."""

    source: str
    wanted: FileRequest
    options: Mapping[str, Any]
    missing: tuple[str, ...]
    form: Layout

    def at(self, name: str, cells: pa.ChunkedArray) -> tuple[Treatment | None, Note | None]:
        """Return what is to be done with a column, and what a person should know."""
        cells = treat.as_texts(cells)
        if not pa.types.is_string(cells.type):
            return self._typed(name, cells)
        cells = treat.trimmed(cells, self.missing)
        present = len(cells) - cells.null_count
        if not present:
            return left_out(name, "it is empty")
        if name in (self.options.get("dates") or {}):
            return self._dates(name, cells)
        numbers = None if name in self.wanted.categorical else treat.plain_numbers(cells)
        if numbers is not None and not _codes(cells):
            return self._grouped(name, cells) or self._numbers(name, numbers)
        levels, codes = levels_of(cells)
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        return self._texts(name, levels, counts, len(cells), numbers is not None)

    def _typed(self, name: str, cells: pa.ChunkedArray) -> tuple[Treatment | None, Note | None]:
        """Look at a column that the file itself says is no text."""
        kind = cells.type
        if pa.types.is_null(kind) or cells.null_count == len(cells):
            return left_out(name, "it is empty")
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            values = np.asarray(cells.cast(pa.float64(), safe=False).to_numpy())
            found = without_markers(values, self.missing)
            return self._numbers(name, found) if isinstance(found, np.ndarray) else (None, None)
        if pa.types.is_boolean(kind) and cells.null_count == 0 and len(pc.unique(cells)) == 1:
            return left_out(name, f"each row has {str(cells[0]).lower()}")
        return None, None  # others are refused where they are read, by their type

    def _numbers(self, name: str, values: Array) -> tuple[Treatment | None, Note | None]:
        present = values[~np.isnan(values)]
        if not len(present):
            return left_out(name, "it is empty")
        if name in self.wanted.categorical:
            return None, None
        if len(present) == len(values) > 1 and (present == present[0]).all():
            return left_out(name, f"each row has {present[0]:g}")
        whole = len(present) == len(values) and bool((values == np.floor(values)).all())
        counts = whole and len(values) > 2 and bool((np.diff(values) == 1).all())
        unnamed, called = bool(_UNNAMED.fullmatch(name)), bool(_ID.fullmatch(name))
        if counts and (called or (unnamed and self.form.header)):
            return left_out(name, "it counts the rows", "a file that is sorted would tell its target by it")
        return None, hint(name, present, whole, counts, called)

    def _dates(self, name: str, cells: pa.ChunkedArray) -> tuple[Treatment | None, Note | None]:
        asked = self.options["dates"][name]
        ways = asked.get("as", "parts") if isinstance(asked, Mapping) else asked
        ways = [ways] if isinstance(ways, str) else list(ways)
        levels, codes = levels_of(cells)
        form = asked.get("format") if isinstance(asked, Mapping) else None
        known = [form] if form else dates.formats(levels)
        if not known:
            message = f"{self.source}, column {name!r} has no dates in one format, such as {levels[0]!r:.40}"
            remedy = f"give its format, as in dates: {{{name}: {{as: parts, format: '%d.%m.%Y'}}}}"
            raise self.wanted.refuse("dates", message, remedy, {"ignore": [name]})
        if len(known) > 1:
            message = f"{self.source}, column {name!r}: {levels[0]!r} may be {' or '.join(known)}"
            remedy = f"give its format, as in dates: {{{name}: {{as: parts, format: '{known[0]}'}}}}"
            raise self.wanted.refuse("dates", message, remedy, *_as_dates(name, known))
        wrong = np.array([dates.parse(level, known[0]) is None for level in levels] + [False])[codes]
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            message = f"{self.source}, row {row + 1}, column {name!r}: {levels[codes[row]]!r:.60}"
            message = f"{message} is no date in the format {known[0]}"
            raise self.wanted.refuse("dates", message, "correct it", {"ignore": [name]})
        features = dates.DateFeatures.of(levels, known[0], ways)
        made = ", ".join(features.names(name))
        return Treatment(dates=features), Note("changed", name, f"dates ({known[0]}) become {made}")

    def _texts(
        self, name: str, levels: list[str], counts: Array, rows: int, are_codes: bool
    ) -> tuple[Treatment | None, Note | None]:
        """Look at a column of texts, which may be numbers, dates, identifiers or categories."""
        present = int(counts.sum())
        if name in self.wanted.categorical:
            return text_note(name, levels, counts)
        if len({folded(level) for level in levels}) == 1 and present == rows > 1:
            return left_out(name, f"each row has {levels[0]!r:.40}")
        if are_codes:
            treatment, _ = text_note(name, levels, counts)
            if _is_unique(len(levels), present):
                return left_out(name, f"{len(levels)} codes in {present} rows are identifiers")
            example = next(level for level in levels if level.lstrip("+-").startswith("0"))
            what = f"numbers with leading zeros, such as {example!r}, are codes: each is a category"
            return treatment, Note("changed", name, what)
        if (found := self._written_numbers(name, levels)) is not None:
            return found
        self._refuse_dates(name, levels)
        self._refuse_markers(name, levels, counts)
        likely = np.array([looks_like_number(level) for level in levels])
        if likely @ counts >= MOSTLY * present and len(levels) > _FEW_NUMBERS:
            return None, None  # numbers with mistakes: the first is named where they are read
        distinct = len({folded(level) for level in levels})
        if _is_unique(distinct, present):
            words = np.array([len(level.split()) for level in levels]) @ counts / present
            what = "free text" if words > _WORDS else "an identifier"
            return left_out(name, f"{distinct} different texts in {present} rows: {what}")
        treatment, note = text_note(name, levels, counts)
        return treatment, note or mixed(name, levels, counts)

    def _written_numbers(self, name: str, levels: list[str]) -> tuple[Treatment, Note] | None:
        found = styles(levels, self.options.get("decimal"))
        if not found:
            return None
        if len(found) > 1 and self.form.delimiter == ";" and self.form.kind == "csv":
            found = [one for one in found if one.decimal == ","][:1] or found  # so it is between semicolons
        if len(found) > 1:
            example = max(levels, key=len)
            readings = " or ".join(f"{one.parse(example):g}" for one in found)
            message = f"{self.source}, column {name!r}: {example!r} may be {readings}"
            fixes = [{"decimal": one.decimal} for one in found]
            remedy = "set decimal to '.' or ',', or write plain numbers"
            raise self.wanted.refuse("decimal", message, remedy, *fixes)
        example = next((level for level in levels if plain(level) is None), levels[0])
        return _written(name, example, found[0])

    def _grouped(self, name: str, cells: pa.ChunkedArray) -> tuple[Treatment | None, Note | None] | None:
        """Look at 1.234, a plain number that is 1234 where the comma is the decimal mark."""
        told = self.options.get("decimal")
        doubtful = self.form.kind == "csv" and self.form.delimiter == ";" and told is None
        if not (told == "," or doubtful) or not pc.any(pc.match_substring(cells, ".")).as_py():
            return None
        levels, _ = levels_of(cells)
        found = styles(levels, ",")
        if not found:
            return None
        example = next(level for level in levels if "." in level)
        if told:
            return _written(name, example, found[0])
        what = f"{example!r} is read as {float(example):g}"
        return None, Note("doubtful", name, what, "set decimal: ',' if the point parts thousands")

    def _refuse_dates(self, name: str, levels: list[str]) -> None:
        if len(levels) < 2 or not (found := dates.formats(levels)):
            return
        message = f"{self.source}, column {name!r} has dates or times, such as {levels[0]!r:.40}"
        form = f"{{{name}: parts}}" if len(found) == 1 else f"{{{name}: {{as: parts, format: '{found[0]}'}}}}"
        remedy = f"set dates: {form} (or cycle, elapsed) to learn from them, or list it in dataset.ignore"
        fixes = [*_as_dates(name, found), {"ignore": [name]}, {"categorical": [name]}]
        raise self.wanted.refuse("dates", message, remedy, *fixes)

    def _refuse_markers(self, name: str, levels: list[str], counts: Array) -> None:
        """Refuse numbers with a few texts among them: these mean a missing cell, or all are categories."""
        texts, often = markers(levels, counts)
        if not texts or len(levels) - len(texts) <= _FEW_NUMBERS or often < 2:
            return
        marks = ", ".join(map(repr, texts))
        message = f"{self.source}, column {name!r} has numbers and, {often} times, {marks}"
        remedy = (
            f"set missing_values: [{marks}] if that means missing, or list the column in dataset.categorical"
        )
        fixes = [{"missing_values": texts}, {"categorical": [name]}, {"ignore": [name]}]
        raise self.wanted.refuse("missing_values", message, remedy, *fixes)


def _as_dates(name: str, formats: Sequence[str]) -> list[dict[str, Any]]:
    """Return the options that make features of dates: one for each format that they may have."""
    if len(formats) == 1:
        return [{"dates": {name: "parts"}}]
    return [{"dates": {name: {"as": "parts", "format": one}}} for one in formats]


def _written(name: str, example: str, style: Style) -> tuple[Treatment, Note]:
    what = f"{example!r} is read as {style.parse(example):g}"
    return Treatment(numbers=style), Note("changed", name, what)


def _codes(cells: pa.ChunkedArray) -> bool:
    """Return whether whole numbers have leading zeros."""
    if not pc.any(pc.starts_with(cells, "0")).as_py():
        return False
    whole = pc.all(pc.match_substring_regex(cells, r"^[+-]?[0-9]+$")).as_py()
    return bool(whole) and bool(pc.any(pc.match_substring_regex(cells, _CODE)).as_py())


def _is_unique(distinct: int, present: int) -> bool:
    """Return whether texts are so different that nothing is learned from them: most are alone."""
    return distinct > MOST_LEVELS or (present > MOST_ONCE and 2 * distinct > present)


def _check_known(asked: Any, key: str, names: tuple[str, ...], source: str, wanted: FileRequest) -> None:
    for name in asked:
        if name not in names:
            raise wanted.refuse(key, f"{source} has no column {name!r}", f"it has {shown(names)}")
