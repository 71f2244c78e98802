"""Files to tables: the kind is told by the first bytes, the size is known before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from caviar.trainer.data.file_request import LARGEST, FileRequest
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
    return _readers()[kind_of(path, wanted)](path, wanted)


def column_names(path: Path, wanted: FileRequest) -> tuple[str, ...]:
    """Return the names of the columns, from the header alone; none for arrays.

    Raises
    ------
    DataError
        The header cannot be read.
    """
    kind = kind_of(path, wanted)
    if kind in ("npz", "npy"):
        from caviar.trainer.data import npy

        npy.check(path, wanted)
        return ()
    from caviar.trainer.data import csv_and_parquet

    return csv_and_parquet.column_names(path, kind, wanted)


def kind_of(path: Path, wanted: FileRequest) -> Format:
    """Tell what a file is by its first bytes.

    Raises
    ------
    DataError
        It cannot be opened, is empty, too large, or something that is never read.
    """
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


def _readers() -> dict[Format, Callable[[Path, FileRequest], Table]]:
    """Return the reader of each format; pyarrow is only imported for files of cells."""
    from caviar.trainer.data import csv_and_parquet, npy

    return {
        "csv": csv_and_parquet.read_csv,
        "parquet": csv_and_parquet.read_parquet,
        "npz": npy.read_npz,
        "npy": npy.read_npy,
    }
