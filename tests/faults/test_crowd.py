"""Many agents, an open event stream and a dashboard reading, on SQLite: not one lock error, nothing lost."""

import threading
import time
from collections.abc import Callable

import httpx
import pytest

from tests.support.scripted_agent import Player
from tests.support.server_process import Server

READS = (
    "",
    "/trials?sort=-value&limit=100",
    "/best?k=10",
    "/history",
    "/trials?filter=params.x<0.5&limit=50",
)


class Crowd:
    """So many played agents at work on one search, while others look at it."""

    def __init__(self, server: Server, search: int, trials: int, agents: int) -> None:
        self.server = server
        self.search = search
        self.trials = trials
        self.faults: list[str] = []
        self.events = self.reads = 0
        self.over = threading.Event()
        self._players = [Player(server) for _ in range(agents)]

    def run(self) -> float:
        """Work until the search ends; gives the seconds it took."""
        began = time.monotonic()
        workers = [threading.Thread(target=self._guarded, args=(self._work, p)) for p in self._players]
        watchers = [
            threading.Thread(target=self._guarded, args=(watch, None)) for watch in (self._look, self._follow)
        ]
        for thread in workers + watchers:
            thread.start()
        for thread in workers:
            thread.join()
        self.over.set()
        for thread in watchers:
            thread.join(30)
        return time.monotonic() - began

    def _guarded(self, work: Callable[..., None], player: Player | None) -> None:
        try:
            work(player) if player is not None else work()
        except Exception as error:
            self.faults.append(repr(error))

    def _work(self, player: Player) -> None:
        idle = 0
        while idle < 3:
            reports = [player.result(key) for key in player.held]
            player.held.clear()
            came = player.exchange(want=8, reports=reports)["trials"]
            idle = 0 if came else idle + 1
            time.sleep(0.005 if came else 0.3)

    def _look(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self.over.is_set():
                for path in READS:
                    answer = client.get(f"{self.server.url}/api/v1/searches/{self.search}{path}")
                    assert answer.status_code == 200, answer.text
                    self.reads += 1
                time.sleep(0.1)

    def _follow(self) -> None:
        url = f"{self.server.url}/api/v1/searches/{self.search}/events"
        with httpx.stream("GET", url, timeout=30) as response:
            for line in response.iter_lines():
                self.events += line.startswith("data:")
                if self.over.is_set() or f'"finished":{self.trials},' in line:
                    return  # else it would wait for the next sign of life


def crowded(server: Server, trials: int, agents: int = 32) -> str:
    server.start()
    search = server.submit(trials, parallel=256, strategy={"name": "random"})
    crowd = Crowd(server, search, trials, agents)
    seconds = crowd.run()
    assert crowd.faults == []
    server.wait_finished(search, 60)
    server.check(search, trials)
    log = server.log.read_text()
    assert "locked" not in log and "rolled back" not in log and "Traceback" not in log, server.tail()
    assert crowd.events > 0 and crowd.reads > 0
    rate = trials / seconds
    return f"{trials} trials, {agents} agents: {rate:.0f} a second, {crowd.reads} pages read, 0 lock errors"


def test_a_crowd_finds_no_lock(make_server: Callable[..., Server]) -> None:
    crowded(make_server(workers=0), trials=300, agents=16)


@pytest.mark.soak
def test_twenty_thousand_trials_of_a_crowd_find_no_lock(make_server: Callable[..., Server]) -> None:
    print(crowded(make_server(workers=0), trials=20_000))
