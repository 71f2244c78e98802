"""SIGTERM: what was acknowledged stays, streams end, everything is gone within 30 seconds (I12)."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.scripted_agent import Player
from tests.support.server_process import Server, trained
from tests.support.waiting import wait


def test_a_busy_server_ends_in_time_and_goes_on_where_it_was(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    log = tmp_path / "trained"
    server = make_server(workers=2, environment={"COUNTING_LOG": str(log)})
    server.start()
    server.wait_agents(2)
    held = server.submit(50, parallel=50, trainer="external", settings={"epochs": 3})
    players = [Player(server, searches=[held]) for _ in range(10)]
    for player in players:
        player.take(5)
    own = server.submit(2, parallel=2, settings={"epochs": 20, "epoch_seconds": 0.3})
    wait(lambda: len({row[0] for row in trained(log)}) == 2, 30, "both agents at work")
    streams = [Stream(server, f"/searches/{number}/events") for number in (held, own) for _ in range(5)]
    wait(lambda: all(stream.lines for stream in streams), 20, "open streams")
    assert server.search(held)["counts"]["running"] == 50
    agents = server.agents()
    seconds = server.stop()
    assert seconds < 30, seconds
    assert server.process is not None and server.process.returncode == 0, server.tail()
    assert not any(agent.is_running() and agent.status() != psutil.STATUS_ZOMBIE for agent in agents)
    for stream in streams:
        stream.join(5)
        assert not stream.is_alive()
    seen = server.rows("SELECT pid, state FROM agents WHERE engine = 'local'")
    assert {row["state"] for row in seen} == {"left"}, seen
    before = len(trained(log))
    server.start()
    for player in players:  # the same attempts, as if nothing had been
        assert player.exchange()["drop"] == []
        player.finish()
    for search, count in ((held, 50), (own, 2)):
        server.wait_finished(search, 60)
        server.check(search, count)
    assert all(trial["attempt"] == 1 for trial in server.trials(held))
    redone = len(trained(log)) - 40
    assert redone <= 2, f"{redone} epochs were trained twice although every agent could hand in a checkpoint"
    assert before < 40


@pytest.mark.soak
def test_a_trainer_that_does_not_come_back_does_not_hold_up_the_end(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    log = tmp_path / "trained"
    server = make_server(workers=1, environment={"COUNTING_LOG": str(log), "CAVIAR_DRAIN_SECONDS": "3"})
    server.start()
    search = server.submit(1, trainer="endless", parallel=1)
    wait(lambda: trained(log), 60, "the training")
    (agent,) = server.agents()
    seconds = server.stop()
    assert seconds < 15, seconds
    assert server.process is not None and server.process.returncode == 0, server.tail()
    assert not agent.is_running()
    server.start()
    wait(lambda: server.trial(search)["attempt"] == 2, 60, "the next attempt")


@pytest.mark.soak
def test_a_second_signal_does_not_wait(make_server: Callable[..., Server], tmp_path: Path) -> None:
    log = tmp_path / "trained"
    server = make_server(workers=1, environment={"COUNTING_LOG": str(log)})
    server.start()
    server.wait_agents(1)
    search = server.submit(1, parallel=1, trainer="stubborn", settings={"epochs": 2, "epoch_seconds": 8.0})
    wait(lambda: trained(log), 30, "training")
    began = time.monotonic()
    assert server.process is not None
    server.process.terminate()
    wait(lambda: not server.ready(), 5, "the drain")
    server.process.terminate()
    server.process.wait(20)
    assert time.monotonic() - began < 6
    server.start()
    server.wait_finished(search, 60)
    server.check(search, 1)


class Stream(threading.Thread):
    """Reads an event stream until it ends."""

    def __init__(self, server: Server, path: str) -> None:
        super().__init__(daemon=True)
        self.lines: list[str] = []
        self._url = f"{server.own_url}/api/v1{path}"  # a neighbour does not end its streams
        self.start()

    def run(self) -> None:
        try:
            with httpx.stream("GET", self._url, timeout=60) as response:
                for line in response.iter_lines():
                    self.lines.append(line)
        except httpx.TransportError:
            return
