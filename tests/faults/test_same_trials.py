"""One seed, one search, through store and exchange: whatever the workers, their speed and their luck."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from tests.support.server_process import Server
from tests.support.simulated_agents import Players, opened, outcome
from tests.support.turns import POPULATION, Turns
from tests.support.waiting import wait

STRATEGIES = ("random", "coarse_to_fine", "tpe")
IN_TIME = {"name": "coarse_to_fine", "epochs_per_round": [2, 4, 9]}
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
    kind = Turns if fields.get("trainer") == "mlp" else Players
    for generation, most in enumerate((*kills, None)):
        with opened(url, build=generation == 0) as world:  # a proposer that knows nothing
            if generation == 0:
                search = world.submit(**fields)
            if players is None or dying:
                players = kind(world, workers, salt=workers + 100 * generation)
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


@pytest.mark.parametrize("explore", ["perturb", "model"])
def test_the_same_population_through_kills(tmp_path: Path, explore: str) -> None:
    fields = populated(explore, members=6, turns=4)
    expected = played(tmp_path, 1, fields)
    assert len({row[3] for row in expected[-6:]}) < 6, "the weak copy the strong"
    assert played(tmp_path, 4, fields, kills=(5, 9)) == expected
    assert played(tmp_path, 2, fields, kills=(13,), dying=False) == expected


@pytest.mark.soak
@pytest.mark.parametrize("explore", ["perturb", "model"])
def test_long_populations_repeat_through_any_kills(tmp_path: Path, explore: str) -> None:
    dice = random.Random(explore)
    fields = populated(explore, members=16, turns=20)
    expected = played(tmp_path, 1, fields)
    for workers in (2, 4, 8):
        for dying in (False, True):
            kills = tuple(dice.randrange(1, 90) for _ in range(2 if dying else 5))
            assert played(tmp_path, workers, fields, kills, dying) == expected


def populated(explore: str, members: int, turns: int) -> dict[str, Any]:
    strategy = {"name": "population", "members": members, "epochs_per_turn": 2, "explore": explore}
    return {**POPULATION, "strategy": strategy, "budget": {"trials": members * turns}, "parallel": 4}


@pytest.mark.soak
@pytest.mark.parametrize("rule", ["none", "median", "successive_halving", "hyperband"])
@pytest.mark.parametrize("strategy", [*STRATEGIES, "sobol", "grid", "cmaes", IN_TIME], ids=str)
def test_long_searches_repeat_through_any_kills(tmp_path: Path, strategy: str, rule: str) -> None:
    dice = random.Random(f"{strategy} {rule}")
    fields = {**SHORT, "strategy": strategy, "stopping": rule, "budget": {"trials": 150}, "lag": 21}
    expected = played(tmp_path, 1, fields)
    for workers in (2, 4, 8):
        dying = dice.random() < 0.5  # a trial that is lost three times without an epoch is given up
        kills = tuple(dice.randrange(1, 30) for _ in range(2 if dying else 5))
        assert played(tmp_path, workers, fields, kills, dying) == expected


DIGITS: dict[str, Any] = {
    "trainer": "mlp",
    "settings": {"epochs": 9, "hidden_units": 16},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-1},
        "batch_size": {"type": "int", "scale": "log", "low": 16, "high": 512},
    },
    "strategy": {"name": "coarse_to_fine"},
    "stopping": {"name": "successive_halving"},
    "seed": 3,
}


@pytest.mark.soak
@pytest.mark.parametrize("trials", [16, 200])
def test_real_trainings_repeat_through_kills_of_the_server(
    make_server: Callable[..., Server], trials: int
) -> None:
    repeated(make_server, trials, {**DIGITS, "parallel": 4, "lag": 4})


@pytest.mark.soak
@pytest.mark.parametrize("explore", ["perturb", "model"])
def test_real_populations_repeat_through_kills_of_the_server(
    make_server: Callable[..., Server], explore: str
) -> None:
    strategy = {"name": "population", "members": 8, "epochs_per_turn": 3, "explore": explore}
    fields = {**DIGITS, "strategy": strategy, "settings": {"hidden_units": 16}, "parallel": 4, "lag": 3}
    del fields["stopping"]
    repeated(make_server, 64, fields)


def repeated(make_server: Callable[..., Server], trials: int, fields: dict[str, Any]) -> None:
    """Train a search with one worker, then with three through kills of the server; compare each trial."""
    server = make_server(workers=1)
    server.start()
    one = server.submit(trials, **fields)
    server.wait_finished(one, 60 + trials)
    server.stop()
    server = make_server(workers=3, folder=server.folder)
    server.start()
    other = server.submit(trials, **fields)
    for _ in range(2):
        now = server.search(other)["finished"]
        wait(lambda now=now: server.search(other)["finished"] >= now + 3, 60, "three more trials")  # type: ignore[misc]
        server.kill()
        server.start()
    server.wait_finished(other, 60 + trials)
    seen = ("number", "state", "params", "seed", "epoch", "value", "metrics", "from_epoch")
    outcomes = [[[trial[name] for name in seen] for trial in server.trials(s)] for s in (one, other)]
    assert outcomes[0] == outcomes[1]
