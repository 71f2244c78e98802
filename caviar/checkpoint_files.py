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
                _extract(archive, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    except (OSError, tarfile.TarError) as error:
        raise CaviarError(f"the checkpoint cannot be written to {target}: {error}") from error


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Extract an archive, nothing of it outside the folder."""
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, filter="data")
        return
    for member in archive:  # Python 3.11.0 to 3.11.3, which Debian 12 has
        if not _stays_within(member, folder):
            raise tarfile.ExtractError(f"{member.name!r} is no file within it")
        archive.extract(member, folder)


def _stays_within(member: tarfile.TarInfo, folder: Path) -> bool:
    """Return whether a file, a folder or a link lies within a folder, and what it links to, too."""
    place = folder / member.name
    leads_to = {tarfile.SYMTYPE: place.parent / member.linkname, tarfile.LNKTYPE: folder / member.linkname}
    if not (member.isfile() or member.isdir() or member.type in leads_to):
        return False
    root = folder.resolve()
    return all(one.resolve().is_relative_to(root) for one in (place, leads_to.get(member.type, place)))


def _archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()
