"""One seed, one search, through store and exchange: whatever the workers, their speed and their luck."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from playing import Players, opened, outcome
from sqlalchemy.engine import make_url

STRATEGIES = ("random", "coarse_to_fine", "tpe")
SHORT: dict[str, Any] = {
    "budget": {"trials": 36},
    "parallel": 8,
    "lag": 7,
    "settings": {"epochs": 9},
    "seed": 5,
}


def played(
    folder: Path, workers: int, fields: dict[str, Any], kills: tuple[int, ...] = (), dying: bool = True
) -> list[tuple[Any, ...]]:
    """Run a search; after each count of trials the server is killed, the agents with it or not."""
    url = make_url(f"sqlite:///{folder / f'{workers}-{random.random()}.db'}")
    search, time, players = 0, 0.0, None
    for generation, most in enumerate((*kills, None)):
        with opened(url, build=generation == 0) as world:  # a board that knows nothing
            if generation == 0:
                search = world.submit(**fields)
            if players is None or dying:
                players = Players(world, workers, salt=workers + 100 * generation)
                players.time = time
            players.world = world
            players.play(search, most)
            if dying and most is not None:
                players.die()
            if most is None:
                return outcome(world, search)
    raise AssertionError


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_trials_for_any_number_of_workers(tmp_path: Path, strategy: str) -> None:
    fields = {**SHORT, "strategy": strategy, "stopping": "successive_halving"}
    expected = played(tmp_path, 1, fields)
    assert len(expected) == 36 and len({row[1] for row in expected}) > 1, "some are stopped"
    assert played(tmp_path, 2, fields) == expected
    assert played(tmp_path, 4, fields, kills=(5, 9)) == expected
    assert played(tmp_path, 8, fields, kills=(13,), dying=False) == expected
