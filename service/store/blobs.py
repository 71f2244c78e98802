"""Files of checkpoints, artifacts and data sets: once written under a name that the server made, they stay.

They lie in a folder (here) or in a bucket (bucket.py), under the same names.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from caviar.service.store import faults

T = TypeVar("T")
AT_ONCE = 16  # calls that wait for a disk or a bucket; more wait for these, and nothing else for any
_LIMITER: RunVar[CapacityLimiter] = RunVar("blobs")

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}(/[a-z0-9][a-z0-9.-]{0,63}){0,2}")


class DigestError(OSError):
    """A file is not what was written or announced."""


def digest_of(*pieces: bytes) -> str:
    """Return the digest of bytes as it is written everywhere: sha256: and 64 hex digits."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return "sha256:" + found.hexdigest()


def check_name(name: str) -> str:
    """Return a name. Raises ValueError for one that the server cannot have made."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a blob")
    return name


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Make a call of blobs in a thread."""
    try:
        limiter = _LIMITER.get()
    except LookupError:
        limiter = CapacityLimiter(AT_ONCE)
        _LIMITER.set(limiter)
    return await to_thread.run_sync(work, *arguments, limiter=limiter)


class Blobs(Protocol):
    """Where files are kept. Each method raises UnavailableError when a bucket does not answer."""

    def write(self, name: str, pieces: Sequence[bytes], digest: str) -> None:
        """Store a file durably. Raises DigestError if the bytes are not the announced ones, OSError."""

    def take(self, name: str, path: Path) -> None:
        """Store a file of this machine durably, and move it away; the same name has the same bytes."""

    def read(self, name: str, digest: str) -> bytes:
        """Return a file's bytes. Raises DigestError when they are torn, another OSError where none are."""

    def local(self, name: str, digest: str) -> Path:
        """Return the place of a file, or of a copy, on this machine; errors as `read`."""

    def names(self, store: str, before: float) -> list[str]:
        """Name the files of a store that were last written before a time of the wall clock."""

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is fine, one that a bucket does not let go stays."""

    def remove_all(self, folder: str) -> None:
        """Remove a folder of files; as `remove`."""


class FileBlobs:
    """Blobs in a folder: written under a temporary name, synced, renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, name: str) -> Path:
        """Return the place of a file. Raises ValueError for a name the server cannot have made."""
        return self.folder / check_name(name)

    def write(self, name: str, pieces: Sequence[bytes], digest: str) -> None:
        """Store a file durably. Raises DigestError if the bytes are not the announced ones, OSError."""
        check_digest(pieces, digest)
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

    def take(self, name: str, path: Path) -> None:
        """Move a file, which is synced, to its place in the same file system."""
        faults.point("blobs.rename.before")
        path.replace(self.path(name))
        _sync_folder(self.path(name).parent)
        faults.point("blobs.rename.after")

    def read(self, name: str, digest: str) -> bytes:
        """Return a file's bytes. Raises DigestError when they are torn, another OSError where none are."""
        return sound(name, self.path(name).read_bytes(), digest)

    def local(self, name: str, digest: str) -> Path:
        """Return the place of a file. Raises FileNotFoundError."""
        path = self.path(name)
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return path

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


def check_digest(pieces: Sequence[bytes], digest: str) -> None:
    """Raise DigestError for bytes that are not the announced ones."""
    found = digest_of(*pieces)
    if found != digest:
        raise DigestError(f"the bytes have digest {found}, {digest} was announced")


def sound(name: str, data: bytes, digest: str) -> bytes:
    """Return bytes that were read. Raises DigestError when they are not those that were written."""
    if digest_of(data) != digest:
        raise DigestError(f"the file of {name} is damaged: it is not what was written")
    return data


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
