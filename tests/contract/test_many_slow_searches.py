"""Searches of strategies that are computed ahead, more of them than caches are kept of others."""

from __future__ import annotations

import time

from caviar.service.usecases.proposer import CACHES
from tests.support.stores import World, handed, result


def test_all_of_them_get_their_trials(world: World) -> None:
    searches = [world.submit(strategy="tpe", budget={"trials": 2}) for _ in range(CACHES + 3)]
    deadline = time.monotonic() + 120
    done: list[dict[str, object]] = []
    while any(world.search(one).ended is None for one in searches):
        assert time.monotonic() < deadline, [world.search(one).proposed for one in searches]
        answer = world.exchange(1, want=4, reports=done)
        done = [result(*one, 0.5) for one in handed(answer)]
        if not done:
            time.sleep(0.01)  # they are being proposed
