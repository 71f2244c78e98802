"""Files of checkpoints and models: written under a temporary name, synced, renamed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from caviar.service.store import faults

_NAME = re.compile(r"[a-z0-9]{1,32}(/[a-z0-9][a-z0-9.-]{0,63}){0,2}")


class DigestError(OSError):
    """A file is not what was written or announced."""


def digest_of(*pieces: bytes) -> str:
    """Return the digest of bytes as it is written everywhere: sha256: and 64 hex digits."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return "sha256:" + found.hexdigest()


class FileBlobs:
    """Blobs in a folder; names are made by the server, never by a caller."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, name: str) -> Path:
        """Return the place of a file. Raises ValueError for a name the server cannot have made."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a blob")
        return self.folder / name

    def write(self, name: str, pieces: Sequence[bytes], digest: str) -> None:
        """Store a file durably. Raises DigestError if the bytes are not the announced ones, OSError."""
        found = digest_of(*pieces)
        if found != digest:
            raise DigestError(f"the bytes have digest {found}, {digest} was announced")
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        faults.point("blobs.write.before")
        try:
            with part.open("wb") as file:
                file.writelines(pieces)
                file.flush()
                faults.point("blobs.write.after")
                os.fsync(file.fileno())
            faults.point("blobs.rename.before")
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        faults.point("blobs.rename.after")

    def read(self, name: str, digest: str) -> bytes:
        """Return a file's bytes. Raises DigestError when they are torn, another OSError where none are."""
        data = self.path(name).read_bytes()
        if digest_of(data) != digest:
            raise DigestError(f"the file of {name} is damaged: it is not what was written")
        return data

    def names(self, store: str, before: float) -> list[str]:
        """Name the files of a store that were last written before a time of the wall clock."""
        found = []
        for path in self.folder.glob(f"{store}/*/*"):
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                if path.stat().st_mtime < before:
                    found.append(path.relative_to(self.folder).as_posix())
        return found

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is fine."""
        faults.point("blobs.remove.before")
        self.path(name).unlink(missing_ok=True)
        faults.point("blobs.remove.after")

    def remove_all(self, folder: str) -> None:
        """Remove a folder of files; one that is gone already is fine."""
        faults.point("blobs.remove.before")
        shutil.rmtree(self.path(folder), ignore_errors=True)
        faults.point("blobs.remove.after")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
