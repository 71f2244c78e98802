"""The thread that waits for hints that there is something to fetch; a lost hint costs one interval."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from caviar.errors import CaviarError

if TYPE_CHECKING:
    from caviar.exchange.exchanger import Exchange

SECONDS = 20.0  # of one long poll
REST = 0.02  # a storm of hints must not become a storm of calls


def listen(exchange: Exchange) -> None:
    """Hold one call open after the other; each that returns early is a hint."""
    path = f"/agents/{exchange.agent['id']}/wake"
    while not exchange.ended:
        if not exchange.known or exchange.busy_with_short_trials:
            time.sleep(0.1)
            continue
        started = time.monotonic()
        try:
            exchange.transport.request(
                "GET", path, params={"timeout": SECONDS}, timeout=SECONDS + 10, tries=1
            )
        except (CaviarError, httpx.HTTPError):
            time.sleep(1.0)  # the exchange finds out by itself, and says so
            continue
        if time.monotonic() - started < 0.9 * SECONDS:
            exchange.hint()
        time.sleep(REST)
