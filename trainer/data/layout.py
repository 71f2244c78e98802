"""How the cells stand in a file: kind, packing, encoding, delimiter, and whether there is a header."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from caviar.trainer.data import packed
from caviar.trainer.data.file_request import FileRequest
from caviar.trainer.data.numerals import plain
from caviar.trainer.data.reading import Layout
from caviar.trainer.data.table import shown

Source = Path | BytesIO
START = 1 << 20  # bytes by which a text file is judged
_ROWS = 1000  # among which a cell of the first line is looked for
_DELIMITERS = ",;\t|"
_KINDS = {b"PAR1": "parquet", b"ARROW1": "feather", b"PK\x03\x04": "excel"}
_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "it is an old Excel file; save it as CSV or xlsx",
    b"\x80": "it may be a pickle, which is never opened; save it with numpy.savez or as Parquet",
    b"FEA1": "it is Feather of version 1; write it again with a newer library",
    b"SQLite format 3": "it is an SQLite database; export the table as CSV",
    b"\x89HDF": "it is HDF5; save the table as Parquet, or arrays with numpy.savez",
    b"\x93NUMPY": "it is npy in a packed file; unpack it",
    b"MATLAB": "it is a MATLAB file; save arrays with numpy.savez",
    b"ORC": "it is ORC; save it as Parquet",
    b"Obj\x01": "it is Avro; save it as Parquet",
    b"%PDF": "it is a PDF; save the table as CSV",
    b"\x28\xb5\x2f\xfd": "it is packed with zstd; unpack it, or pack it with gzip",
    b"7z\xbc\xaf": "it is packed with 7z; unpack it, or pack it with gzip",
}
_TEXTS = (
    (r"\s*<", "it is HTML or XML; save the table as CSV"),
    (r"(?i)(\s*%.*\n)*\s*@relation\b", "it is ARFF; save the table as CSV"),
    (r"\S+( \d+:[\d.eE+-]+)+\s*\n", "it is svmlight; save arrays with numpy.savez"),
)
_EITHER_HEADER = ({"header": True}, {"header": False})


def detect(path: Path, wanted: FileRequest, options: Mapping[str, Any]) -> tuple[Layout, Source]:
    """Find the layout of a file of cells; return it with the file, unpacked.

    `options` may have encoding, header and sheet, which are then taken as they are, and a fallback for what
    is no UTF-8.

    Raises
    ------
    DataError
        It is something else, or its first line may be a row and may be names.
    """
    compression = packed.compression_of(path)
    source: Source = packed.unpacked(path, compression, wanted) if compression else path
    start = head(source)
    kind = next((kind for magic, kind in _KINDS.items() if start.startswith(magic)), None)
    if kind is not None:
        return Layout(kind, compression, sheet=str(options.get("sheet") or "")), source
    _refuse_foreign(start, path.name, wanted)
    encoding = _encoding(source, start, path.name, wanted, options.get("encoding"), options.get("fallback"))
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start).lstrip("\ufeff")
    for pattern, why in _TEXTS:
        if re.match(pattern, text):
            raise wanted.refuse("path", f"{path.name} is not a table of cells", why)
    if _is_json(text, path.name, wanted):
        return Layout("jsonl", compression, encoding), source
    return _delimited(text, compression, encoding, path.name, wanted, options.get("header")), source


def head(source: Source) -> bytes:
    """Return the start of a file."""
    if isinstance(source, BytesIO):
        return bytes(source.getbuffer()[:START])
    with source.open("rb") as file:
        return file.read(START)


def names_of(raw: Sequence[str], header: bool) -> tuple[str, ...]:
    """Return the names of the columns: without blanks around them; column_3 for a third without one."""
    names = [name.strip().lstrip("\ufeff") if header else "" for name in raw]
    if names and names[0].startswith("#"):  # as numpy.savetxt writes a header
        names[0] = names[0].lstrip("# ")
    return tuple(name or f"column_{place}" for place, name in enumerate(names, start=1))


def _refuse_foreign(start: bytes, name: str, wanted: FileRequest) -> None:
    utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or start[1:2] == b"\x00"
    for magic, why in _FOREIGN.items():
        if start.startswith(magic):
            raise wanted.refuse("path", f"{name} is not CSV, Parquet, npz or npy", why)
    if b"\x00" in start[:4096] and not utf16:
        message = f"{name} is neither text nor Parquet, npz or npy"
        raise wanted.refuse("path", message, "save it as CSV (UTF-8), Parquet, npz or npy")


def _encoding(source: Source, start: bytes, name: str, wanted: FileRequest, asked: Any, expected: Any) -> str:
    """Return the encoding: UTF-8, UTF-16, or Windows-1252 where the bytes are not UTF-8."""
    if asked:
        return str(asked)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start[1:2] == b"\x00":
        return "utf-16-le"
    for encoding in dict.fromkeys(("utf-8", expected or "cp1252", "cp1252")):
        if _decodes(source, encoding):
            return encoding
    message = f"{name} is neither UTF-8 nor Windows-1252"
    raise wanted.refuse("encoding", message, "save it as UTF-8, or name its encoding, such as cp1251 or gbk")


def _decodes(source: Source, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file = source if isinstance(source, BytesIO) else source.open("rb")
    try:
        while piece := file.read(START):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0) if isinstance(source, BytesIO) else file.close()
    return True


def _is_json(text: str, name: str, wanted: FileRequest) -> bool:
    first = text.lstrip()
    if re.match(r"\[\s*\{", first):
        return True
    if not first.startswith("{"):
        return False
    try:
        return isinstance(json.loads(first.splitlines()[0]), dict)
    except ValueError as error:
        message = f"{name} looks like JSON, and its first line is no object: {error}"
        raise wanted.refuse("path", message, "write one object per line, or save it as CSV") from error


def _delimited(
    text: str, compression: str, encoding: str, name: str, wanted: FileRequest, header: Any
) -> Layout:
    lines, skip, told = text.splitlines(), 0, ""
    if lines and (found := re.fullmatch(r"sep=(.)", lines[0].strip("\r"))):  # as Excel writes and reads it
        skip, told = 1, found[1]
    comments = 0
    while skip + comments < len(lines) and lines[skip + comments].startswith("#"):
        comments += 1
    below = lines[skip + comments : skip + comments + 1]
    delimiter = told or _delimiter([*below, *lines[skip : skip + 1]][0] if lines else "")
    if comments and below and header is not False:
        cells = lines[skip + comments - 1].count(delimiter)
        named = cells and cells == below[0].count(delimiter) and _all_numbers(below[0].split(delimiter))
        comments -= bool(named)
    skip += comments
    records = _records(lines[skip:], delimiter)
    _refuse_blanks(lines[skip : skip + 5], delimiter, name, wanted)
    if header is None and records:
        _refuse_doubtful(records, name, wanted)
    return Layout("csv", compression, encoding, delimiter, skip, header is not False)


def _delimiter(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return max(_DELIMITERS, key=bare.count)


def _records(lines: list[str], delimiter: str) -> list[list[str]]:
    rows = csv.reader(StringIO("\n".join(lines)), delimiter=delimiter)
    try:
        return [row for row in islice(rows, _ROWS) if row]
    except csv.Error:
        return []  # a cell of more than 128 kB; what reads the file tells more


def _all_numbers(cells: Sequence[str]) -> bool:
    return all(plain(cell) is not None for cell in cells)


def _refuse_blanks(lines: list[str], delimiter: str, name: str, wanted: FileRequest) -> None:
    """Refuse numbers between blanks, which would be one column of texts."""
    rows = [line.split() for line in lines if line.strip()]
    if len(rows) > 1 and delimiter not in lines[0] and len(rows[1]) > 1 and _all_numbers(rows[1]):
        message = f"{name} has blanks between its cells"
        raise wanted.refuse("path", message, "separate the cells by commas, semicolons, tabs or bars")


def _refuse_doubtful(records: list[list[str]], name: str, wanted: FileRequest) -> None:
    """Refuse a first line that may be a row: names would be lost, or a row."""
    first = [cell.strip() for cell in records[0]]
    numbers = [cell for cell in first if plain(cell) is not None]
    remedy = (
        "name the columns in the first line; or set header: false if it is a row, header: true if it is names"
    )
    if numbers and len(numbers) == len(first):
        message = f"{name}: the first line has numbers only ({shown(numbers, 4)})"
        raise wanted.refuse("header", message, remedy, *_EITHER_HEADER)
    if numbers and not _counting(numbers):
        message = f"{name}: the first line has numbers among its names ({shown(numbers, 4)})"
        raise wanted.refuse("header", f"{message}: it may be a row, or counts", remedy, *_EITHER_HEADER)
    later = [{row[place].strip() for row in records[1:] if place < len(row)} for place in range(len(first))]
    if not numbers and all(cell and cell in there for cell, there in zip(first, later, strict=True)):
        message = f"{name}: each text of the first line occurs below it again ({shown(first, 4)})"
        raise wanted.refuse("header", f"{message}: it may be a row", remedy, *_EITHER_HEADER)


def _counting(cells: Sequence[str]) -> bool:
    """Return whether numbers are names that count: 0, 1, 2 or 1990, 1991."""
    if len(cells) < 2 or not all(cell.isdecimal() for cell in cells):
        return False
    values = [int(cell) for cell in cells]
    return all(b - a == 1 for a, b in pairwise(values))
