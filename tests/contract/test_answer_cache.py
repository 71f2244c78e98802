"""Answers kept for the pictures follow what changes, and nothing else makes them anew."""

from __future__ import annotations

from typing import Any

import orjson

from caviar.service.api.answer_cache import AnswerCache
from caviar.service.store import figures
from caviar.service.usecases import steer_search
from caviar.service.usecases.courses import Courses
from tests.support.simulated_agents import Players
from tests.support.stores import World, epochs, handed


def test_an_edited_space_shows_no_trial_twice(world: World) -> None:
    search = world.submit(settings={"epochs": 9}, budget={"trials": 6})
    players, courses = Players(world, 2), Courses()

    def history() -> list[int]:
        return sorted(world.read(lambda c: courses.read(c, search, None)).number.tolist())

    players.play(search, most=3)
    before = history()
    space = {"a": {"scale": "log", "low": 1e-3, "high": 1e-1}, "b": {"low": 0, "high": 1}}
    world.write(lambda tx: steer_search.edit(tx, world.proposer, search, {"space": space}, None))
    assert history() == before and len(before) >= 3
    players.play(search)
    assert history() == list(range(6))


def test_the_curve_of_a_trial_grows_while_it_trains(world: World) -> None:
    search = world.submit()
    given = handed(world.exchange(1, want=1))
    answers, made = AnswerCache(), []

    def curve(live: bool) -> Any:
        def make(connection: Any) -> Any:
            made.append(live)
            found = figures.leading_and_others(connection, search, "dev_error", 0, 10)
            return [one.values.tolist() for one in found.items]

        read = world.read(lambda c: answers.get(c, search, ("curves", live), lambda: make(c), live=live))
        return orjson.loads(read)

    for epoch, reached in ((1, [0.5]), (2, [0.5, 0.25])):
        report = epochs(*given[0], epoch, [2 * reached[-1]])
        world.exchange(1, reports=[report], holding=given)
        assert curve(live=True) == [reached]
        assert curve(live=True) == [reached]
        assert curve(live=False) == [[0.5]], "what results alone decide is not made again for an epoch"
    assert made == [True, False, True]
