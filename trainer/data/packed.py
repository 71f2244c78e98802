"""Files packed with gzip, bz2, xz, or alone in a zip; unpacked in memory, never beyond a bound."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import IO

from caviar.trainer.data.file_request import LARGEST, FileRequest

SMALL = 64 << 20  # bytes that any packed file may unpack to
MOST_TIMES = 100  # times its own size that a larger one may
_PIECE = 1 << 20
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip"}
_OPENERS: dict[str, Callable[[Path], IO[bytes]]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}  # type: ignore[dict-item]


def compression_of(path: Path) -> str:
    """Return how a file is packed, told by its first bytes; an Excel workbook is not packed: ""."""
    with path.open("rb") as file:
        start = file.read(8)
    found = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "")
    if found == "zip":
        names = _names(path)
        if not names or all(name.endswith(".npy") for name in names):
            return "npz"
        return "" if any(name.startswith("xl/workbook.") for name in names) else "zip"
    return found


def unpacked(path: Path, compression: str, wanted: FileRequest) -> BytesIO:
    """Return what is in a packed file.

    Raises
    ------
    DataError
        It is damaged, has a password or several files, or is larger than its size allows.
    """
    most = min(LARGEST, max(SMALL, MOST_TIMES * path.stat().st_size))
    content = BytesIO()
    try:
        with _open(path, compression, wanted) as file:
            while piece := file.read(_PIECE):
                if content.tell() + len(piece) > most:
                    message = f"{path.name} unpacks to more than {most >> 20} MB"
                    raise wanted.refuse("path", message, "unpack it, and give a part of it or Parquet")
                content.write(piece)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        remedy = "pack it again, without a password; or unpack it"
        raise wanted.refuse("path", f"{path.name} cannot be unpacked: {error}", remedy) from error
    if not content.tell():
        raise wanted.refuse("path", f"{path.name} has an empty file in it", "pack a file with rows")
    content.seek(0)
    return content


def _open(path: Path, compression: str, wanted: FileRequest) -> IO[bytes]:
    if compression != "zip":
        return _OPENERS[compression](path)
    names = [name for name in _names(path) if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if len(names) != 1:
        message = f"{path.name} has {len(names)} files in it"
        raise wanted.refuse("path", message, "pack one file, or unpack it and give one")
    with zipfile.ZipFile(path) as archive:
        return archive.open(names[0])


def _names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return []
