"""Files of data sets: streamed to a cap, read in another process, kept under the hash of their content."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caviar.service.config import Limits
from caviar.service.errors import ConflictError, FieldProblem, RefusedError, ServiceError, UnavailableError
from caviar.service.sandbox.process import run_sandboxed
from caviar.service.store.blobs import Blobs, in_thread

INSPECTION = "caviar.service.sandbox.inspection"
RELABELLING = "caviar.service.sandbox.relabelling"
RESERVE = 64 << 20  # bytes an upload leaves free for the database
LEFT_SECONDS = 3600.0  # a file that arrives grows all the time
AT_ONCE = 2  # files read at the same time


class TooLargeError(ServiceError):
    """A body beyond the cap."""

    status = 413
    title = "Body too large"


@dataclass(frozen=True)
class Received:
    """A file that has arrived whole, under a name nobody else uses."""

    path: Path
    digest: str
    size: int


class Uploads:
    """The data sets of one server: where they arrive, and where they are kept."""

    def __init__(self, data: Path, limits: Limits, kept: Blobs) -> None:
        self._arriving = data / "uploads"
        self._kept = kept
        self._limits = limits
        self._readers = asyncio.Semaphore(AT_ONCE)
        self._arriving.mkdir(mode=0o700, parents=True, exist_ok=True)

    def open(self) -> None:
        """Remove what servers that were killed have left; other servers on this folder may be receiving."""
        for leftover in self._arriving.iterdir():
            try:
                old = time.time() - leftover.stat().st_mtime > LEFT_SECONDS
            except FileNotFoundError:
                continue  # another server is done with it
            if old:
                leftover.unlink(missing_ok=True)

    async def path(self, name: str, digest: str, kind: str) -> Path:
        """Return the place of a data set's file on this machine. Raises ConflictError where that is gone."""
        try:
            return await in_thread(self._kept.local, _file(digest, kind), digest)
        except OSError as error:
            message = f"the file of data set {name!r} is gone or cannot be read ({error.strerror or error})"
            raise ConflictError(f"{message}; upload it again under this name") from None

    async def local(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """Return a resolved source with the path of its file. Raises ConflictError where that is gone."""
        plain = {key: value for key, value in source.items() if key != "upload"}
        upload = source.get("upload")
        if upload is not None:
            plain["path"] = str(await self.path(source["name"], upload["digest"], upload["kind"]))
        return plain

    async def receive(self, stream: AsyncIterator[bytes]) -> Received:
        """Write a body to a file, piece by piece.

        Raises TooLargeError beyond the cap, UnavailableError when the disk is full.
        """
        path = self._arriving / f"{secrets.token_hex(16)}"
        digest, size = hashlib.sha256(), 0
        try:
            with path.open("xb") as file:
                async for piece in stream:
                    size += len(piece)
                    if size > self._limits.upload:
                        raise TooLargeError(f"A data set may have {self._limits.upload} bytes")
                    self._require_room(len(piece))
                    digest.update(piece)
                    await asyncio.to_thread(file.write, piece)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise UnavailableError(
                    "The disk of the server is full; free some space and send it again"
                ) from error
            raise
        return Received(path, f"sha256:{digest.hexdigest()}", size)

    async def relabelled(
        self, source: Mapping[str, Any], labels: Mapping[int, str]
    ) -> tuple[Received, dict[str, Any]]:
        """Write a source again with some labels corrected; gives the file and its options.

        Raises RefusedError where that cannot be done, or not within the limits.
        """
        path, limits = self._arriving / secrets.token_hex(16), self._limits
        bounds = (str(limits.inspect_memory), str(limits.inspect_seconds), str(limits.upload))
        given = json.dumps({"source": source, "labels": sorted(labels.items())}).encode()
        try:
            async with self._readers:
                output = await run_sandboxed(RELABELLING, (str(path), *bounds), limits, given)
            answer = {} if output is None else json.loads(output)
            if error := answer.get("error"):
                raise RefusedError.of(**error)
            if "options" not in answer:
                message = "writing the data again took too much memory, time or space"
                raise RefusedError.of("labels", message, "correct the file yourself and upload it")
            with path.open("rb") as file:
                digest = await asyncio.to_thread(hashlib.file_digest, file, "sha256")
                await asyncio.to_thread(os.fsync, file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Received(path, f"sha256:{digest.hexdigest()}", path.stat().st_size), answer["options"]

    def discard(self, received: Received) -> None:
        """Remove a file that is not kept."""
        received.path.unlink(missing_ok=True)

    async def keep(self, received: Received, kind: str) -> None:
        """Move a file to where it is kept, durably; the same content twice is one file."""
        await in_thread(self._kept.take, _file(received.digest, kind), received.path)

    async def remove(self, digest: str, kind: str) -> None:
        """Remove a kept file that belongs to no data set any more."""
        await in_thread(self._kept.remove, _file(digest, kind))

    async def inspect(self, received: Received, options: Mapping[str, Any]) -> dict[str, Any]:
        """Have another process say what is in a file.

        Raises RefusedError when it cannot be read, or not within its limits.
        """
        limits = self._limits
        arguments = (str(limits.inspect_memory), str(limits.inspect_seconds), json.dumps(options))
        async with self._readers:
            output = await run_sandboxed(INSPECTION, (str(received.path), *arguments), limits)
        if output is not None:
            answer: dict[str, Any] = json.loads(output)
            if "problems" not in answer:
                return answer
            raise RefusedError.of_all([FieldProblem(**one) for one in answer["problems"]])
        message = (
            f"reading it took too much memory or more than {limits.inspect_seconds:g} s, or broke the reader"
        )
        raise RefusedError.of(
            "body", message, "Check the file, or send it as Parquet or npz, or send a part of it"
        )

    def _require_room(self, size: int) -> None:
        if shutil.disk_usage(self._arriving).free < size + RESERVE:
            raise UnavailableError("The disk of the server is nearly full; free some space and send it again")


def _file(digest: str, kind: str) -> str:
    """Name the file of a data set by the hash that the server itself computed."""
    return f"{digest.removeprefix('sha256:')}.{kind}"
