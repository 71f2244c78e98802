"""What was committed to the log of a SQLite database, watched: a sum tells whether somebody wrote over it.

SQLite reads pages from its log without looking at their checksums again, and copies them into the file; only
a start looks, and throws away all that follows a wrong one. Frames that are committed never change until all
of them were copied and the log begins afresh, which new salts in the index tell beforehand.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from dataclasses import dataclass

HEADER, FRAME_HEADER = 32, 24
_INDEX_BYTES = 132
_VERSION = 3007000  # of the index, in the byte order of the machine, as all of it
_PIECE = 1 << 20
_SHARE = 50  # of the time at most one part in so many goes into adding up


@dataclass(frozen=True)
class Index:
    """What the shared index says of the log: its frames, and how far they were copied into the file."""

    whole: bool  # both copies of its head are there and say the same
    page: int
    frames: int
    salts: bytes
    copied: int
    copying: int  # up to which frame the checkpoint that began last means to copy

    @classmethod
    def read(cls, file: int) -> Index | None:
        """Return what the index says; None of one that was cut off."""
        raw = os.pread(file, _INDEX_BYTES, 0)
        if len(raw) < _INDEX_BYTES:
            return None
        (version,) = struct.unpack_from("=I", raw, 0)
        (page,) = struct.unpack_from("=H", raw, 14)
        (frames,) = struct.unpack_from("=I", raw, 16)
        (copied,) = struct.unpack_from("=I", raw, 96)
        (copying,) = struct.unpack_from("=I", raw, 128)
        whole = version == _VERSION and raw[:48] == raw[48:96]
        return cls(whole, 65536 if page == 1 else page, frames, raw[32:40], copied, copying)

    @property
    def checkpoints(self) -> tuple[bytes, int, int]:
        """Return what every checkpoint changes."""
        return self.salts, self.copied, self.copying

    @property
    def end(self) -> int:
        """Return the bytes of the log that are committed."""
        return HEADER + self.frames * (FRAME_HEADER + self.page) if self.frames else 0


@dataclass(frozen=True)
class _Known:
    salts: bytes = b""
    end: int = 0
    sum: int = 0
    copied: int = 0


class LogSum:
    """The sum of the committed frames: the writer's thread adds to it, any thread may compare."""

    def __init__(self, log: int, index: int) -> None:
        self._log = log
        self._index = index
        self._known = _Known()
        self._next = 0.0  # when to compare again
        self.extend()

    def extend(self) -> bool:
        """Add what was committed since the last time; tell whether what was there before is as it was."""
        index, known = Index.read(self._index), self._known
        if index is None or not index.whole:
            return True  # which is found elsewhere
        kept = index.salts == known.salts and index.end >= known.end
        # What a checkpoint copied is in the file now: the last moment to see that it was something else.
        same = not kept or index.copied == known.copied or self._add(0, 0, known.end) == known.sum
        start, total = (known.end, known.sum) if kept else (0, 0)
        self._known = _Known(index.salts, index.end, self._add(total, start, index.end), index.copied)
        return same

    def same(self) -> bool:
        """Tell whether the frames are still what they were; as often as costs little."""
        began, known = time.monotonic(), self._known
        if began < self._next:
            return True
        found = self._add(0, 0, known.end)
        now = time.monotonic()
        self._next = now + _SHARE * (now - began)
        index = Index.read(self._index)
        afresh = index is None or index.salts != known.salts  # meanwhile the log began anew
        return afresh or found == known.sum

    def _add(self, total: int, start: int, end: int) -> int:
        for place in range(start, end, _PIECE):
            total = zlib.crc32(os.pread(self._log, min(_PIECE, end - place), place), total)
        return total
