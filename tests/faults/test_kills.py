"""Everything is killed at random while searches run: no innocent trial fails, all are as undisturbed."""

import os
from pathlib import Path

import pytest

from tests.support.fleet import TOPOLOGIES, running
from tests.support.kill_runs import COMMON, kill_and_compare, killed, summary, table
from tests.support.killing import Killer

SLICES = int(os.environ.get("CAVIAR_SOAK_SLICES", "4"))  # of 25 kills on each topology
KILLS = 25


@pytest.mark.postgres
def test_searches_come_through_kills_of_agents_servers_and_database(tmp_path: Path) -> None:
    points = [{"x": 0.5}, {"x": 11.0}, {"x": 2.5}]  # the second one crashes its agents
    search = {
        **COMMON,
        "trials": 16,
        "strategy": "coarse_to_fine",
        "stopping": "successive_halving",
        "settings": {"epochs": 6, "epoch_seconds": 0.1},
        "parallel": 4,
        "lag": 5,
        "enqueued": points,
    }
    with running(tmp_path, "two servers on one Postgres", seed=3, inside=0) as fleet:
        killer = Killer(fleet, seed=3)

        def kill() -> None:
            for kind in ("an agent of `caviar worker`", "a server", "the database"):
                killer.wait_for_work(1)
                killer.kill(kind)

        run = killed(tmp_path, fleet, killer, [search], kill)
    assert run.poison == 1 and all(kill.unfinished for kill in run.kills)


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_three_hundred_kills_of_everything_change_nothing(tmp_path: Path, topology: str, part: int) -> None:
    run = kill_and_compare(tmp_path, topology, KILLS, 10 + part)
    print(summary([run]), table([run]), sep="\n\n")
    assert run.poison == 7
    assert sum(kill.unfinished for kill in run.kills) >= KILLS * 2 / 3
