"""A server and workers on hosts of their own: cut off for longer than a lease, half cut, slow, and back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.fleet import ENVIRONMENT, LEASE, Worker, agents_under
from tests.support.hosts import Network, network
from tests.support.kill_runs import COMMON, exactly_once, outcome, undisturbed
from tests.support.server_process import Server
from tests.support.waiting import wait

SERVER, DESK = 1, 4  # hosts; the workers are on 2 and 3, the test itself sits at the desk
RESULTS = {"parallel": 8, "lag": 9}
MLP = {
    "trainer": "mlp",
    "settings": {"epochs": 40, "hidden_units": 16},
    "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-1}},
}
SEARCHES: list[dict[str, Any]] = [
    {**MLP, **RESULTS, "trials": 24, "strategy": "coarse_to_fine"},
    {**COMMON, **RESULTS, "trials": 60, "strategy": "coarse_to_fine", "stopping": "successive_halving"},
    {**COMMON, **RESULTS, "trials": 40, "strategy": "tpe"},
    {**COMMON, "trials": 60, "strategy": "random", "parallel": 8},
]


class Installation:
    """The server on host 1 with all the searches, a worker of two agents on each of the hosts 2 and 3."""

    def __init__(self, folder: Path, hosts: Network) -> None:
        self.hosts = hosts
        tokens = {name: secrets.token_hex(32) for name in ("admin", "agent")}
        given = {f"CAVIAR_{name.upper()}_TOKEN": text for name, text in tokens.items()}
        address = hosts.address(SERVER)
        arguments = ("--host", address)
        self.server = Server(folder, workers=0, environment={**ENVIRONMENT, **given}, arguments=arguments)
        self.server.url = f"http://{address}:{self.server.port}"
        admin = {"Authorization": f"Bearer {tokens['admin']}"}
        self.server.client = httpx.Client(base_url=self.server.url, headers=admin, timeout=30)
        self.workers = {}
        for host in (2, 3):
            own = folder / f"host-{host}"
            own.mkdir()
            around = {name: v for name, v in self.server.environment.items() if name not in given}
            around |= {"CAVIAR_TOKEN": tokens["agent"], "CAVIAR_DATA": str(own)}
            self.workers[host] = Worker(self.server.url, 2, own, around)
        self.searches: list[int] = []

    def start(self) -> None:
        with self.hosts.on(SERVER):
            self.server.launch()
        self.server.wait_ready()
        for host, worker in self.workers.items():
            with self.hosts.on(host):
                worker.launch()
        self.server.wait_agents(4, 300)
        self.searches = [self.server.submit(**search) for search in SEARCHES]

    def agents(self, host: int) -> set[str]:
        process = self.workers[host].process
        assert process is not None and process.poll() is None, self.workers[host].log.read_text()[-3000:]
        return set(agents_under(process.pid))

    def ended(self) -> int:
        """Return how many trials have ended."""
        return sum(self.server.search(number)["finished"] for number in self.searches)

    def running(self, host: int) -> list[str]:
        """Trials that the server takes to be with the host's agents."""
        mine = self.agents(host)
        found = [trial for number in self.searches for trial in self.server.trials(number)]
        return [one["id"] for one in found if one["state"] == "running" and one["agent"] in mine]

    def await_training(self, host: int) -> list[str]:
        found: list[str] = wait(lambda: self.running(host), 120, lambda: f"work on host {host}")
        return found

    def await_reclaimed(self, host: int, held: list[str]) -> None:
        """Wait until no trial is with a host that is cut off; one may have ended just before that."""

        def theirs() -> list[Any]:
            now = [self.server.get(f"/trials/{one}") for one in held]
            return [one for one in now if one["state"] == "running" and one["agent"] in silent]

        silent = self.agents(host)
        wait(lambda: not theirs(), 60, lambda: f"the end of leases: {theirs()}\n{self.server.tail()}")

    def await_ends(self, more: int) -> None:
        """Wait until so many more trials have ended."""
        before = self.ended()
        wait(lambda: self.ended() >= before + more, 120, f"{more} more trials")

    def close(self) -> None:
        for worker in self.workers.values():
            if worker.process is not None and worker.process.poll() is None:
                for agent in agents_under(worker.process.pid).values():
                    agent.kill()
                worker.process.kill()
                worker.process.wait()
        self.server.close()


@contextmanager
def installed(folder: Path) -> Iterator[Installation]:
    with network(4) as hosts, hosts.on(DESK):
        made = Installation(folder, hosts)
        try:
            made.start()
            yield made
        finally:
            made.close()


def cut_for_longer_than_a_lease(made: Installation, host: int, how: Callable[[int], None]) -> None:
    """Disturb a host while it trains until its trials are elsewhere, and let it come back and train."""
    held = made.await_training(host)
    how(host)
    made.await_reclaimed(host, held)
    made.await_ends(4)  # on the other host
    made.hosts.mend(host)
    made.await_training(host)


@pytest.mark.soak
def test_hosts_that_are_cut_off_slow_and_back_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "hosts").mkdir()
    (tmp_path / "twin").mkdir()
    with installed(tmp_path / "hosts") as made:
        hosts = made.hosts
        cut_for_longer_than_a_lease(made, 3, hosts.cut)
        cut_for_longer_than_a_lease(made, 2, hosts.lose_answers)
        made.await_training(3)
        hosts.slow(3)
        made.await_ends(8)
        hosts.mend(3)
        for host in (2, 3):
            made.await_training(host)
            hosts.cut(host)
        time.sleep(2 * LEASE)  # nobody is there to ask the server for work meanwhile
        for host in (2, 3):
            hosts.mend(host)
        made.await_ends(4)
        made.await_training(2)
        hosts.cut(SERVER)
        time.sleep(2 * LEASE)
        hosts.mend(SERVER)
        unfinished = [made.server.search(number)["state"] for number in made.searches]
        assert "running" in unfinished, "the searches were too short to be disturbed"
        for number in made.searches:
            made.server.wait_finished(number, 600)
        found = [outcome(made.server, number) for number in made.searches]
        exactly_once(made.server, made.searches, SEARCHES)
        attempts = [one["attempt"] for number in made.searches for one in made.server.trials(number)]
        assert max(attempts) > 1, "nobody lost a trial"
        print(f"{len(attempts)} trials in {sum(attempts)} attempts")
    expected = undisturbed(tmp_path / "twin", SEARCHES)
    for trials, twins in zip(found, expected, strict=True):
        for one, other in zip(trials, twins, strict=True):
            assert one == other
