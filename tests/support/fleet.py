"""Servers, workers and a database of one installation, each of which is started again when it has ended."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from tests.support.balancer import balanced
from tests.support.postgres_process import Postgres, own_postgres
from tests.support.server_process import Server, launched
from tests.support.waiting import wait

TOPOLOGIES = {"SQLite": 1, "Postgres": 1, "two servers on one Postgres": 2}  # with the number of servers
LEASE = 4.0
ENVIRONMENT = {
    "CAVIAR_LEASE": str(LEASE),
    "CAVIAR_INTERVAL": "0.4",
    "CAVIAR_CHECKPOINT_SECONDS": "0.5",
    "CAVIAR_GRACE_SECONDS": "3",
}
AGAIN_SECONDS = 2.0  # between two starts of a process that ends by itself


class Worker:
    """`caviar worker` as a process."""

    def __init__(self, url: str, agents: int, folder: Path, environment: Mapping[str, str]) -> None:
        self._words = ["worker", "--url", url, "--workers", str(agents)]
        self._folder = folder
        self._environment = dict(environment)
        self.log = folder / "worker.log"
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        self.process = launched(self._words, self._folder, self.log, self._environment)


class Fleet:
    """What runs, and who keeps it running: a supervisor, as a machine has one for its services."""

    def __init__(
        self, topology: str, servers: list[Server], worker: Worker, postgres: Postgres | None
    ) -> None:
        self.topology = topology
        self.servers = servers
        self.worker = worker
        self.postgres = postgres
        self.database_away = False
        self._again: dict[int, float] = {}  # when a process that ended may be started again

    @property
    def parents(self) -> list[Server | Worker]:
        return [*self.servers, self.worker]

    def agents(self) -> dict[str, psutil.Process]:
        """The agents that live, by id."""
        found: dict[str, psutil.Process] = {}
        for parent in self.parents:
            found |= self.agents_of(parent)
        return found

    def agents_of(self, parent: Server | Worker) -> dict[str, psutil.Process]:
        return agents_under(_pid(parent))

    def keep(self) -> None:
        """Start again what has ended."""
        if self.database_away and self.postgres is not None:
            self.postgres.start()
            self.database_away = False
        for parent in self.parents:
            ended = parent.process is not None and parent.process.poll() is not None
            if ended and time.monotonic() >= self._again.get(id(parent), 0.0):
                parent.launch()
                self._again[id(parent)] = time.monotonic() + AGAIN_SECONDS

    def server(self) -> Server:
        """A server that is ready; waits for one, and keeps the others running meanwhile."""

        def ready() -> Server | None:
            self.keep()
            return next((one for one in self.servers if _ready(one)), None)

        found: Server = wait(ready, 300, lambda: "no server is ready:\n" + self.servers[0].tail())
        return found

    def close(self) -> None:
        for parent in self.parents:
            if parent.process is not None:
                children = list(self.agents_of(parent).values())
                for process in (*children, psutil.Process(_pid(parent))):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
                parent.process.wait()
        for server in self.servers:
            server.hang_up()


@contextlib.contextmanager
def running(folder: Path, topology: str, seed: int, inside: int = 2, outside: int = 2) -> Iterator[Fleet]:
    """A fleet for the length of a block, with so many agents under the servers and under `caviar worker`."""
    with contextlib.ExitStack() as ending:
        postgres = None if topology == "SQLite" else ending.enter_context(own_postgres())
        count = TOPOLOGIES[topology]
        servers = [
            Server(
                folder,
                workers=inside // count,
                database=postgres and postgres.url,
                environment=ENVIRONMENT,
            )
            for _ in range(count)
        ]
        for number, server in enumerate(servers):
            server.log = folder / f"server-{number}.log"
        url = servers[0].url
        if count > 1:  # so an agent's connections end now at this server, now at that one
            url = ending.enter_context(balanced([one.port for one in servers], seed))
        worker = Worker(url, outside, folder, servers[0].environment)
        fleet = Fleet(topology, servers, worker, postgres)
        ending.callback(fleet.close)
        for parent in fleet.parents[:-1]:
            parent.launch()
        fleet.server()
        worker.launch()
        fleet.server().wait_agents(inside + outside, 300)
        yield fleet


def agents_under(pid: int) -> dict[str, psutil.Process]:
    """The agents that a process has started and that live, by id."""
    found = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                words = child.cmdline()
                if "caviar.agents" in words:
                    found[words[words.index("--id") + 1]] = child
    return found


def _pid(parent: Server | Worker) -> int:
    assert parent.process is not None
    return parent.process.pid


def _ready(server: Server) -> bool:
    assert server.process is not None
    return server.process.poll() is None and server.ready()
