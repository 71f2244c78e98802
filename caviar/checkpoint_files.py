"""A script's checkpoint as bytes: a file as it stands, a folder as a tar archive."""

import io
import os
import tarfile
from pathlib import Path

from caviar.errors import CaviarError

State = bytes | bytearray | memoryview | str | os.PathLike[str]
_MARK = b"ustar"  # of a tar archive, at this place
_AT = 257


def packed(state: State, what: str = "checkpoint") -> bytes:
    """Return a state as bytes: those given, or what a file or a folder holds.

    Raises CaviarError, which calls it `what`, for neither of them and for a path that cannot be read.
    """
    if isinstance(state, bytes | bytearray | memoryview):
        return bytes(state)
    if not isinstance(state, str | os.PathLike):
        raise CaviarError(
            f"{_article(what)} is bytes or the path of a file or folder, not {type(state).__name__}"
        )
    path = Path(state)
    try:
        return _archive(path) if path.is_dir() else path.read_bytes()
    except OSError as error:
        raise CaviarError(f"the {what} {path} cannot be read: {error.strerror or error}") from error


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def unpack(content: bytes, path: str | os.PathLike[str]) -> None:
    """Write a state where it is wanted: what was a folder into a folder, anything else as a file.

    Raises CaviarError when it cannot be written.
    """
    target = Path(path)
    try:
        if content[_AT : _AT + len(_MARK)] == _MARK:
            target.mkdir(parents=True, exist_ok=True)
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(target, filter="data")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    except (OSError, tarfile.TarError) as error:
        raise CaviarError(f"the checkpoint cannot be written to {target}: {error}") from error


def _archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()
