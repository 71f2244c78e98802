"""Files to tables: the kind is told by the first bytes, the size is known before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from caviar.trainer.data import packed
from caviar.trainer.data.file_request import LARGEST, FileRequest
from caviar.trainer.data.reading import Reading
from caviar.trainer.data.table import Table

Format = Literal["csv", "parquet", "npz", "npy"]

_MAGIC: dict[bytes, Format] = {b"PAR1": "parquet", b"PK\x03\x04": "npz", b"\x93NUMPY": "npy"}
_FOREIGN = {
    b"\x1f\x8b": "it is compressed with gzip; unpack it",
    b"\xd0\xcf\x11\xe0": "it is an Excel file; save it as CSV",
    b"\x80": "it may be a pickle, which is never opened; save it with numpy.savez or as Parquet",
}


def read(path: Path, wanted: FileRequest) -> Table:
    """Read a CSV, Parquet, npz or npy file.

    Raises
    ------
    DataError
        It cannot be read; row and column are named where a cell is at fault.
    """
    if wanted.reading is not None and not is_arrays(path, wanted):
        return _by_reading(path, wanted, wanted.reading)
    return _readers()[kind_of(path, wanted)](path, wanted)


def is_arrays(path: Path, wanted: FileRequest) -> bool:
    """Return whether a file is npz or npy. Raises DataError as `kind_of` does for a missing file."""
    start = _start(path, wanted)
    return start.startswith(b"\x93NUMPY") or (
        start.startswith(b"PK") and packed.compression_of(path) == "npz"
    )


def cells_as_written(path: Path, wanted: FileRequest) -> Any:
    """Return all cells of a file as they stand in it, a table of Arrow; the texts of a CSV file stay texts.

    Raises
    ------
    DataError
        It cannot be read.
    """
    if wanted.reading is not None:
        return _cells(path, wanted, wanted.reading)
    from caviar.trainer.data import cells, csv_and_parquet
    from caviar.trainer.data.reading import Layout

    kind = kind_of(path, wanted)
    delimiter = csv_and_parquet.delimiter_of(path) if kind == "csv" else ","
    return cells.read(path, Layout(kind, delimiter=delimiter), path.name, wanted)


def column_names(path: Path, wanted: FileRequest) -> tuple[str, ...]:
    """Return the names of the columns, from the header alone; none for arrays.

    Raises
    ------
    DataError
        The header cannot be read.
    """
    if wanted.reading is not None and not is_arrays(path, wanted):
        return tuple(_cells(path, wanted, wanted.reading).column_names)
    kind = kind_of(path, wanted)
    if kind in ("npz", "npy"):
        from caviar.trainer.data import npy

        npy.check(path, wanted)
        return ()
    from caviar.trainer.data import csv_and_parquet

    return csv_and_parquet.column_names(path, kind, wanted)


def kind_of(path: Path, wanted: FileRequest) -> Format:
    """Return what a file is, told by its first bytes.

    Raises
    ------
    DataError
        It cannot be opened, is empty, too large, or something that is never read.
    """
    start = _start(path, wanted)
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            return kind
    for magic, why in _FOREIGN.items():
        if start.startswith(magic):
            raise wanted.refuse("path", f"{path.name} is not CSV, Parquet, npz or npy", why)
    if b"\x00" in start:
        message = f"{path.name} is neither text nor Parquet, npz or npy"
        raise wanted.refuse("path", message, "save it as CSV (UTF-8), Parquet, npz or npy")
    return "csv"


def _start(path: Path, wanted: FileRequest) -> bytes:
    """Return the first bytes of a file that can be opened, has some, and not too many."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise wanted.refuse("path", f"cannot open {path.name}: {error.strerror}", "give a file") from error
    if size == 0:
        raise wanted.refuse("path", f"{path.name} is empty", "give a file with a header and rows")
    if size > LARGEST:
        message = f"{path.name} has {size >> 20} MB; the most is {LARGEST >> 20} MB"
        raise wanted.refuse("path", message, "give fewer rows, or float32 in an npz file")
    return start


def _by_reading(path: Path, wanted: FileRequest, reading: Reading) -> Table:
    from caviar.trainer.data import treat

    return treat.table_of(_cells(path, wanted, reading), path.name, wanted, reading)


def _cells(path: Path, wanted: FileRequest, reading: Reading) -> Any:
    """Return the cells of a file by its own layout, which is expected to be like that of training."""
    from caviar.trainer.data import cells, layout

    if wanted.layout is not None:
        source = (
            packed.unpacked(path, wanted.layout.compression, wanted) if wanted.layout.compression else path
        )
        return cells.read(source, wanted.layout, path.name, wanted)
    expected = reading.layout
    training = {"header": expected.header, "fallback": expected.encoding, "sheet": expected.sheet}
    found, source = layout.detect(path, wanted, training)
    return cells.read(source, found, path.name, wanted)


def _readers() -> dict[Format, Callable[[Path, FileRequest], Table]]:
    """Return the reader of each format; pyarrow is only imported for files of cells."""
    from caviar.trainer.data import csv_and_parquet, npy

    return {
        "csv": csv_and_parquet.read_csv,
        "parquet": csv_and_parquet.read_parquet,
        "npz": npy.read_npz,
        "npy": npy.read_npy,
    }
