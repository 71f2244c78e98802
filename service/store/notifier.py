"""Wake-ups of event streams and waiting agents, for commits of this server and others. They may be lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator


class Notifier:
    """Events by search, and one for all agents that wait for work."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._searches: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self._agents: set[asyncio.Event] = set()
        self._hints = 0
        self.closing = asyncio.Event()

    def start(self) -> None:
        """Belong to the running event loop from now on."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Wake everybody for the last time."""
        self.closing.set()
        for event in {*self._agents, *(e for events in self._searches.values() for e in events)}:
            event.set()
        self._loop = None

    def changed(self, searches: Iterable[int] | None, wake: bool) -> None:
        """Note a commit, in which any search may have changed if none are named; from any thread."""
        loop = self._loop
        if loop is not None:
            some = None if searches is None else frozenset(searches)
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(self._changed, some, wake)

    def _changed(self, searches: frozenset[int] | None, wake: bool) -> None:
        for search in self._searches if searches is None else searches:
            for event in self._searches.get(search, ()):
                event.set()
        if wake:
            self._hints += 1
            for event in self._agents:
                event.set()

    @contextlib.contextmanager
    def watching(self, search: int) -> Iterator[asyncio.Event]:
        """Return an event that is set when the search changes."""
        event = asyncio.Event()
        self._searches[search].add(event)
        try:
            yield event
        finally:
            self._searches[search].discard(event)
            if not self._searches[search]:
                del self._searches[search]

    async def work(self, timeout: float, seen: int | None = None) -> int:
        """Wait until there may be work for an agent, at most `timeout` seconds; give the number of hints.

        Not at all if there were others than those `seen`: none is lost between two calls; nor after the end.
        """
        if self.closing.is_set() or seen not in (None, self._hints):
            return self._hints
        event = asyncio.Event()
        self._agents.add(event)
        try:
            async with asyncio.timeout(timeout):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._agents.discard(event)
        return self._hints
