"""npz and npy files, never unpickled; headers are checked before anything is allocated."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from caviar.trainer.data import arrays
from caviar.trainer.data.file_request import LARGEST, FileRequest
from caviar.trainer.data.table import Array, Table, shown

_PAIRS = (("X", "y"), ("x", "y"), ("X_train", "y_train"), ("x_train", "y_train"), ("data", "target"))
_MOST_DEFLATED = 1032  # times a deflated stream can be smaller than what it unpacks to; a directory may lie
_MOST_MEMBERS = 1000


def read_npy(path: Path, wanted: FileRequest) -> Table:
    """Read one array (m, n + 1); the last column, or the one named by `target`, is what to predict."""
    with path.open("rb") as file:
        _header(file, path.stat().st_size, path.name, wanted)
        file.seek(0)
        array = _load(file, path.name, wanted)
    if not wanted.needs_target:
        return arrays.to_table(array, None, path.name)
    if array.ndim != 2 or array.shape[1] < 2:
        message = f"{path.name} has the shape {array.shape}"
        raise wanted.refuse("path", message, "save features and target as one array (m, n + 1), or use npz")
    column = target_column(array.shape[1], path.name, wanted)
    return arrays.to_table(np.delete(array, column, axis=1), array[:, column], path.name)


def read_npz(path: Path, wanted: FileRequest) -> Table:
    """Read the arrays X and y of an archive."""
    with _open(path, wanted) as archive:
        members = _members(archive, path, wanted)
        names = pair(tuple(members), path.name, wanted)
        loaded = []
        for name in names if wanted.needs_target else names[:1]:
            with archive.open(members[name][0]) as member:
                loaded.append(_load(member, f"{path.name}, array {name!r}", wanted))
    return arrays.to_table(loaded[0], loaded[1] if wanted.needs_target else None, path.name)


def check(path: Path, wanted: FileRequest) -> None:
    """Read the headers only.

    Raises
    ------
    DataError
        A header asks for more than the file can hold, or for Python objects; or arrays are missing.
    """
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            _header(file, path.stat().st_size, path.name, wanted)
        return
    pair(tuple(headers(path, wanted)), path.name, wanted)


def headers(path: Path, wanted: FileRequest) -> dict[str, arrays.Header]:
    """Return shapes and types of the arrays of an npz file by name.

    Raises
    ------
    DataError
        A header asks for more than the file can hold, or for Python objects.
    """
    with _open(path, wanted) as archive:
        return {name: header for name, (_, header) in _members(archive, path, wanted).items()}


def _open(path: Path, wanted: FileRequest) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        remedy = "save it again with numpy.savez"
        raise wanted.refuse("path", f"{path.name} is not a whole npz file: {error}", remedy) from error


def _members(
    archive: zipfile.ZipFile, path: Path, wanted: FileRequest
) -> dict[str, tuple[zipfile.ZipInfo, arrays.Header]]:
    """Return the arrays by name, once the directory and each header are known to be sane."""
    members = archive.infolist()
    if any(member.filename.startswith("xl/workbook.") for member in members):
        message = f"{path.name} is an Excel workbook, not CSV, Parquet, npz or npy"
        raise wanted.refuse("path", message, "save the sheet as CSV")
    unpacked = sum(member.file_size for member in members)
    bombs = [member for member in members if member.file_size > _MOST_DEFLATED * member.compress_size + 1024]
    if len(members) > _MOST_MEMBERS or unpacked > LARGEST or bombs:
        message = f"{path.name} says it unpacks to {unpacked >> 20} MB in {len(members)} arrays"
        raise wanted.refuse("path", message, f"give at most {LARGEST >> 20} MB, saved with numpy.savez")
    found = {}
    for member in members:
        try:
            with archive.open(member) as file:
                header = _header(file, member.file_size, f"{path.name}, array {member.filename!r}", wanted)
            found[member.filename.removesuffix(".npy")] = member, header
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
            remedy = "save it again with numpy.savez, without a password"
            raise wanted.refuse("path", f"{path.name}, {member.filename!r}: {error}", remedy) from error
    return found


def _header(file: IO[bytes], size: int, name: str, wanted: FileRequest) -> arrays.Header:
    """Read a header; refuse one that asks for Python objects or for another size than the file has."""
    try:
        version = npy_format.read_magic(file)
        reader = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}[version]
        shape, _, dtype = reader(file)
    except (ValueError, KeyError, EOFError, SyntaxError, TypeError) as error:
        raise wanted.refuse(
            "path", f"{name} is not an npy array: {error}", "save it with numpy.save"
        ) from error
    if dtype.hasobject:
        remedy = "convert it to numbers or to a fixed-width text type; pickled objects are never loaded"
        raise wanted.refuse("path", f"{name} holds Python objects", remedy)
    bytes_needed = math.prod(shape) * dtype.itemsize
    if bytes_needed > LARGEST or bytes_needed > size or min(shape, default=1) < 0:
        message = f"{name} says it is {shape} of {dtype}, {bytes_needed} bytes; the file has {size}"
        raise wanted.refuse("path", message, "save it again; the file is cut short or its header is wrong")
    return arrays.Header(shape, dtype)


def _load(file: IO[bytes], name: str, wanted: FileRequest) -> Array:
    try:
        array: Array = npy_format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise wanted.refuse("path", f"cannot read {name}: {error}", "save it again") from error
    return array


def pair(names: tuple[str, ...], source: str, wanted: FileRequest) -> tuple[str, str]:
    """Return the names of X and y; to predict on, X is enough, called as in training or as usual.

    Raises
    ------
    DataError
        There are no such arrays.
    """
    pairs: tuple[tuple[str, str], ...] = (wanted.arrays,) if wanted.arrays else _PAIRS
    if not wanted.needs_target:
        pairs = tuple((X, X) for X, _ in (*pairs, *_PAIRS))
    for pair in pairs:
        if set(pair) <= set(names):
            return pair
    expected = " and ".join(dict.fromkeys(pairs[0]))
    remedy = "call them X and y, or name them in dataset.arrays" if wanted.needs_target else "call it so"
    raise wanted.refuse("arrays", f"{source} has the arrays {shown(names)}, not {expected}", remedy)


def target_column(columns: int, source: str, wanted: FileRequest) -> int:
    """Return which column of an array is to be predicted: the one that is wanted, or else the last.

    Raises
    ------
    DataError
        There is no such column.
    """
    if not wanted.target:
        return columns - 1
    index = wanted.target[0]
    if len(wanted.target) == 1 and isinstance(index, int) and -columns <= index < columns:
        return index % columns
    remedy = f"give the number of one column, 0 to {columns - 1}"
    raise wanted.refuse("target", f"{wanted.target!r} is not a column of {source}", remedy)
