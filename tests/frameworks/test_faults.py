"""Every kind of fault in the middle of every framework's example: it goes on from its last state."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caviar import Client
from tests.frameworks.test_examples import EXAMPLES, missing
from tests.support.balancer import Balancer
from tests.support.commandline import ROOT
from tests.support.framework_examples import loaded
from tests.support.server_process import Server
from tests.support.waiting import wait

pytestmark = pytest.mark.soak

LEASE = 4.0
STEPS = 60
FAULTS = ("kill", "term", "ctrl_c", "stopped", "exception", "restart", "cut")
PATIENCE = 240.0  # seconds; eight trainings share the machine


class Training:
    """An example in a process, with one trial of a search of its own."""

    def __init__(self, name: str, url: str, folder: Path, client: Client) -> None:
        example = loaded(name)
        rules = {"name": "none"}
        sizes = {"settings": {"epochs": STEPS, "folds": STEPS}, "budget": {"trials": 1}, "stopping": rules}
        self.name, self.client, self.url = name, client, url
        self.search = client.submit({**example.SEARCH, **sizes}).id
        self.trial = f"{self.search}.0"
        self.notes, self.log = folder / f"{name}.notes", folder / f"{name}.log"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.saved = 0  # the last step whose state the server had when the fault came

    def begin(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
        environment = {**kept, "CAVIAR_URL": self.url, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        words = [self.name, str(self.search), str(self.notes)]
        with self.log.open("ab") as said:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.support.noted_example", *words],
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    env=environment,
                )
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self.processes[-1]

    def told(self) -> list[tuple[int, int]]:
        """Process and step of each report."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [(int(line.split()[0]), int(line.split()[1])) for line in lines]

    def in_the_middle(self) -> bool:
        assert self.process.poll() is None, self.tail()
        kept = self.client.checkpoints(self.trial) if len(self.told()) > 4 else []
        self.saved = max((one["epoch"] for one in kept), default=0)
        return self.saved > 1

    def ended(self) -> bool:
        return self.client.search(self.search).done

    def tail(self) -> str:
        return f"{self.name}:\n{self.log.read_text()[-2500:]}"

    def close(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    lease = {"CAVIAR_LEASE": str(LEASE), "CAVIAR_INTERVAL": "0.5"}
    server = Server(tmp_path, workers=0, environment=lease)
    server.start()
    yield server
    server.close()


def strike(fault: str, trainings: list[Training], server: Server, network: Balancer) -> None:
    """Let a fault befall all trainings."""
    signals = {
        "kill": signal.SIGKILL,
        "term": signal.SIGTERM,
        "ctrl_c": signal.SIGINT,
        "stopped": signal.SIGSTOP,
        "exception": signal.SIGUSR1,
    }
    for one in trainings:
        if fault in signals:
            one.process.send_signal(signals[fault])
    if fault == "stopped":
        time.sleep(2 * LEASE)
        for one in trainings:
            one.process.send_signal(signal.SIGCONT)
    elif fault == "restart":
        server.kill()
        time.sleep(1.0)
        server.start()
    elif fault == "cut":
        network.cut()
        time.sleep(2 * LEASE)
        network.mend()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_example_goes_on_from_its_last_state(fault: str, server: Server, tmp_path: Path) -> None:
    network = Balancer([server.port], seed=1)
    with Client(server.url) as client, contextlib.ExitStack() as open_until_the_end:
        open_until_the_end.callback(network.close)
        names = [name for name in EXAMPLES if not missing(name)]
        trainings = [Training(name, network.url, tmp_path, client) for name in names]
        for one in trainings:
            open_until_the_end.callback(one.close)
            one.begin()
            wait(one.in_the_middle, PATIENCE, one.tail)
            strike_one = fault not in ("restart", "cut", "stopped")
            if strike_one:
                strike(fault, [one], server, network)
                one.process.wait(PATIENCE)
        if not strike_one:
            strike(fault, trainings, server, network)
        for one in trainings:
            check(fault, one)


def check(fault: str, one: Training) -> None:
    """Let a training that has ended begin again; see that all of it came to a good end."""
    client = one.client
    if fault == "exception":
        found = client.trial(one.trial)
        assert found.state == "failed" and "ValueError: a mistake in the training" in str(found.reason), found
        assert one.process.returncode != 0
        return
    if one.process.poll() is not None and not one.ended():
        one.begin()
    wait(one.ended, PATIENCE, one.tail)
    assert one.process.wait(60) == 0, one.tail()
    found = client.trial(one.trial)
    assert found.state == "completed" and found.value is not None, (one.name, found)
    branches: list[dict[str, Any]] = client.curve(one.trial)["branches"]
    assert [branch["epoch"] for branch in branches] == [list(range(1, STEPS + 1))], one.name
    for number, process in enumerate(one.processes[1:], 1):
        first = next(step for pid, step in one.told() if pid == process.pid)
        assert first > one.saved, f"{one.name}: attempt {number} began at {first}, {one.saved} was kept"
    again = [step for _, step in one.told()]
    assert len(again) - STEPS <= 8, f"{one.name} trained too many steps twice: {again}"
