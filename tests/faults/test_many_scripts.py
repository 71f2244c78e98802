"""Scripts in numbers: 20,000 trials of 1 ms through `ask`, and 100 processes on one server."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from caviar import Client
from tests.support.commandline import ROOT
from tests.support.server_process import Server, serving
from tests.support.waiting import wait

pytestmark = pytest.mark.soak

TRIALS = int(os.environ.get("CAVIAR_SOAK_TRIALS", "20000"))
PROCESSES = int(os.environ.get("CAVIAR_SOAK_PROCESSES", "100"))
SEARCH = {
    "trainer": "external",
    "settings": {"epochs": 3},
    "space": {"x": {"scale": "linear", "low": 0.0, "high": 1.0}},
    "strategy": "random",
    "objective": {"metric": "loss", "direction": "minimize"},
    "seed": 1,
}
# Trains for 1 ms a trial; tells every thousand trials how much memory it has, and how long a report took.
QUICK = """
import json, sys, time
import psutil
from caviar import Client
own, took, memory = psutil.Process(), [], []
for trial in Client().ask(int(sys.argv[1])):
    end = time.perf_counter() + 1e-3
    x = trial.params["x"]
    while time.perf_counter() < end:
        pass
    began = time.perf_counter()
    trial.report(loss=(x - 0.3) ** 2)
    took.append(time.perf_counter() - began)
    if trial.number % 1000 == 999:
        memory.append(own.memory_info().rss)
print(json.dumps({"took": took, "memory": memory}))
"""
SLOW = """
import sys, time
from caviar import Client
for trial in Client().ask(int(sys.argv[1])):
    for step in range(trial.epoch + 1, 11):
        time.sleep(0.2)
        trial.report(step, loss=trial.params["x"] / step)
        trial.checkpoint(b"x" * 1000)
        if trial.should_stop:
            break
"""


def script(server: Server, body: str, search: int) -> subprocess.Popen[str]:
    environment = {**server.environment, "CAVIAR_URL": server.url, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", body, str(search)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment, cwd=server.folder)


def tell(**figures: Any) -> None:
    print("\n" + "  ".join(f"{name} {value}" for name, value in figures.items()))


def test_memory_stays_level_over_twenty_thousand_trials_and_a_report_costs_little(tmp_path: Path) -> None:
    with serving(tmp_path, workers=0) as server, Client(server.url) as client:
        assert server.process is not None
        process = psutil.Process(server.process.pid)
        search = client.submit(SEARCH, budget={"trials": TRIALS})
        began = time.monotonic()
        training = script(server, QUICK, search.id)
        of_server: list[int] = []
        while training.poll() is None and client.search(search).finished < TRIALS:
            of_server.append(process.memory_info().rss)
            time.sleep(2.0)
        out, _ = training.communicate(timeout=120)
        seconds = time.monotonic() - began
        assert client.search(search).counts == {**client.search(search).counts, "completed": TRIALS}
        told = json.loads(out)
        memory, median = told["memory"], statistics.median(told["took"])
        tell(seconds=round(seconds, 1), per_second=round(TRIALS / seconds), report=f"{median * 1e6:.0f} us")
        tell(script=[one >> 20 for one in memory[::4]], server=[one >> 20 for one in of_server[::10]])
        assert median <= 200e-6
        early, late = memory[len(memory) // 4], memory[-1]
        assert late - early < 0.1 * early, "the script's memory grows"
        quarter = len(of_server) // 4
        assert of_server[-1] - of_server[quarter] < 0.25 * of_server[quarter], "the server's memory grows"


def test_a_hundred_processes_share_a_search(tmp_path: Path) -> None:
    """Each of them trains, none is lost, and every trial is trained once."""
    trials = 3 * PROCESSES
    with serving(tmp_path, workers=0) as server, Client(server.url) as client:
        search = client.submit(SEARCH, budget={"trials": trials}, parallel=PROCESSES)
        began = time.monotonic()
        processes = [script(server, SLOW, search.id) for _ in range(PROCESSES)]
        try:
            wait(lambda: client.search(search).done, 900, lambda: str(client.search(search).counts))
            seconds = time.monotonic() - began
            assert [process.wait(60) for process in processes] == [0] * PROCESSES
        finally:
            for process in processes:
                process.kill()
                process.communicate()
        found = list(client.trials(search))
        agents = {one.agent for one in found}
        tell(seconds=round(seconds, 1), agents=len(agents), lost=sum(one.attempt > 1 for one in found))
        assert {one.state for one in found} == {"completed"} and {one.attempt for one in found} == {1}
        for one in found:
            assert client.curve(one)["branches"][0]["epoch"] == list(range(1, 11))
