"""The one way in which tests wait: for something that becomes true, never for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait(until: Callable[[], Any], seconds: float, what: str | Callable[[], str]) -> Any:
    """Return what `until` gives as soon as that is true.

    Raises AssertionError after so many seconds; `what` names what did not come, as things are then.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = until()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)
