"""The server's own clock."""

from __future__ import annotations

import time


class SteadyClock:
    """Seconds since 1970 that never jump: read once at the start, then advanced by the monotonic clock.

    A wall clock set back five minutes would keep dead agents' leases alive for five minutes more.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Give the time in seconds."""
        return self._offset + time.monotonic()
