"""A Ray cluster of processes of this machine: a head without CPUs, and nodes; each can lose its power."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from tests.support.server_process import Server, free_port
from tests.support.waiting import wait

ADMIN = "admin-of-the-tests-" + "0" * 32
STORE = "80000000"  # bytes; the least that Ray takes


class Cluster:
    """The head, under `ray start`, and its nodes by name."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # short: it holds sockets
        self._environment = {**environment, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
        self._environment["RAY_raylet_start_wait_time_s"] = "150"
        self._parts: dict[str, subprocess.Popen[bytes]] = {}

    def start_head(self) -> None:
        self._start("head", "--head", "--port", str(self.port), "--temp-dir", str(self.folder))
        wait(lambda: _listens(self.port), 120, lambda: f"the head of Ray\n{self.said('head')}")

    def start_node(self, name: str, *words: str, cpus: int = 1, **environment: str) -> None:
        """Start a node and wait for it: two that start at the same moment may take each other's ports."""
        self._start(name, "--address", self.address, *words, cpus=cpus, **environment)
        wait(lambda: "runtime started" in self.said(name), 180, lambda: f"node {name}\n{self.said(name)}")

    def _start(self, name: str, *words: str, cpus: int = 0, **environment: str) -> None:
        options = [*words, "--num-cpus", str(cpus), "--node-ip-address", "127.0.0.1", "--block"]
        options += ["--object-store-memory", STORE, "--disable-usage-stats"]
        if "--head" in words:
            options += ["--include-dashboard", "false"]
        with (self.folder / f"{name}.said").open("wb") as said:
            self._parts[name] = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", *options],
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                env={**self._environment, **environment},
                start_new_session=True,
            )

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.said").read_text("utf-8", "replace")[-2000:]

    def processes(self, name: str) -> list[psutil.Process]:
        """All processes of a part, those of actors and agents among them."""
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(self._parts[name].pid)
            return [top, *top.children(recursive=True)]
        return []

    def actors(self, name: str) -> list[psutil.Process]:
        """The processes of a node in which actors are, each with an agent below it."""
        found = []
        for process in self.processes(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.cmdline()[:1] == ["ray::CaviarAgent"] or process.name().startswith("ray::Caviar"):
                    found.append(process)
        return found

    def kill(self, name: str) -> None:
        """Take a part's power away: all its processes at once."""
        for process in self.processes(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._parts.pop(name).wait()

    def close(self) -> None:
        for name in list(self._parts):
            self.kill(name)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def clustered(
    folder: Path, nodes: int = 2, most: int | None = None, **variables: str
) -> Iterator[tuple[Server, Cluster]]:
    """A server with at most so many agents on Ray, and a cluster whose nodes n0, n1 ... have one CPU each."""
    server = Server(folder, workers=most or nodes, environment={"CAVIAR_ADMIN_TOKEN": ADMIN, **variables})
    cluster = Cluster(server.environment)
    server.arguments = (*server.arguments, "--engine", "ray", "--ray-address", cluster.address)
    server.client.headers["Authorization"] = f"Bearer {ADMIN}"
    try:
        cluster.start_head()
        for number in range(nodes):
            cluster.start_node(f"n{number}")
        server.start()
        yield server, cluster
    finally:
        server.close()
        cluster.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
