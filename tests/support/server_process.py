"""A server in a process of its own, to be killed, stopped, stalled and started again.

Everything goes through the command line and REST, as a user's would; the database is read only to check what
must hold after the dust has settled.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import create_engine, text

from tests.support.balancer import Balancer
from tests.support.two_servers import DATABASES, SEED, TWO_SERVERS
from tests.support.waiting import wait

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "faults" / "plugins"
START_SECONDS = 180.0
ENDED = ("completed", "stopped", "diverged", "failed", "cancelled")
SPACE = {"x": {"scale": "linear", "low": 0.0, "high": 1.0}}


def free_port() -> int:
    """Return a port to listen on later, below those that a system gives to whoever connects meanwhile."""
    while True:
        port = secrets.choice(range(15_000, 32_000))
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def launched(
    words: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Begin a command of `caviar` in a folder; what it says goes to the end of the log."""
    with log.open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "caviar", *words],
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            env=dict(environment),
            cwd=folder,
        )


class Server:
    """A server with its data folder and port; `start` and `kill` as often as one likes.

    With a neighbour it is one of two on one database and folder: requests go to either, signals to this one.
    """

    def __init__(
        self,
        folder: Path,
        workers: int = 2,
        database: str | None = None,
        environment: Mapping[str, str] | None = None,
        arguments: tuple[str, ...] = (),
        neighbour: bool = False,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.own_url = self.url = f"http://127.0.0.1:{self.port}"
        self.database = database or f"sqlite:///{folder / 'data' / 'caviar.db'}"
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.arguments = ("--workers", str(workers), *arguments)
        self._environment = dict(environment or {})
        self._neighbour = self._balancer = None
        if neighbour:
            self._neighbour = Server(folder, 0, self.database, environment, arguments)
            self._balancer = Balancer([self.port, self._neighbour.port], SEED, each_request=True)
            self.url = self._balancer.url
        self.client = httpx.Client(base_url=self.url, timeout=30.0)
        self._own = httpx.Client(base_url=self.own_url) if neighbour else None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
        return {**kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{PLUGINS}", **self._environment}

    def launch(self) -> None:
        """Start the process without waiting for it."""
        words = ["serve", "--port", str(self.port), *self.arguments]
        words += ["--data", str(self.folder / "data"), "--database", self.database]
        self.process = launched(words, self.folder, self.log, self.environment)
        if self._neighbour is not None and self._neighbour.process is None:
            self._neighbour.log = self.log
            self._neighbour.launch()

    def launch_worker(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begin `caviar worker` beside it."""
        return launched(["worker", "--url", self.url, *arguments], self.folder, self.log, self.environment)

    def start(self) -> None:
        self.launch()
        self.wait_ready()

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        wait(self.ready, seconds, lambda: f"readiness; the log says\n{self.tail()}")
        if self._neighbour is not None:
            self._neighbour.wait_ready(seconds)

    def ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.tail()}")
        with contextlib.suppress(httpx.TransportError):
            return (self._own or self.client).get("/readyz", timeout=5).status_code == 200
        return False

    def any_ready(self) -> bool:
        """Return whether it or its neighbour is ready."""
        return self.ready() or (self._neighbour is not None and self._neighbour.ready())

    def kill(self) -> None:
        """SIGKILL, as a machine that loses power."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @property
    def processes(self) -> int:
        """How many servers there are."""
        return 1 if self._neighbour is None else 2

    def kill_all(self) -> None:
        """SIGKILL both servers, where there are two; `start` starts both again."""
        self.kill()
        if self._neighbour is not None:
            self._neighbour.kill()
            self._neighbour.process = None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, seconds: float = 40.0) -> float:
        """SIGTERM; gives how long it took to end."""
        assert self.process is not None
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(seconds)
        return time.monotonic() - began

    def hang_up(self) -> None:
        """Close the connections to it."""
        self.client.close()
        if self._own is not None:
            self._own.close()

    def close(self) -> None:
        """End it whatever state it is in, with all that it started."""
        self.hang_up()
        if self._neighbour is not None and self._balancer is not None:
            self._neighbour.close()
            self._balancer.close()
        if self.process is not None and self.process.poll() is None:
            children = psutil.Process(self.process.pid).children(recursive=True)
            self.signal(signal.SIGCONT)
            self.kill()
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()

    def agents(self) -> list[psutil.Process]:
        """The local agents' processes."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "caviar.agents" in child.cmdline():
                    found.append(child)
        return found

    def agents_of_ray(self) -> list[psutil.Process]:
        """Processes of agents that some cluster started for this server."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                if "caviar.agents" in words and self.url in words:
                    found.append(process)
        return found

    def wait_agents(self, count: int, seconds: float = 120.0) -> list[psutil.Process]:
        """Wait until so many agents work; the first start after a change compiles kernels."""

        def alive() -> list[str]:
            return [agent["id"] for agent in self.get("/agents")["items"] if agent["state"] == "alive"]

        wait(lambda: len(alive()) >= count, seconds, lambda: f"{count} agents\n{self.tail()}")
        return self.agents()

    def tail(self, lines: int = 40) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    # REST ------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, patience: float = 30.0, **arguments: Any) -> httpx.Response:
        """Call the API; while the server is away or not ready, again."""
        deadline = time.monotonic() + patience
        while True:
            with contextlib.suppress(httpx.TransportError):
                response = self.client.request(method, f"/api/v1{path}", **arguments)
                if response.status_code != 503:
                    return response
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path} got no answer:\n{self.tail()}")
            time.sleep(0.05)

    def get(self, path: str, **arguments: Any) -> Any:
        response = self.call("GET", path, **arguments)
        assert response.status_code == 200, response.text
        return response.json()

    def submit(self, trials: int = 20, **fields: Any) -> int:
        """Submit a search of the counting trainer; gives its id."""
        spec = {
            "name": "faults",
            "dataset": {"name": "digits"},
            "trainer": "counting",
            "settings": {"epochs": 3},
            "space": SPACE,
            "strategy": {"name": "random"},
            "objective": {"metric": "dev_error", "direction": "minimize"},
            "parallel": 4,
            "budget": {"trials": trials},
            "seed": 7,
            **fields,
        }
        key = {"Idempotency-Key": os.urandom(8).hex()}
        response = self.call("POST", "/searches", json=spec, headers=key)
        assert response.status_code in (200, 201), response.text
        return int(response.json()["id"])

    def trial(self, search: int, number: int = 0) -> Any:
        """A trial, or an empty one while it has not been proposed."""
        response = self.call("GET", f"/trials/{search}.{number}")
        return response.json() if response.status_code == 200 else {"state": None, "epoch": 0, "attempt": 0}

    def search(self, number: int) -> Any:
        return self.get(f"/searches/{number}")

    def finished(self, number: int) -> bool:
        return bool(self.search(number)["state"] == "completed")

    def wait_finished(self, number: int, seconds: float) -> None:
        def late() -> str:
            return f"the end of search {number}: {self.search(number)['counts']}\n{self.tail()}"

        wait(lambda: self.finished(number), seconds, late)

    def trials(self, number: int) -> list[Any]:
        """All trials of a search."""
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(f"/searches/{number}/trials", params={"limit": 1000, "sort": "number", **cursor})
            found += page["items"]
            if not page["next"]:
                return found
            cursor = {"cursor": page["next"]}

    # What must hold --------------------------------------------------------------------------------

    def rows(self, query: str, **values: Any) -> list[Mapping[str, Any]]:
        """Read the database as it is, beside the server."""
        engine = create_engine(self.database)
        try:
            with engine.connect() as connection:
                return [dict(row) for row in connection.execute(text(query), values).mappings()]
        finally:
            engine.dispose()

    def expire(self, *agents: str) -> None:
        """Let the leases of agents run out, as if they had been silent for so long; also without a server."""
        engine = create_engine(self.database)
        try:
            with engine.begin() as connection:
                for agent in agents:
                    connection.execute(
                        text("UPDATE agents SET lease_until = 0 WHERE id = :id"), {"id": agent}
                    )
        finally:
            engine.dispose()

    def check(self, number: int, trials: int) -> None:
        """Check I1, I2, I7 and I11 on a search that has ended: nothing lost or twice, each result exact."""
        found = self.trials(number)
        assert [trial["number"] for trial in found] == list(range(trials))
        counts = self.search(number)["counts"]
        assert sum(counts.values()) == trials
        for state, count in counts.items():
            assert count == sum(trial["state"] == state for trial in found)
        for trial in found:
            assert trial["state"] == "completed", trial
            assert abs(trial["value"] - expected(trial)) < 1e-9, trial
        curves = self.rows(
            "SELECT number, branch, first, rows FROM curves WHERE search_id = :s"
            " ORDER BY number, branch, first",
            s=number,
        )
        ends: dict[tuple[int, int], int] = {}
        for row in curves:
            key = (row["number"], row["branch"])
            assert row["first"] == ends.get(key, 1), f"a gap or a double in the curve of {key}"
            ends[key] = row["first"] + row["rows"]
        for trial in found:
            assert ends[trial["number"], trial["branch"]] == trial["epoch"] + 1, trial


def expected(trial: Mapping[str, Any]) -> float:
    """What the counting trainer must have found for a trial that ran to its end."""
    x = float(trial["params"]["x"])
    return (x - 0.3) ** 2 + 1.0 / (1 + int(trial["epoch"]))


def in_two(folder: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a server's arguments with a neighbour, where the tests run with two servers."""
    if not TWO_SERVERS:
        return dict(arguments)
    database = arguments.get("database") or DATABASES.of(folder)
    return {**arguments, "database": database, "neighbour": database.startswith("postgres")}


@contextlib.contextmanager
def serving(folder: Path, **arguments: Any) -> Iterator[Server]:
    """A server for the length of a test, or two of them on one Postgres."""
    server = Server(folder, **in_two(folder, arguments))
    try:
        server.start()
        yield server
    finally:
        server.close()


def trained(log: Path) -> list[tuple[int, int, int, float]]:
    """What the counting trainer noted: process, seed of the trial, epoch, time."""
    if not log.exists():
        return []
    rows = [line.split() for line in log.read_text().splitlines()]
    return [(int(row[0]), int(row[1]), int(row[2]), float(row[3])) for row in rows if len(row) == 4]


def pretty(value: Any) -> str:
    return json.dumps(value, indent=1, default=str)
