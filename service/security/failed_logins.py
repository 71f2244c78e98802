"""Tokens that nobody knows, counted by the address they came from."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

from cachetools import TTLCache
from starlette.types import Scope

from caviar.service.security.refusals import too_many_failures

WINDOW_SECONDS = 60.0  # since the last one
MOST = 20  # in a window, from one address: a person mistypes, a program guesses
ADDRESSES = 10_000  # remembered; beyond it the oldest is forgotten


class FailedLogins:
    """Refuses unknown tokens from where many came that were unknown too; known ones are always served."""

    def __init__(
        self, count: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count = count
        self._failures: TTLCache[str, int] = TTLCache(ADDRESSES, WINDOW_SECONDS, clock)

    def admit(self, address: str) -> None:
        """Let a token be looked up. Raises Refusal."""
        if self._failures.get(address, 0) >= MOST:
            raise too_many_failures(int(WINDOW_SECONDS))

    def note(self, address: str) -> None:
        """Count a token that was not known; a window ends when none came for so long."""
        self._count()
        self._failures[address] = self._failures.get(address, 0) + 1


def address_of(scope: Scope) -> str:
    """Return where a request comes from; of version 6 the network, for a caller has all addresses of one."""
    host = str((scope.get("client") or ("", 0))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((host, 64), strict=False))
