"""Fault points: named places at every commit and file boundary where a test may end or break the process.

CAVIAR_FAULT="store.commit.before:3:exit" leaves the process at the third pass, `raise` raises OSError there.
Off, a point costs one comparison.
"""

from __future__ import annotations

import errno
import os
import threading

POINTS = (
    "store.begin.after",
    "store.item.before",
    "store.item.after",
    "store.commit.before",
    "store.commit.after",
    "store.answer.before",
    "blobs.write.before",
    "blobs.write.after",
    "blobs.rename.before",
    "blobs.rename.after",
    "blobs.row.before",
    "blobs.row.after",
    "blobs.remove.before",
    "blobs.remove.after",
)
EXIT_CODE = 86


class _Armed:
    """One fault: a point, the pass at which it strikes, and what it does."""

    def __init__(self, text: str) -> None:
        name, count, action = text.split(":")
        if name not in POINTS or action not in {"exit", "raise"}:
            raise ValueError(f"CAVIAR_FAULT: {text!r} is not POINT:N:exit|raise with a point of {POINTS}")
        self.name, self.left, self.action = name, int(count), action
        self.lock = threading.Lock()

    def strike(self, name: str) -> None:
        if name != self.name:
            return
        with self.lock:
            self.left -= 1
            if self.left != 0:
                return
        if self.action == "exit":
            os._exit(EXIT_CODE)
        raise OSError(errno.EIO, f"fault injected at {name}")


_armed: _Armed | None = _Armed(os.environ["CAVIAR_FAULT"]) if os.environ.get("CAVIAR_FAULT") else None


def point(name: str) -> None:
    """Pass a fault point; does nothing unless a test armed it."""
    if _armed is not None:
        _armed.strike(name)


def arm(text: str | None) -> None:
    """Arm a fault in this process, or disarm with None (tests)."""
    global _armed
    _armed = _Armed(text) if text else None
