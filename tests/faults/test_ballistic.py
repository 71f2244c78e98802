"""The server is killed at random moments till its searches end: nothing lost, nothing twice (I1, I2, I11)."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.support.server_process import Server

PER_KILL = 50  # trials: enough for the search to outlast the kills
KILLS = int(os.environ.get("CAVIAR_SOAK_KILLS", "500"))


def ballistic(server: Server, kills: int, seed: int) -> float:
    """Kill `kills` times, submit on the way, then let everything end; gives kills per minute."""
    moments = random.Random(seed)
    server.start()
    trials = PER_KILL * kills
    searches = {server.submit(trials, settings={"epochs": 3, "epoch_seconds": 0.01}): trials}
    outside = subprocess.Popen(  # an agent that outlives every server
        [sys.executable, "-m", "caviar.agents", "--url", server.url],
        env=server.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        cwd=server.folder,
    )
    began = time.monotonic()
    try:
        for kill in range(kills):
            time.sleep(moments.uniform(0.2, 3.0))
            server.kill()
            if kill % 5 == 4:  # what was acknowledged just before the next kill must be there as well
                server.start()
                searches[server.submit(10, settings={"epochs": 2, "epoch_seconds": 0.01})] = 10
                if kill % 50 == 49:
                    assert all(server.search(number)["id"] == number for number in searches)
            else:
                server.launch()
        rate = kills / (time.monotonic() - began) * 60
        server.wait_ready()
        for number in searches:
            server.wait_finished(number, 120 + trials / 20)
    finally:
        outside.kill()
        outside.wait()
    for number, count in searches.items():
        server.check(number, count)
    assert "Traceback" not in server.log.read_text()
    return rate


@pytest.mark.soak  # tests/faults/test_kills.py kills in a shorter time
def test_five_kills_lose_nothing(make_server: Callable[..., Server]) -> None:
    ballistic(make_server(workers=1), kills=5, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(5))
def test_five_hundred_kills_lose_nothing(make_server: Callable[..., Server], part: int) -> None:
    rate = ballistic(make_server(workers=1), kills=KILLS // 5, seed=2 + part)
    print(f"{KILLS // 5} kills, {rate:.0f} a minute: 0 lost, 0 double")
