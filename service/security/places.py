"""Places for requests of one kind: so many in all and of one caller; who finds none waits for a while."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, OrderedDict, deque

from starlette.types import Scope

from caviar.service.security.bodies import CountedBody
from caviar.service.security.connections import is_gone, let_wait

WAITS = (1.0, 1.0)  # seconds; before each of them the slowest body in the way is cut
SLOW_SECONDS = 1.0  # after which a body that others wait for should have come


class Places:
    """The places of one kind."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()
        self._bodies: dict[str, dict[CountedBody, None]] = {}  # of those that hold places, by caller
        self._waiting: OrderedDict[str, deque[tuple[asyncio.Future[None], int]]] = OrderedDict()

    def of(self, share: float) -> int:
        """Return how many places a share comes to."""
        return max(1, int(self._most * share))

    async def take(self, caller: str, share: float, scope: Scope) -> bool:
        """Take a place, or wait for one; tell whether one came in time, and the caller is still there."""
        most = self.of(share)
        if self._fits(caller, most) and not self._queue(caller):
            self._taken[caller] += 1
        elif not await self._wait(caller, most, scope):
            return False
        elif is_gone(scope):
            self._release(caller)
            return False
        if (body := _body(scope)) is not None:
            self._bodies.setdefault(caller, {})[body] = None
        return True

    def give_back(self, caller: str, scope: Scope) -> None:
        """Return a place back."""
        if (body := _body(scope)) is not None:
            self._bodies[caller].pop(body)
            if not self._bodies[caller]:
                del self._bodies[caller]
        self._release(caller)

    def _fits(self, caller: str, most: int) -> bool:
        return self._taken[caller] < most and self._taken.total() < self._most

    async def _wait(self, caller: str, most: int, scope: Scope) -> bool:
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append((place, most))
        let_wait(scope, True)
        try:
            for seconds in WAITS:
                self._cut_slowest(caller, most)
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

    def _release(self, caller: str) -> None:
        """Free a place and hand it to who waits: of the same caller first, for its share may be the bound."""
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]
        for waiting in [caller, *self._waiting]:
            queue = self._queue(waiting)
            if queue and self._fits(waiting, queue[0][1]):
                queue.popleft()[0].set_result(None)
                self._taken[waiting] += 1
                self._waiting.move_to_end(waiting)
            if self._taken.total() >= self._most:
                return

    def _queue(self, caller: str) -> deque[tuple[asyncio.Future[None], int]]:
        """Return who waits of a caller, the first first, without those at the front who have given up."""
        queue = self._waiting.get(caller, deque())
        while queue and queue[0][0].done():
            queue.popleft()
        if not queue:
            self._waiting.pop(caller, None)
        return queue

    def _cut_slowest(self, caller: str, most: int) -> None:
        """End the body that comes the slowest, of the caller where its share is the bound, else of all."""
        own = self._taken[caller] >= most
        callers = [caller] if own else list(self._bodies)
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
