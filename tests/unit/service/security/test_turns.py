"""Work that comes all at once is done in pieces, in the order of coming, with everything else in between."""

from __future__ import annotations

import asyncio

from caviar.service.security.turns import STARTS, Starts, Turns


def test_requests_begin_a_few_at_a_time_in_their_order() -> None:
    async def scenario() -> None:
        starts, begun = Starts(), list[int]()
        for number in range(3 * STARTS):
            starts.begin(lambda number=number: begun.append(number))  # type: ignore[misc]
        for turn in range(1, 4):
            assert begun == list(range(turn * STARTS))
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        starts.begin(lambda: begun.append(-1))
        assert begun[-1] == -1, "at once where there is nobody else"

    asyncio.run(scenario())


class Long:
    def __init__(self, turns: Turns, pieces: int) -> None:
        self.turns, self.pieces = turns, pieces

    def go_on(self) -> None:
        self.pieces -= 1
        if self.pieces:
            self.turns.wait(self)


def test_who_has_much_to_parse_waits_for_who_has_little() -> None:
    async def scenario() -> None:
        turns = Turns()
        many, few = Long(turns, 1_000_000), Long(turns, 3)
        for one in (many, few):
            turns.wait(one)
            turns.wait(one)  # stands there once
        while few.pieces:
            await asyncio.sleep(0)
        left = many.pieces
        assert left > 0
        await asyncio.sleep(0)
        assert many.pieces < left

    asyncio.run(scenario())
