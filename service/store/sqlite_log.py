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
from collections.abc import Iterator
from dataclasses import dataclass

HEADER, FRAME_HEADER = 32, 24
_INDEX_BYTES = 132
_VERSION = 3007000  # of the index, in the byte order of the machine, as all of it
_BLOCK, _ENTRIES = 32768, 4096  # bytes of a block of the index, and page numbers in it
_SKIPPED = 34  # of the first block's, where its head is
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
        return self.place(self.frames) if self.frames else 0

    def place(self, frame: int) -> int:
        """Return where in the log a frame begins, counted from 0; the first comes with the log's header."""
        return HEADER + frame * (FRAME_HEADER + self.page) if frame else 0


@dataclass(frozen=True)
class _Known:
    index: Index
    log: int = 0  # the sum of the frames
    numbers: int = 0  # and of what the index says of their pages, by which a checkpoint copies them


class LogSum:
    """The sum of the committed frames: the writer's thread adds to it, any thread may compare."""

    def __init__(self, log: int, index: int) -> None:
        self._log = log
        self._index = index
        self._known = _Known(Index(True, 0, 0, b"", 0, 0))
        self._next = 0.0  # when to compare again
        self.extend()

    def extend(self) -> bool:
        """Add what was committed since the last time; tell whether what was there before is as it was."""
        index, known = Index.read(self._index), self._known
        if index is None or not index.whole:
            return True  # which is found elsewhere
        kept = index.salts == known.index.salts and index.frames >= known.index.frames
        # What a checkpoint copied is in the file now: the last moment to see that it was something else.
        same = not kept or index.copied == known.index.copied or self._summed(known.index) == known
        self._known = self._summed(index, known if kept else None)
        return same

    def same(self) -> bool:
        """Tell whether the frames are still what they were; as often as costs little."""
        began, known = time.monotonic(), self._known
        if began < self._next:
            return True
        found = self._summed(known.index)
        now = time.monotonic()
        self._next = now + _SHARE * (now - began)
        index = Index.read(self._index)
        afresh = index is None or index.salts != known.index.salts  # meanwhile the log began anew
        return afresh or found == known

    def _summed(self, index: Index, known: _Known | None = None) -> _Known:
        """Return the sums as far as an index says, from those that are known."""
        known = known or _Known(index)
        first = known.index.frames if known.index is not index else 0
        log = _add(known.log, self._log, index.place(first), index.end)
        numbers = known.numbers
        for start, end in _numbers(first, index.frames):
            numbers = _add(numbers, self._index, start, end)
        return _Known(index, log, numbers)


def _add(total: int, file: int, start: int, end: int) -> int:
    for place in range(start, end, _PIECE):
        total = zlib.crc32(os.pread(file, min(_PIECE, end - place), place), total)
    return total


def _numbers(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Give where in the index the page numbers of frames stand: at the beginning of each of its blocks."""
    while first < last:
        block, entry = divmod(first + _SKIPPED, _ENTRIES)
        count = min(last - first, _ENTRIES - entry)
        start = block * _BLOCK + 4 * entry
        yield start, start + 4 * count
        first += count
