"""Uploaded data sets on the agent's side: fetched once, checked, and read from a local file."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caviar.trainer.data.more_rows import other_sources, with_sources

NAME = re.compile(r"\w[\w .()+-]{0,99}")  # what the server takes; nothing that leads elsewhere
MODEL = "safetensors"
SUFFIXES = frozenset({"csv", "parquet", "jsonl", "feather", "excel", "npz", "npy", MODEL})
Fetch = Callable[[Mapping[str, Any]], Iterator[bytes]]  # the content of an `upload`, in pieces


class FetchError(RuntimeError):
    """A data set did not arrive as it was sent; try again."""


def address_of(upload: Mapping[str, Any]) -> str:
    """Return where the server has the content of an `upload`."""
    number = int(upload["id"])
    return f"/searches/{number}/init-model" if upload["kind"] == MODEL else f"/datasets/{number}/content"


def localise(dataset: Mapping[str, Any], folder: Path, fetch: Fetch) -> dict[str, Any]:
    """Replace every `upload` in a search's data set by the `path` of a file in `folder`.

    The model that trials start from is such a source, too. The folder is a cache; agents of a machine may
    share it.

    Raises FetchError when the content has another digest than the server said.
    """
    others = {name: _one(one, folder, fetch) for name, one in other_sources(dataset).items()}
    local = with_sources(dataset, others)
    if isinstance(local.get("init_from"), Mapping):
        local["init_from"] = _one(local["init_from"], folder, fetch)
    return _one(local, folder, fetch)


def _one(source: Mapping[str, Any], folder: Path, fetch: Fetch) -> dict[str, Any]:
    upload = source.get("upload")
    plain = {key: value for key, value in source.items() if key != "upload"}
    if upload is None:
        return plain
    digest, name = str(upload["digest"]).removeprefix("sha256:"), str(source.get("name"))
    named = NAME.fullmatch(name) and upload["kind"] in SUFFIXES
    if not named or len(digest) != 64 or not digest.isalnum():
        raise FetchError(f"the server names data set {upload['id']} in a way this agent does not understand")
    path = folder / digest / name  # as the user calls it: messages and models name the file
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _one_at_a_time(path.parent):
            if not path.exists():  # else another agent of this machine has fetched it meanwhile
                _download(path, digest, fetch(upload))
    return {**plain, "path": str(path)}


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one agent of a machine fetch while others wait, where the system has file locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # it goes with the process that holds it
        yield


def _download(path: Path, digest: str, pieces: Iterator[bytes]) -> None:
    """Write a file under a name of its own, check it, then move it into place."""
    arriving = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    found = hashlib.sha256()
    try:
        with arriving.open("xb") as file:
            for piece in pieces:
                found.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if found.hexdigest() != digest:
            raise FetchError("a file arrived with another content than the server announced")
        arriving.replace(path)
    finally:
        arriving.unlink(missing_ok=True)
