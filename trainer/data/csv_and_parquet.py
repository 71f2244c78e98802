"""CSV and Parquet files to tables: which columns are numbers, which are categories."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from caviar.trainer.data.file_request import LARGEST, FileRequest
from caviar.trainer.data.numerals import plain
from caviar.trainer.data.table import Array, Category, Table, shown, such_cells

GAPS = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "?", "#N/A")  # missing cells
MOSTLY = 0.9  # share of numbers from which a column with some text is taken for numbers with mistakes
FEW_TEXTS = 3  # different ones among numbers that may all mean a missing cell
_ONE_THREAD = pa_csv.ReadOptions(use_threads=False)  # then errors know their row
_CONVERT = {"null_values": list(GAPS), "strings_can_be_null": True}
_DECIMAL_COMMA = r"^\s*([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)\s*$"
_NUMBER_LIKE = re.compile(r"\s*[$€£]?\s*[+-]?(\d[\d,]*(\.\d+)?|\d+(\.\d{3})+,\d+)\s*[%$€£]?\s*")
_ARROW_CELL = re.compile(r"column #(\d+): (?:Row #(\d+): )?.*(?:invalid value '(.*)'|UTF8)", re.DOTALL)
_ARROW_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


def read_csv(path: Path, wanted: FileRequest) -> Table:
    """Read a CSV file whose first line names the columns.

    Rows are counted from 1, the header and empty lines not among them. Raises DataError.
    """
    names = column_names(path, "csv", wanted)
    parse = _parsing(path)
    try:
        with pa_csv.open_csv(path, _ONE_THREAD, parse, pa_csv.ConvertOptions(**_CONVERT)) as start:
            guessed = start.schema
        types = {name: _csv_type(name, guessed.field(name).type, wanted) for name in _used(names, wanted)}
        convert = pa_csv.ConvertOptions(**_CONVERT, column_types=types, include_columns=list(types))
        cells = pa_csv.read_csv(path, _ONE_THREAD, parse, convert)
    except pa.ArrowInvalid as error:
        message, remedy = explain(str(error), names, wanted)
        raise wanted.refuse("path", f"{path.name}, {message}", remedy) from error
    if parse.delimiter == ";":
        cells = _with_decimal_points(cells)
    return _table(cells, path.name, wanted)


def read_parquet(path: Path, wanted: FileRequest) -> Table:
    """Read a Parquet file of plain columns. Raises DataError."""
    names = column_names(path, "parquet", wanted)
    try:
        cells = pa_parquet.read_table(path, columns=list(_used(names, wanted)), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        remedy = "write it again; it is damaged or cut short"
        raise wanted.refuse("path", f"cannot read {path.name}: {error}", remedy) from error
    return _table(cells, path.name, wanted)


def column_names(path: Path, kind: str, wanted: FileRequest) -> tuple[str, ...]:
    """Return the names of the columns, and check that those that are wanted are there. Raises DataError."""
    names = _csv_header(path, wanted) if kind == "csv" else _parquet_header(path, wanted)
    check_names(names, path.name, wanted)
    return names


def check_names(names: Sequence[str], source: str, wanted: FileRequest) -> None:
    """Check that the names of columns differ and that those that are wanted are there. Raises DataError."""
    twice = sorted({name or "''" for name in names if names.count(name) > 1})
    if twice:
        message = f"{source} has several columns called {shown(twice)}"
        raise wanted.refuse("path", message, "give each column its own name")
    own = wanted.field == "dataset"  # what training ignores another source need not have
    for key in ("target", "categorical", "ignore") if own else ("target", "categorical"):
        for name in () if wanted.numbers is not None else getattr(wanted, key):
            if name not in names:
                close = difflib.get_close_matches(str(name), names, 1)
                remedy = f"did you mean {close[0]!r}? " if close else ""
                message = f"{source} has no column {name!r}"
                fixes = [{"target": close[0]}] if close and wanted.target == (name,) else []
                raise wanted.refuse(key, message, f"{remedy}it has {shown(names)}", *fixes)
    for name in wanted.target:
        if wanted.target.count(name) > 1:
            raise wanted.refuse("target", f"{name!r} is named twice", "name it once")
        if name in wanted.ignore:
            raise wanted.refuse("ignore", f"{name!r} is the target", "take it off this list")
    if wanted.needs_target and not wanted.target:
        raise wanted.refuse("target", "no column to predict is named", f"{source} has {shown(names)}")


def _csv_header(path: Path, wanted: FileRequest) -> tuple[str, ...]:
    try:
        with pa_csv.open_csv(path, _ONE_THREAD, _parsing(path)) as start:
            names = tuple(start.schema.names)
    except pa.ArrowInvalid as error:
        message, remedy = explain(str(error), (), wanted)
        raise wanted.refuse("path", f"{path.name}, {message}", remedy) from error
    except UnicodeDecodeError as error:
        message = f"{path.name}: the first line is not UTF-8"
        raise wanted.refuse("path", message, "save it as UTF-8") from error
    if names and all(plain(name) is not None for name in names):
        message = f"{path.name}: the first line has numbers only ({shown(names, 4)})"
        raise wanted.refuse("path", message, "name the columns in the first line")
    return names


def _parquet_header(path: Path, wanted: FileRequest) -> tuple[str, ...]:
    try:
        with pa_parquet.ParquetFile(path) as file:
            names, meta = tuple(file.schema_arrow.names), file.metadata
    except (pa.ArrowException, OSError) as error:
        remedy = "write it again; it is damaged or cut short"
        raise wanted.refuse("path", f"cannot read {path.name}: {error}", remedy) from error
    check_size(meta, len(names), path.name, wanted)
    return names


def check_size(meta: pa_parquet.FileMetaData, columns: int, source: str, wanted: FileRequest) -> None:
    """Refuse a Parquet file that unpacks to too much. Raises DataError."""
    unpacked = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    if max(unpacked, 8 * meta.num_rows * columns) > LARGEST:
        message = f"{source} has {meta.num_rows} rows of {columns} columns"
        raise wanted.refuse("path", message, f"give what fits into {LARGEST >> 20} MB")


def delimiter_of(path: Path) -> str:
    """Return the mark that is most frequent outside quotes in the first line."""
    with path.open("rb") as file:
        first = re.sub(rb'"[^"]*"', b"", file.readline(1 << 20))
    return max(",;\t|", key=lambda mark: first.count(mark.encode()))


def _parsing(path: Path) -> pa_csv.ParseOptions:
    return pa_csv.ParseOptions(delimiter=delimiter_of(path), newlines_in_values=True)


def _used(names: Sequence[str], wanted: FileRequest) -> tuple[str, ...]:
    if wanted.numbers is not None:
        return tuple(name for name in names if name in (*wanted.numbers, *wanted.categorical))
    return tuple(name for name in names if name not in wanted.ignore)


def _csv_type(name: str, guessed: pa.DataType, wanted: FileRequest) -> pa.DataType:
    """Return the type to read a column as, given what its first megabyte looks like."""
    if pa.types.is_integer(guessed) and name not in wanted.categorical:
        return pa.float64()  # 1.5 may follow
    if pa.types.is_null(guessed) or pa.types.is_binary(guessed) or name in wanted.categorical:
        return pa.string()  # an empty start says nothing; `column` looks at the rest
    if pa.types.is_temporal(guessed) and wanted.numbers is not None:
        return pa.string()  # training had numbers; `texts` names the row
    return guessed


def _with_decimal_points(cells: pa.Table) -> pa.Table:
    """Write 1.5 for 1,5: where semicolons separate the cells, the comma is the decimal mark."""
    for i, column in enumerate(cells.schema):
        if pa.types.is_string(column.type):
            points = pc.replace_substring_regex(cells.column(i), _DECIMAL_COMMA, r"\1.\2")
            cells = cells.set_column(i, column.name, points)
    return cells


def explain(message: str, names: Sequence[str], wanted: FileRequest, header: int = 1) -> tuple[str, str]:
    """Turn Arrow's message into row (counted from 1 below the header), column and remedy."""
    if found := _ARROW_ROW.search(message):
        line, expected, got = map(int, found.groups())
        return (
            f"row {line - header}: {got} cells where the header has {expected}",
            "repair it; quote commas in texts",
        )
    if found := _ARROW_CELL.search(message):
        column, row, value = found.groups()
        name = names[int(column)] if int(column) < len(names) else column
        where = f"row {int(row) - header}, column {name!r}" if row else f"column {name!r}"
        if value is None:
            return f"{where}: the text is not UTF-8", "save the file as UTF-8"
        return f"{where}: {value!r} is not a number", _plain_number(wanted)
    if "Empty CSV file" in message:
        return "it has a header but no rows", "give at least a few dozen rows"
    if "straddl" in message:
        return "a row has more than 1 MB", "close the quotation mark that is open, or shorten the text"
    return message, "save it as CSV in UTF-8, one line per row"


