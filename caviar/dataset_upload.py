"""Data sets on their way to the server: files of this machine that a search names."""

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from caviar.errors import CaviarError, ConflictError
from caviar.extras import of_extra
from caviar.frames import arrow_of, is_frame
from caviar.transport import Transport

PIECE = 1 << 20  # bytes
OPTIONS = (
    *("target", "task", "categorical", "ignore"),
    *("header", "encoding", "sheet", "decimal", "dates", "missing_values", "as_is"),
)  # what the server wants to know of a file
SOURCES = ("dev", "test")  # a data set may have its dev or test set from elsewhere
MORE = "more_training_data"  # and further rows for training


def upload(transport: Transport, file: Path, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Store a file as a data set; the same file under the same name is stored once.

    Raises CaviarError when it cannot be read, ConflictError when the name belongs to another one.
    """
    try:
        with file.open("rb") as source:
            size = source.seek(0, 2)
            source.seek(0)
            response = transport.request(
                "POST",
                "/datasets",
                params={"name": name, **{key: _query(value) for key, value in options.items()}},
                content=iter(lambda: source.read(PIECE), b""),
                headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
                timeout=600.0,
            )
    except OSError as error:
        raise CaviarError(f"{file} cannot be read: {error.strerror}") from None
    stored: dict[str, Any] = response.json()
    return stored


def note_line(note: Mapping[str, str]) -> str:
    """Write a note on how a file is read as one line: Left out: day, it is empty (...)."""
    column = f"{note['column']}, " if note["column"] else ""
    remedy = f" ({note['remedy']})" if note["remedy"] else ""
    return f"{note['kind'].capitalize()}: {column}{note['message']}{remedy}"


def _query(value: Any) -> Any:
    """Return an option as a query has it: what names columns is JSON."""
    if isinstance(value, Mapping):
        return json.dumps(value)
    return [str(one) for one in value] if isinstance(value, list | tuple) else value


def with_files_uploaded(transport: Transport, search: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Return the search with names in place of files, frames and arrays, which are uploaded.

    Paths begin at `folder`. A data frame may stand for the whole data set: its last column is the target.

    Raises CaviarError when one cannot be read, or arrays are not numbers and labels.
    """
    dataset = search.get("dataset")
    if is_frame(dataset):
        dataset = {"frame": dataset}
    if not isinstance(dataset, Mapping):
        return search
    parts = {part: dict(dataset[part]) for part in SOURCES if isinstance(dataset.get(part), Mapping)}
    found, further = {**dataset, **parts}, list[Any]()
    if isinstance(more := dataset.get(MORE), list | tuple):  # what is none is the server's to refuse
        further = found[MORE] = [dict(one) if isinstance(one, Mapping) else one for one in more]
    sources = [found, *parts.values(), *(one for one in further if isinstance(one, dict))]
    for source in sources:
        options = {name: found[name] for name in OPTIONS if found.get(name) not in (None, "", [])}
        if isinstance(source.get("path"), str | PathLike):
            file = folder / source.pop("path")
            source["name"] = _stored(transport, file, file.name, options)
        elif source.get("frame") is not None:
            with tempfile.TemporaryDirectory(prefix="caviar-frame-") as place:
                file = Path(place) / "frame.parquet"
                _write_frame(file, source.pop("frame"))
                source["name"] = _stored(transport, file, str(source.get("name") or file.name), options)
        elif source.get("X") is not None:
            with tempfile.TemporaryDirectory(prefix="caviar-arrays-") as place:
                file = Path(place) / "arrays.npz"
                _write_arrays(file, source.pop("X"), source.pop("y", None))
                source["name"] = _stored(transport, file, str(source.get("name") or file.name), options)
    return {**search, "dataset": found}


def _write_frame(file: Path, frame: Any) -> None:
    """Write a data frame as Parquet, without the index that pandas adds."""
    with of_extra("frames"):
        from pyarrow.parquet import write_table
    if not is_frame(frame):
        kinds = "pandas, polars or pyarrow"
        raise CaviarError(f"dataset.frame: {type(frame).__name__} is not a data frame; give one of {kinds}")
    write_table(arrow_of(frame), file)


def _write_arrays(file: Path, X: Any, y: Any) -> None:
    """Write features and target as npz; texts held as objects become texts of NumPy: nothing is unpickled."""
    import numpy as np

    arrays: dict[str, Any] = {}
    for name, values in (("X", X), ("y", y)):
        try:
            array = np.asarray(values)
        except ValueError as error:  # rows of different lengths
            raise CaviarError(f"dataset.{name}: this is no array: {error}") from None
        if array.dtype == object and all(isinstance(value, str) for value in array.flat):
            array = array.astype(str)
        if array.dtype.kind not in "fiubU":
            what = "None" if values is None else f"an array of {array.dtype}"
            raise CaviarError(f"dataset.{name}: {what}; give an array of numbers, or of texts for classes")
        arrays[name] = np.ascontiguousarray(array)  # the same bytes, and so one name, whatever its order
    np.savez(file, **arrays)


def _stored(transport: Transport, file: Path, name: str, options: Mapping[str, Any]) -> str:
    """Name under which a file is on the server: `name`, or with a digest where that is another one's."""
    name = re.sub(r"[^\w .()+-]", "-", name, flags=re.ASCII)[:80]
    try:
        return str(upload(transport, file, name, options)["name"])
    except ConflictError:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256")
        digest.update(repr(sorted(options.items())).encode())
        return str(upload(transport, file, f"{name} {digest.hexdigest()[:8]}", options)["name"])
