"""Whoever waits comes to a turn, however many others wait, and groups of callers have a share together."""

from __future__ import annotations

import asyncio
from typing import Any

from caviar.service.security.places import Caller, Places

SCOPE: dict[str, Any] = {"state": {}}


async def tick() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_comes_late_waits_for_one_place_of_each_other_at_most() -> None:
    async def scenario() -> None:
        places = Places(8)
        crowd = [Caller(f"crowd {number}", 0.5) for number in range(2)]
        for one in crowd:
            for _ in range(4):
                assert await places.take(one, SCOPE)
        waiting = [asyncio.ensure_future(places.take(one, SCOPE)) for _ in range(10) for one in crowd]
        await tick()
        late = asyncio.ensure_future(places.take(Caller("late", 0.5), SCOPE))
        await tick()
        for one in (crowd[0], crowd[1], crowd[0]):
            places.give_back(one, SCOPE)
        assert await late
        assert sum(one.done() for one in waiting) == 2
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert not places._waiting

    asyncio.run(scenario())


def test_a_group_of_any_size_leaves_the_places_of_others() -> None:
    async def scenario() -> None:
        places = Places(16)
        many = [Caller(f"from {number}", 0.125, "anyone", 0.25) for number in range(100)]
        tasks = [asyncio.ensure_future(places.take(one, SCOPE)) for one in many]
        await tick()
        assert sum(one.done() for one in tasks) == 4
        assert all([await places.take(Caller("a token", 1.0), SCOPE) for _ in range(12)])
        places.give_back(many[0], SCOPE)
        await tick()
        assert sum(one.done() for one in tasks) == 5 and tasks[4].done(), "the next one of the same group"
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scenario())
