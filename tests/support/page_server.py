"""A server of its own for the browser tests, and the search they look at."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.balancer import Balancer
from tests.support.two_servers import DATABASES, SEED, TWO_SERVERS
from tests.support.waiting import wait

PATIENCE = 240_000  # milliseconds: the first trial on a new machine compiles the kernels
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

SEARCH: dict[str, Any] = {
    "name": "digits",
    "dataset": {"name": "digits"},
    "settings": {"epochs": 3, "hidden_layers": 1, "hidden_units": 16},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
        "beta1": {"scale": "one_minus_log", "low": 0.9, "high": 0.999},
        "batch_size": {"choices": [64, 128]},
    },
    "strategy": {"name": "random"},
    "budget": {"trials": 12},
    "parallel": 2,
    "seed": 7,
}


class Server:
    """`caviar serve` on a data folder, which can be killed and started again at the same port.

    Where the tests run with two servers these are two, and each request goes to either.
    """

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.folder, self.workers, self.processes = folder, workers, []
        self._ports = [0, 0] if TWO_SERVERS else [0]
        self._balancer: Balancer | None = None

    def start(self, **more: str) -> None:
        """Start it, with more in its environment."""
        database = ("--database", DATABASES.of(self.folder)) if TWO_SERVERS else ()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
        for place, port in enumerate(self._ports):
            command = [sys.executable, "-m", "caviar", "serve", "--port", str(port)]
            command += ["--workers", str(0 if place else self.workers), *database]
            process = subprocess.Popen(
                [*command, "--data", str(self.folder)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment | more,
                text=True,
            )
            self.processes.append(process)
            self._ports[place] = _told_port(process)
        if TWO_SERVERS and self._balancer is None:
            self._balancer = Balancer(self._ports, SEED, each_request=True)

    @property
    def url(self) -> str:
        return self._balancer.url if self._balancer else f"http://127.0.0.1:{self._ports[0]}"

    def stop(self, how: int = signal.SIGTERM) -> None:
        for process in self.processes:
            process.send_signal(how)
        for process in self.processes:
            process.wait(40)
            process.stdout.close()
        self.processes.clear()

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        if self._balancer is not None:
            self._balancer.close()

    def call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def _told_port(process: subprocess.Popen[str]) -> int:
    """Return the port at which a server says that it is ready."""
    for line in process.stdout:
        if found := re.search(r"ready: http://\S+?:(\d+)", line):
            return int(found[1])
    raise RuntimeError("the server ended before it was ready")


def wait_for_end(server: Server, search: int) -> dict[str, Any]:
    """Wait until a search has ended."""

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = server.call(f"/searches/{search}")
        return found if found["state"] == "completed" else None

    done: dict[str, Any] = wait(ended, PATIENCE / 1000, lambda: f"the end of search {search}")
    return done
