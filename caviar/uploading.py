"""Data sets on their way to the server: files of this machine that a search names."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caviar.errors import CaviarError, ConflictError
from caviar.transport import Transport

PIECE = 1 << 20  # bytes
OPTIONS = ("target", "task", "categorical", "ignore")  # what the server wants to know of a file
SOURCES = ("dev", "test")  # a data set may have its dev or test set from elsewhere


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
                params={"name": name, **options},
                content=iter(lambda: source.read(PIECE), b""),
                headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
                timeout=600.0,
            )
    except OSError as error:
        raise CaviarError(f"{file} cannot be read: {error.strerror}") from None
    stored: dict[str, Any] = response.json()
    return stored


def with_files_uploaded(transport: Transport, search: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Give the search with names in place of paths, which begin at `folder`; their files are uploaded."""
    dataset = search.get("dataset")
    if not isinstance(dataset, Mapping):
        return search
    parts = {part: dict(dataset[part]) for part in SOURCES if isinstance(dataset.get(part), Mapping)}
    sources = [found := {**dataset, **parts}, *parts.values()]
    for source in sources:
        if isinstance(source.get("path"), str):
            file = folder / source.pop("path")
            options = {name: found[name] for name in OPTIONS if found.get(name)}
            source["name"] = _stored(transport, file, options)
    return {**search, "dataset": found}


def _stored(transport: Transport, file: Path, options: Mapping[str, Any]) -> str:
    """Name under which a file is on the server: its own, or with a digest where that is another one's."""
    name = re.sub(r"[^\w .()+-]", "-", file.name, flags=re.ASCII)[:80]
    try:
        return str(upload(transport, file, name, options)["name"])
    except ConflictError:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256")
        digest.update(repr(sorted(options.items())).encode())
        return str(upload(transport, file, f"{name} {digest.hexdigest()[:8]}", options)["name"])
