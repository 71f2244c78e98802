"""The three files of a SQLite database, watched from outside: deleted, replaced, truncated, written over.

SQLite keeps the files it has opened, whatever happens to their names, and never looks at pages that it has in
its cache. So this compares what the file system says with the index of the log, as
https://www.sqlite.org/walformat.html describes it: the file of the database changes by checkpoints alone, and
a checkpoint notes in the index that it began before it writes the first page.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

PATIENCE = 0.5  # seconds for another process, such as Litestream, to note what it is doing
INDEX_BYTES = 132
LOG_HEADER, FRAME_HEADER = 32, 24
LOG_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")


@dataclass(frozen=True)
class _Index:
    """What the shared index says of the log: its frames, and how far they were copied into the file."""

    page: int
    frames: int
    salts: bytes
    copied: int
    copying: int  # up to which frame the checkpoint that began last means to copy

    @classmethod
    def read(cls, file: int) -> _Index | None:
        raw = os.pread(file, INDEX_BYTES, 0)
        if len(raw) < INDEX_BYTES:
            return None
        (page,) = struct.unpack_from("=H", raw, 14)  # in the byte order of the machine, as all of it
        (frames,) = struct.unpack_from("=I", raw, 16)
        (copied,) = struct.unpack_from("=I", raw, 96)
        (copying,) = struct.unpack_from("=I", raw, 128)
        return cls(65536 if page == 1 else page, frames, raw[32:40], copied, copying)

    @property
    def checkpoints(self) -> tuple[bytes, int, int]:
        """Return what every checkpoint changes."""
        return self.salts, self.copied, self.copying


class Files:
    """The files as they were opened.

    Nothing here opens the file of the database but through SQLite: to close it would drop SQLite's locks.
    """

    def __init__(self, path: Path) -> None:
        self._paths = [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]
        # Keeps log and index in being while connections come and go; see `leave`.
        self._keeper = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._open = [os.open(one, os.O_RDONLY) for one in self._paths[1:]]
        self._known = [_name_of(one.stat()) for one in self._paths]
        self._lock = Lock()
        index, file = _Index.read(self._open[1]), path.stat()
        self._checkpoints = index.checkpoints if index else None
        self._written = (file.st_mtime_ns, file.st_size)

    def look(self) -> str | None:
        """Return what happened to a file, in words that follow "the database cannot be trusted:"."""
        with self._lock:
            reason, doubtful = self._find()
            end = time.monotonic() + PATIENCE
            while doubtful and time.monotonic() < end:
                time.sleep(PATIENCE / 20)
                reason, doubtful = self._find()
            return reason

    def leave(self, damaged: bool) -> None:
        """Let go of the files; damaged ones are left as they are.

        The last connection that closes copies the log into whatever the file is now, a restored one too. So
        one stays open then, until the process is gone.
        """
        if damaged:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._keeper))
            return
        self._keeper.close()

    def close(self) -> None:
        """Close what only watched, after every connection."""
        for file in self._open:
            os.close(file)

    def _find(self) -> tuple[str | None, bool]:
        """Return what is wrong, and whether it may be another process in the middle of its work."""
        index = _Index.read(self._open[1])  # first: what it tells is then never newer than the files
        found = []
        for path, known in zip(self._paths, self._known, strict=True):
            try:
                found.append(path.stat())
            except OSError as error:
                return f"{path} is gone ({error.strerror})", False
            if _name_of(found[-1]) != known:
                return f"another file is at {path} now", False
        file, log, _ = found
        if index is None:
            return f"{self._paths[2]} was truncated", False
        if not self._log_is_whole(index, log.st_size):
            return f"{self._paths[1]} was written by something other than SQLite", True
        return self._file_changed(index, (file.st_mtime_ns, file.st_size))

    def _log_is_whole(self, index: _Index, size: int) -> bool:
        if index.frames == 0:
            return True
        head = os.pread(self._open[0], LOG_HEADER, 0)
        whole = size >= LOG_HEADER + index.frames * (FRAME_HEADER + index.page)
        return whole and head[:4] in LOG_MAGIC and head[16:24] == index.salts

    def _file_changed(self, index: _Index, written: tuple[int, int]) -> tuple[str | None, bool]:
        copied = index.checkpoints != self._checkpoints or index.copying != index.copied
        if written != self._written and not copied:
            return f"{self._paths[0]} was written by something other than SQLite", True
        self._written, self._checkpoints = written, index.checkpoints
        return None, False


def _name_of(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
