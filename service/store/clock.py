"""The clock of the store: every time that is written comes from it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time in seconds since 1970; tests bring one that they set."""

    def now(self) -> float:
        """Return the time."""


class SteadyClock:
    """Seconds since 1970 that never jump: read once at the start, then advanced by the monotonic clock.

    A wall clock set back five minutes would keep dead agents' leases alive for five minutes more.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Return the time in seconds."""
        return self._offset + time.monotonic()


def iso(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
