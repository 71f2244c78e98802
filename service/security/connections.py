"""The connections of one server: where they are too many, those that do nothing give way to a newcomer."""

from __future__ import annotations

import resource
from collections import Counter, OrderedDict
from typing import Protocol

from starlette.types import Scope

CONNECTIONS = 4000
OTHER_FILES = 256  # of the database, of agents, of uploads
QUIET = 64  # connections of an address whose refusals are answered at once


class Connection(Protocol):
    """What can be ended."""

    def abort(self) -> None:
        """End it at once."""

    def yielding(self, idle: bool) -> None:
        """Say whether it may be ended where there are too many."""

    @property
    def is_gone(self) -> bool:
        """Return whether its client has left."""

    @property
    def crowd(self) -> int:
        """Count the connections that come from where it comes from."""


class Connections:
    """Open connections by address, and in order of their age those that may be ended.

    Such are those that have sent no whole request yet, those that wait between two requests, and those whose
    request waits for its turn. Who sends half a head and holds on is ended by the next one of its kind.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()
        self._idle: dict[str, OrderedDict[Connection, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Count the open ones."""
        return self._count

    def of(self, address: str) -> int:
        """Count those of an address."""
        return self._open[address]

    def opened(self, connection: Connection, address: str) -> None:
        """Take a new connection in; if it is one too many, end another."""
        self._count += 1
        self._open[address] += 1
        if self._count > self._most:
            self._end_one()
        self.idle(connection, address)

    def closed(self, connection: Connection, address: str) -> None:
        """Forget a connection."""
        self._count -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]
        self.busy(connection, address)

    def idle(self, connection: Connection, address: str) -> None:
        """Note that a connection may be ended from now on."""
        self._idle.setdefault(address, OrderedDict())[connection] = None

    def busy(self, connection: Connection, address: str) -> None:
        """Note that a connection is being served."""
        of_address = self._idle.get(address)
        if of_address is not None:
            of_address.pop(connection, None)
            if not of_address:
                del self._idle[address]

    def _end_one(self) -> None:
        """End the oldest idle connection of the address that holds the most."""
        if self._idle:
            address = max(self._idle, key=lambda one: self._open[one])
            connection = next(iter(self._idle[address]))
            self.busy(connection, address)
            connection.abort()


def capacity() -> int:
    """Raise the number of files that this process may open and return how many may be connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OTHER_FILES
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most - OTHER_FILES


def let_wait(scope: Scope, waits: bool) -> None:
    """Say of the connection of a request that it only waits, or does so no more."""
    if (connection := _of(scope)) is not None:
        connection.yielding(waits)


def leave(scope: Scope) -> None:
    """End the connection of a request at once."""
    if (connection := _of(scope)) is not None:
        connection.abort()


def is_gone(scope: Scope) -> bool:
    """Return whether the client of a request has left."""
    connection = _of(scope)
    return connection is not None and connection.is_gone


def pause_before_refusal(scope: Scope) -> float:
    """Return for how long a refusal should wait: the more connections an address has, the longer.

    So an address is refused 1,000 times a second at most, whatever it opens.
    """
    connection = _of(scope)
    crowd = 0 if connection is None else connection.crowd
    return min(2.0, crowd / 1000) if crowd > QUIET else 0.0


def _of(scope: Scope) -> Connection | None:
    connection: Connection | None = scope.get("state", {}).get("connection")
    return connection
