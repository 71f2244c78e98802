"""Files to tables: the kind is told by the first bytes, the size is known before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from caviar.trainer.data.table import Table
from caviar.trainer.problem import DataError

Format = Literal["csv", "parquet", "npz", "npy"]

LARGEST = 4 << 30  # bytes of a file, or of what its header says it unpacks to
_MAGIC: dict[bytes, Format] = {b"PAR1": "parquet", b"PK\x03\x04": "npz", b"\x93NUMPY": "npy"}
_FOREIGN = {
    b"\x1f\x8b": "it is compressed with gzip; unpack it",
    b"\xd0\xcf\x11\xe0": "it is an Excel file; save it as CSV",
    b"\x80": "it may be a pickle, which is never opened; save it with numpy.savez or as Parquet",
}


@dataclass(frozen=True)
class Wanted:
    """Which columns of a file are wanted, and as what.

    Attributes
    ----------
    target : tuple of str or int
        Columns to predict; an index in an npy file. Empty: nobody said.
    needs_target : bool
        False when the table is only predicted on.
    ignore, categorical : tuple of str
    numbers : tuple of str or None
        At prediction: columns that must be numbers; then all but these and `categorical` are left out.
    arrays : (str, str) or None
        Names of X and y in an npz file; at prediction those of training.
    field : str
        Where the source stands in what the user wrote.
    """

    target: tuple[str | int, ...] = ()
    needs_target: bool = True
    ignore: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numbers: tuple[str, ...] | None = None
    arrays: tuple[str, str] | None = None
    field: str = "dataset"

    @classmethod
    def by(cls, options: Mapping[str, Any], field: str) -> Wanted:
        """Read what a `dataset` object wants."""
        target = options.get("target")
        names = () if target is None else (target,) if isinstance(target, str | int) else tuple(target)
        ignore, categorical = (tuple(options.get(key) or ()) for key in ("ignore", "categorical"))
        arrays = options.get("arrays")
        return cls(names, True, ignore, categorical, None, tuple(arrays) if arrays else None, field)

    def refuse(self, key: str, message: str, remedy: str) -> DataError:
        """Make the error that names a key of this source."""
        return DataError.of(f"{self.field}.{key}", message, remedy)


def read(path: Path, wanted: Wanted) -> Table:
    """Read a CSV, Parquet, npz or npy file.

    Raises
    ------
    DataError
        It cannot be read; row and column are named where a cell is at fault.
    """
    return _readers()[kind_of(path, wanted)](path, wanted)


def column_names(path: Path, wanted: Wanted) -> tuple[str, ...]:
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
    from caviar.trainer.data import cells

    return cells.column_names(path, kind, wanted)


def kind_of(path: Path, wanted: Wanted) -> Format:
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


def _readers() -> dict[Format, Callable[[Path, Wanted], Table]]:
    """Return the reader of each format; pyarrow is only imported for files of cells."""
    from caviar.trainer.data import cells, npy

    return {"csv": cells.read_csv, "parquet": cells.read_parquet, "npz": npy.read_npz, "npy": npy.read_npy}
