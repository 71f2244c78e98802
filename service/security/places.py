"""Places for requests of one kind: so many in all and of one caller; who finds none waits for a while."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, OrderedDict, deque
from typing import NamedTuple

from starlette.types import Scope

from caviar.service.security.bodies import CountedBody
from caviar.service.security.connections import is_gone, let_wait

WAITS = (1.0, 1.0)  # seconds; before each of them the slowest body in the way is cut
SLOW_SECONDS = 1.0  # after which a body that others wait for should have come


class Caller(NamedTuple):
    """Who takes places, and what part of them this caller and its group may have."""

    name: str
    share: float
    group: str = ""
    of_group: float = 1.0


Queue = deque[asyncio.Future[None]]


class Places:
    """The places of one kind."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[Caller] = Counter()
        self._of_group: Counter[str] = Counter()
        self._bodies: dict[Caller, dict[CountedBody, None]] = {}  # of those that hold places
        self._waiting: OrderedDict[str, OrderedDict[Caller, Queue]] = OrderedDict()  # by group

    def of(self, share: float) -> int:
        """Return how many places a share comes to."""
        return max(1, int(self._most * share))

    async def take(self, caller: Caller, scope: Scope) -> bool:
        """Take a place, or wait for one; tell whether one came in time, and the caller is still there."""
        if self._fits(caller) and not self._queue(caller):
            self._take(caller)
        elif not await self._wait(caller, scope):
            return False
        elif is_gone(scope):
            self._release(caller)
            return False
        if (body := _body(scope)) is not None:
            self._bodies.setdefault(caller, {})[body] = None
        return True

    def give_back(self, caller: Caller, scope: Scope) -> None:
        """Return a place."""
        if (body := _body(scope)) is not None:
            self._bodies[caller].pop(body)
            if not self._bodies[caller]:
                del self._bodies[caller]
        self._release(caller)

    def _fits(self, caller: Caller) -> bool:
        return self._taken[caller] < self.of(caller.share) and self._group_fits(caller.group, caller.of_group)

    def _group_fits(self, group: str, share: float) -> bool:
        return self._of_group[group] < self.of(share) and self._of_group.total() < self._most

    async def _wait(self, caller: Caller, scope: Scope) -> bool:
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller.group, OrderedDict()).setdefault(caller, deque()).append(place)
        let_wait(scope, True)
        try:
            for seconds in WAITS:
                self._cut_slowest(caller)
                # Those who came together must not be refused, and come back, together.
                await asyncio.wait({place}, timeout=seconds * random.uniform(0.5, 1.5))
                if place.done():
                    return True
            return False
        except asyncio.CancelledError:
            if place.done():
                self._release(caller)
            raise
        finally:
            let_wait(scope, False)
            if not place.done():
                place.cancel()
                self._queue(caller)

    def _take(self, caller: Caller) -> None:
        self._taken[caller] += 1
        self._of_group[caller.group] += 1

    def _release(self, caller: Caller) -> None:
        """Free a place and hand it to who waits."""
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]
        self._of_group[caller.group] -= 1
        while (next_one := self._next()) is not None:
            self._take(next_one)
            self._queue(next_one).popleft().set_result(None)
            self._queue(next_one)  # which forgets one that is empty

    def _next(self) -> Caller | None:
        """Return who gets the next place: groups in turn, and the callers of one in turn."""
        for group, callers in list(self._waiting.items()):
            for caller in list(callers):
                if not self._group_fits(group, caller.of_group):
                    break
                if self._queue(caller) and self._fits(caller):
                    callers.move_to_end(caller)
                    self._waiting.move_to_end(group)
                    return caller
        return None

    def _queue(self, caller: Caller) -> Queue:
        """Return who waits of a caller, the first first, without those at the front who have given up."""
        callers = self._waiting.get(caller.group, OrderedDict())
        queue = callers.get(caller, deque())
        while queue and queue[0].done():
            queue.popleft()
        if not queue and callers.pop(caller, None) is not None and not callers:
            del self._waiting[caller.group]
        return queue

    def _cut_slowest(self, caller: Caller) -> None:
        """End the body that comes the slowest, of the caller where its share is the bound, else of all."""
        if self._taken[caller] >= self.of(caller.share):
            callers = [caller]
        elif self._of_group[caller.group] >= self.of(caller.of_group):
            callers = [one for one in self._bodies if one.group == caller.group]
        else:
            callers = list(self._bodies)
        slow = [
            body
            for one in callers
            for body in self._bodies.get(one, ())
            if body.awaited and body.waited >= SLOW_SECONDS
        ]
        if slow:
            min(slow, key=lambda body: body.rate).give_up()


def _body(scope: Scope) -> CountedBody | None:
    body: CountedBody | None = scope["state"].get("body")
    return body