def _plain_number(wanted: FileRequest) -> str:
    remedy = "write a plain number such as 1234.5, or leave the cell empty"
    return remedy if wanted.numbers is not None else f"{remedy}, or list the column in dataset.categorical"


def _table(cells: pa.Table, source: str, wanted: FileRequest) -> Table:
    if cells.num_rows == 0:
        raise wanted.refuse(
            "path", f"{source}, it has a header but no rows", "give at least a few dozen rows"
        )
    columns = {name: column(cells.column(name), name, source, wanted) for name in cells.column_names}
    return table_of(columns, cells.num_rows, source, wanted)


def table_of(columns: dict[str, Array | Category], rows: int, source: str, wanted: FileRequest) -> Table:
    """Return the table of these columns, the targets among them."""
    targets = [columns.pop(str(name)) for name in wanted.target]
    numbers = {name: values for name, values in columns.items() if isinstance(values, np.ndarray)}
    matrix = np.empty((rows, len(numbers)))
    for j, values in enumerate(numbers.values()):
        matrix[:, j] = values
    categories = {name: values for name, values in columns.items() if isinstance(values, Category)}
    target = _target(targets, wanted)
    names = tuple(map(str, wanted.target))
    return Table(source, matrix, tuple(numbers), categories, target, names, missing="impute")


