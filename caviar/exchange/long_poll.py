"""The thread that waits for hints that there is something to fetch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from caviar.errors import CaviarError

if TYPE_CHECKING:
    from caviar.exchange.exchange import Exchange

SECONDS = 20.0  # of one long poll
REST = 0.02  # a storm of hints must not become a storm of calls


def poll_for_hints(exchange: Exchange) -> None:
    """Hold one call open after the other; each that counts more hints than the one before is one."""
    path, seen = f"/agents/{exchange.agent.id}/wake", None
    while not exchange.ended:
        if not exchange.known or exchange.busy_with_short_trials:
            time.sleep(0.1)
            continue
        params = {"timeout": SECONDS} | ({} if seen is None else {"seen": seen})
        try:
            answer = exchange.transport.call("GET", path, params=params, timeout=SECONDS + 10, tries=1)
        except (CaviarError, httpx.HTTPError):
            time.sleep(1.0)  # the exchange finds out by itself, and says so
            continue
        if answer["hints"] != seen:
            exchange.hint()
        seen = answer["hints"]
        time.sleep(REST)
