"""A file of cells to a table of Arrow, by its layout; the texts of a CSV file stay texts."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pa_parquet

from caviar.trainer.data import csv_and_parquet
from caviar.trainer.data.file_request import LARGEST, FileRequest
from caviar.trainer.data.layout import Source, head, names_of
from caviar.trainer.data.reading import Layout
from caviar.trainer.data.table import shown
from caviar.trainer.problem import DataError

_BLOCK = 16 << 20  # bytes; the longest row of JSON


def read(source: Source, layout: Layout, name: str, wanted: FileRequest) -> pa.Table:
    """Read all cells.

    Raises
    ------
    DataError
        They cannot be read; the row is named where one is at fault.
    """
    try:
        cells = _READERS[layout.kind](source, layout, name, wanted)
    except DataError:
        raise
    except (pa.ArrowException, OSError, UnicodeError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if layout.kind == "csv":
            message, remedy = csv_and_parquet.explain(str(error), (), wanted, 1 if layout.header else 0)
        else:
            message, remedy = f"it cannot be read: {error}", "write it again; it is damaged or cut short"
        raise wanted.refuse("path", f"{name}, {message}", remedy) from error
    if cells.num_rows == 0:
        raise wanted.refuse("path", f"{name}, it has a header but no rows", "give at least a few dozen rows")
    return cells


def _csv(source: Source, layout: Layout, name: str, wanted: FileRequest) -> pa.Table:
    def reading() -> dict[str, Any]:
        if isinstance(source, BytesIO):
            source.seek(0)
        how = pa_csv.ReadOptions(
            use_threads=False,
            skip_rows=layout.skip,
            autogenerate_column_names=not layout.header,
            encoding="utf8" if layout.encoding == "utf-8" else layout.encoding,
        )
        parsing = pa_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True)
        return {"read_options": how, "parse_options": parsing}

    with pa_csv.open_csv(source, **reading()) as start:
        raw = start.schema.names
    convert = pa_csv.ConvertOptions(column_types=dict.fromkeys(raw, pa.string()), strings_can_be_null=False)
    return pa_csv.read_csv(source, convert_options=convert, **reading()).rename_columns(
        names_of(raw, layout.header)
    )


def _parquet(source: Source, layout: Layout, name: str, wanted: FileRequest) -> pa.Table:
    with pa_parquet.ParquetFile(source) as file:
        csv_and_parquet.check_size(file.metadata, len(file.schema_arrow.names), name, wanted)
        cells = file.read(use_threads=False)
    return cells.rename_columns(names_of(cells.column_names, True))


def _feather(source: Source, layout: Layout, name: str, wanted: FileRequest) -> pa.Table:
    with pa.ipc.open_file(source if isinstance(source, BytesIO) else str(source)) as file:
        cells = file.read_all()
    return cells.rename_columns(names_of(cells.column_names, True))


def _json(source: Source, layout: Layout, name: str, wanted: FileRequest) -> pa.Table:
    if head(source).decode(layout.encoding, "replace").lstrip("\ufeff \t\r\n").startswith("["):
        cells = pa.Table.from_pylist(json.loads(_text_in(source, layout)))
    else:
        if layout.encoding != "utf-8" or head(source).startswith(b"\xef\xbb\xbf"):
            source = BytesIO(_text_in(source, layout).encode())
        how = pa_json.ReadOptions(use_threads=False, block_size=_BLOCK)
        cells = pa_json.read_json(source, how)
    return cells.rename_columns(names_of(cells.column_names, True))


def _text_in(source: Source, layout: Layout) -> str:
    """Return the whole text of a file, without a mark of its byte order."""
    content = source.getvalue() if isinstance(source, BytesIO) else source.read_bytes()
    return content.decode(layout.encoding).lstrip("\ufeff")


def _excel(source: Source, layout: Layout, name: str, wanted: FileRequest) -> pa.Table:
    try:
        from openpyxl import load_workbook  # type: ignore[import-untyped]
    except ImportError as error:
        message = f"{name} is an Excel workbook, not CSV, Parquet, npz or npy"
        remedy = "save the sheet as CSV, or run pip install openpyxl where the server and the agents run"
        raise wanted.refuse("path", message, remedy) from error
    with zipfile.ZipFile(source) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > LARGEST // 8:
        raise wanted.refuse("path", f"{name} unpacks to {unpacked >> 20} MB", "save the sheet as CSV")
    try:
        file = source if isinstance(source, BytesIO) else BytesIO(source.read_bytes())  # whatever its name
        book = load_workbook(file, read_only=True, data_only=True)
    except (KeyError, ValueError, TypeError, AttributeError, SyntaxError, zipfile.BadZipFile) as error:
        message = f"{name} is an Excel workbook that cannot be read: {error}"
        raise wanted.refuse("path", message, "save the sheet as CSV") from error
    sheet = book[_sheet(book.sheetnames, layout.sheet, name, wanted)]
    rows = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    rows = [row for row in rows if any(row)]
    if not rows:
        raise wanted.refuse("path", f"{name} has an empty sheet", "give a header and rows")
    names = names_of([value or "" for value in rows[0]], layout.header)
    below = rows[1:] if layout.header else rows
    columns = [
        pa.array([row[place] if place < len(row) else "" for row in below], pa.string())
        for place in range(len(names))
    ]
    return pa.Table.from_arrays(columns, names=list(names))


def _sheet(there: Sequence[str], asked: str, name: str, wanted: FileRequest) -> str:
    """Return the sheet that was asked for, or the only one: at prediction its name does not matter."""
    if asked in there:
        return asked
    if len(there) == 1 and (not asked or wanted.numbers is not None):
        return there[0]
    message = f"{name} has no sheet {asked!r}" if asked else f"{name} has {len(there)} sheets"
    remedy = f"set sheet to one of {shown(there, 5)}"
    raise wanted.refuse("sheet", message, remedy, *({"sheet": one} for one in there[:5]))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime) and not (value.hour or value.minute or value.second):
        value = value.date()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


_READERS = {"csv": _csv, "parquet": _parquet, "feather": _feather, "jsonl": _json, "excel": _excel}