def _target(columns: list[Array | Category], wanted: FileRequest) -> Array | Category | None:
    if len(columns) <= 1:
        only = columns[0] if columns else None
        return only[:, None] if isinstance(only, np.ndarray) else only
    if any(isinstance(column, Category) for column in columns):
        raise wanted.refuse("target", "one of several targets has texts", "name columns of numbers")
    return np.column_stack([column for column in columns if isinstance(column, np.ndarray)])


def column(cells: pa.ChunkedArray, name: str, source: str, wanted: FileRequest) -> Array | Category:
    """Return a column as numbers (NaN where missing) or as a category."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        cells, kind = cells.cast(kind.value_type), kind.value_type
    if pa.types.is_string_view(kind):
        cells, kind = cells.cast(pa.string()), pa.string()
    if pa.types.is_boolean(kind) and name in (*wanted.target, *wanted.categorical):
        cells, kind = cells.cast(pa.string()), pa.string()
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        cells = cells.cast(pa.uint8()).cast(pa.float64())
        return np.asarray(cells.to_numpy())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return np.asarray(cells.cast(pa.float64(), safe=False).to_numpy())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return texts(cells, name, source, wanted)
    message = f"{source}, column {name!r} has the type {kind}"
    remedy = "turn it into numbers or texts, or list it in dataset.ignore"
    raise wanted.refuse("ignore", message, remedy, {"ignore": [name]})


def texts(cells: pa.ChunkedArray, name: str, source: str, wanted: FileRequest) -> Array | Category:
    """Return texts as a category, or as numbers if they are; refuse numbers that are written otherwise."""
    gaps = pc.is_in(cells, value_set=pa.array(GAPS, cells.type))
    levels, codes = levels_of(pc.if_else(gaps, pa.scalar(None, cells.type), cells))
    if name in wanted.categorical:
        return Category.of_levels(codes, levels)
    parsed = [plain(level) for level in levels]
    wrong = np.array([value is None for value in parsed] + [False])
    rows = np.flatnonzero(wrong[codes])
    if not len(rows):
        numbers = np.array([np.nan if value is None else value for value in (*parsed, None)])
        return np.asarray(numbers[codes])
    words = np.array([not _NUMBER_LIKE.fullmatch(level) for level in levels] + [False]) & wrong
    must_be_numbers = wanted.numbers is not None and name in wanted.numbers
    if not must_be_numbers and words[codes].sum() > (1 - MOSTLY) * np.count_nonzero(codes >= 0):
        return Category.of_levels(codes, levels)
    message = f"{source}, row {rows[0] + 1}, column {name!r}: {levels[codes[rows[0]]]!r:.60} is not a number"
    no_numbers = [level for level, value in zip(levels, parsed, strict=True) if value is None]
    fixes = [{"missing_values": no_numbers}] if len(no_numbers) <= FEW_TEXTS else []
    fixes += [{"ignore": [name]}, {"categorical": [name]}]
    raise wanted.refuse("path", f"{message} ({such_cells(len(rows))})", _plain_number(wanted), *fixes)


def levels_of(cells: pa.ChunkedArray) -> tuple[list[str], Array]:
    """Return the different texts of a column, and for each row which one it has, -1 where none."""
    encoded = pc.dictionary_encode(cells.combine_chunks())
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return encoded.dictionary.to_pylist(), codes
