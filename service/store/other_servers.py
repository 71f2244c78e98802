"""What other servers on the same Postgres commit, heard at once: one notice for each of their commits.

A notice is a hint: it may be lost, streams and agents ask by themselves every few seconds all the same.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Collection
from typing import Any

import orjson
from psycopg import Connection, Notify
from psycopg.errors import Error
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

CHANNEL = "caviar"
MOST = 500  # searches in one notice, which holds 8,000 bytes; more are told as all
LOOK_SECONDS = 1.0  # between two looks whether the server ends
AGAIN_SECONDS = 1.0
Heard = Callable[[Collection[int] | None, bool], object]  # searches, None for all; whether agents may go on
log = logging.getLogger(__name__)


class OtherServers:
    """A connection of its own that listens, and what is said to the others in each commit."""

    def __init__(self, engine: Engine, heard: Heard) -> None:
        """`heard` is called in a thread of its own."""
        self._engine = engine
        self._heard = heard
        self._name = secrets.token_hex(4)  # of this server, which need not hear itself
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="caviar-others", daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()

    def end(self) -> None:
        """Listen no more."""
        self._ending.set()
        self._thread.join(2 * LOOK_SECONDS)

    def notice(self, searches: Collection[int], wake: bool) -> str:
        """Write what others are to hear of a commit."""
        told = sorted(searches) if len(searches) <= MOST else None
        return orjson.dumps({"from": self._name, "searches": told, "wake": wake}).decode()

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                self._listen()
            except (Error, DBAPIError, OSError) as error:
                log.debug("not listening to other servers: %s", error)
                self._ending.wait(AGAIN_SECONDS)

    def _listen(self) -> None:
        """Listen on one connection until it breaks; what was said before it is not known."""
        pooled = self._engine.raw_connection()
        try:
            connection: Any = pooled.driver_connection
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            self._heard(None, True)
            while not self._ending.is_set():
                self._hear(connection)
        finally:
            pooled.invalidate()

    def _hear(self, connection: Connection[Any]) -> None:
        notices = list(connection.notifies(timeout=LOOK_SECONDS, stop_after=1))
        if not notices:
            connection.execute("SELECT 1")  # a connection that was cut without a word says so now
        for notice in notices:
            self._take(notice)

    def _take(self, notice: Notify) -> None:
        said = orjson.loads(notice.payload)
        if said["from"] != self._name:
            self._heard(said["searches"], said["wake"])
