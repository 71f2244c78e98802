"""Two servers in place of one: with CAVIAR_TEST_TWO_SERVERS each server of a test gets a neighbour.

Both work on one Postgres and one data folder, and each request goes to either of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy.engine import URL
from starlette.types import Receive, Scope, Send

from tests.support.stores import drop_database, empty_database
from tests.support.waiting import wait

TWO_SERVERS = bool(os.environ.get("CAVIAR_TEST_TWO_SERVERS"))
SEED = 1  # of who answers next


def soon(holds: Callable[[], bool], what: str) -> None:
    """Assert what holds at once on the server that was asked; its neighbour has up to two seconds."""
    if TWO_SERVERS:
        wait(holds, 10, what)
    else:
        assert holds(), what


class Databases:
    """A database of a Postgres server for each data folder: what starts there again finds its own."""

    def __init__(self) -> None:
        self._postgres = self._template = ""
        self._made: dict[Path, URL] = {}

    @contextmanager
    def on(self, postgres: str, template: str) -> Iterator[None]:
        """Make them on a Postgres server, for the length of a block."""
        self._postgres, self._template = postgres, template
        try:
            yield
        finally:
            for url in self._made.values():
                drop_database(postgres, url)
            self._made.clear()

    def of(self, folder: Path) -> str:
        """Return the address of a data folder's database."""
        if folder not in self._made:
            self._made[folder] = empty_database(self._postgres, self._template)
        return self._made[folder].render_as_string(hide_password=False)


DATABASES = Databases()


class InTurn:
    """Applications that share the requests; what a test looks at inside is that of the first one."""

    def __init__(self, apps: Sequence[FastAPI]) -> None:
        self._apps = apps
        self._dice = random.Random(SEED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._dice.choice(self._apps)(scope, receive, send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._apps[0], name)
