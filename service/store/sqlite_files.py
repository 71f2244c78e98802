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
import time
from pathlib import Path
from threading import Lock

from caviar.service.store.sqlite_log import HEADER, Index, LogSum

PATIENCE = 0.25  # seconds for another process, such as Litestream, to note what it is doing
LOG_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")


class Files:
    """The files as they were opened.

    Nothing here opens the file of the database but through SQLite: to close it would drop SQLite's locks.
    """

    def __init__(self, path: Path) -> None:
        real = path.resolve()  # SQLite follows links too: log and index lie beside the file itself
        self._paths = [real, *(real.with_name(real.name + suffix) for suffix in ("-wal", "-shm"))]
        self._names = [*self._paths, path]
        # Keeps log and index in being while connections come and go; see `leave`.
        self._keeper = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._open = [os.open(one, os.O_RDONLY) for one in self._paths[1:]]
        self._known = [_name_of(one.lstat()) for one in self._names]
        self._lock = Lock()
        self._sum = LogSum(*self._open)
        index, file = Index.read(self._open[1]), real.stat()
        self._checkpoints = index.checkpoints if index else None
        self._written = (file.st_mtime_ns, file.st_size)

    def look(self) -> str | None:
        """Return what happened to a file, in words that follow "the database cannot be trusted:"."""
        with self._lock:
            reason, doubtful = self._find()
            end = time.monotonic() + PATIENCE
            while doubtful and time.monotonic() < end:
                time.sleep(PATIENCE / 10)
                reason, doubtful = self._find()
            return reason

    def committed(self) -> str | None:
        """Take in what was just committed, on the writer's thread; return what is wrong."""
        return None if self._sum.extend() else self._written_over()

    def compare(self) -> str | None:
        """Return whether what was committed to the log is still there, now and then."""
        return None if self._sum.same() else self._written_over()

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
        index = Index.read(self._open[1])  # first: what it tells is then never newer than the files
        found = []
        for path, known in zip(self._names, self._known, strict=True):
            try:
                found.append(path.lstat())
            except OSError as error:
                return f"{path} is gone ({error.strerror})", False
            if _name_of(found[-1]) != known:
                return f"another file is at {path} now", False
        file, log = found[:2]
        if index is None:
            return f"{self._paths[2]} was truncated", False
        if not index.whole:
            return f"{self._paths[2]} was written by something other than SQLite", True
        if not self._log_is_whole(index, log.st_size):
            return self._written_over(), True
        return self._file_changed(index, (file.st_mtime_ns, file.st_size))

    def _written_over(self) -> str:
        return f"{self._paths[1]} was written by something other than SQLite"

    def _log_is_whole(self, index: Index, size: int) -> bool:
        if index.frames == 0:
            return True
        head = os.pread(self._open[0], HEADER, 0)
        return size >= index.end and head[:4] in LOG_MAGIC and head[16:24] == index.salts

    def _file_changed(self, index: Index, written: tuple[int, int]) -> tuple[str | None, bool]:
        copied = index.checkpoints != self._checkpoints or index.copying != index.copied
        if written != self._written and not copied:
            return f"{self._paths[0]} was written by something other than SQLite", True
        self._written, self._checkpoints = written, index.checkpoints
        return None, False


def _name_of(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
