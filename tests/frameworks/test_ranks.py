"""One trial for all ranks of a distributed training, on two processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caviar import Client
from tests.support.commandline import ROOT, serving
from tests.support.server_process import free_port
from tests.support.waiting import wait

pytest.importorskip("torch")
pytestmark = pytest.mark.soak  # each run imports PyTorch twice

SEARCH = {
    "trainer": "external",
    "settings": {"epochs": 6},
    "space": {"learning_rate": {"scale": "log", "low": 1e-2, "high": 1e-1}},
    "objective": {"metric": "loss", "direction": "minimize"},
    "budget": {"trials": 2},
    "seed": 1,
}
SCRIPT = """
import json, sys, time
import torch
import torch.distributed as dist
from caviar import Client
from caviar.frameworks.ranks import ask
from caviar.frameworks.torch import epochs

search, pause, notes = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
dist.init_process_group("gloo")
rank = dist.get_rank()
X = torch.rand(32, 3, generator=torch.Generator().manual_seed(rank))  # each rank has rows of its own
for trial in ask(Client(), search):
    torch.manual_seed(trial.seed)
    net = torch.nn.Linear(3, 1)
    model = torch.nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=trial.params["learning_rate"])
    for epoch in epochs(trial, net, optimizer, every=1):
        time.sleep(pause)
        optimizer.zero_grad()
        loss = model(X).square().mean()
        loss.backward()
        optimizer.step()
        mean = loss.detach() / dist.get_world_size()
        dist.all_reduce(mean)
        trial.report(epoch, loss=mean, rank=rank)
        with open(f"{notes}.{rank}", "a") as file:
            told = [trial.id, epoch, optimizer.param_groups[0]["lr"], float(net.weight.detach().sum())]
            file.write(json.dumps(told) + "\\n")
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = {"CAVIAR_INTERVAL": "0.2", "CAVIAR_LEASE": "4"}
    with serving(tmp_path_factory.mktemp("ranks"), workers=0, env=settings) as url:
        yield url


def ranks(folder: Path, server: str, search: int, pause: float = 0.0) -> list[subprocess.Popen[str]]:
    (folder / "train.py").write_text(SCRIPT)
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    common |= {"CAVIAR_URL": server, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "train.py", str(search), str(pause), str(folder / "notes")]
    return [
        subprocess.Popen(
            words,
            cwd=folder,
            env={**os.environ, **common, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in (0, 1)
    ]


def ended(processes: list[subprocess.Popen[str]]) -> list[int]:
    """Wait for their end; what they said is shown where a test fails."""
    for process in processes:
        print(process.communicate(timeout=240)[0])
    return [process.returncode for process in processes]


def notes(folder: Path) -> list[list[Any]]:
    """What the ranks noted, which must be the same."""
    found = [
        [json.loads(line) for line in (folder / f"notes.{rank}").read_text().splitlines()] for rank in (0, 1)
    ]
    assert found[0] == found[1], "the ranks trained different things"
    return found[0]


def test_all_ranks_train_the_same_trials_and_the_first_one_tells_of_them(server: str, tmp_path: Path) -> None:
    with Client(server) as client:
        search = client.submit(SEARCH)
        assert ended(ranks(tmp_path, server, search.id)) == [0, 0]
        assert client.search(search).counts["completed"] == 2
        for trial in client.trials(search):
            (branch,) = client.curve(trial)["branches"]
            assert branch["epoch"] == [1, 2, 3, 4, 5, 6] and set(branch["rank"]) == {0.0}
        assert [told[:2] for told in notes(tmp_path)] == [
            [f"{search.id}.{number}", epoch] for number in (0, 1) for epoch in range(1, 7)
        ]


def test_all_ranks_take_a_change_leave_for_a_pause_and_go_on_after_a_kill(
    server: str, tmp_path: Path
) -> None:
    with Client(server) as client:
        search = client.submit(SEARCH, budget={"trials": 1}, settings={"epochs": 30})
        name = f"{search.id}.0"
        processes = ranks(tmp_path, server, search.id, pause=0.3)
        wait(lambda: client.trial(name).epoch > 3 if client.search(search).counts["running"] else 0, 120, "3")
        client.command(name, "set", learning_rate=0.5)
        wait(lambda: notes_of_first(tmp_path)[-1][2] == 0.5, 60, "the change")
        client.command(name, "pause")
        wait(lambda: client.trial(name).state == "paused", 60, "the pause")
        at = client.trial(name).epoch
        client.command(name, "resume")
        wait(lambda: client.trial(name).epoch > at + 2, 60, "further epochs")
        for process in processes:
            process.send_signal(signal.SIGKILL)
        ended(processes)
        before = notes_of_first(tmp_path)[-1][1]
        assert ended(ranks(tmp_path, server, search.id)) == [0, 0]
        assert client.trial(name).state == "completed"
        (branch,) = client.curve(name)["branches"]
        assert branch["epoch"] == list(range(1, 31))
        told = [epoch for _, epoch, _, _ in notes_of_first(tmp_path)]
        assert len(told) <= 30 + 3 and told[told.index(before) + 1] > 1, "it went on, not from the beginning"


def notes_of_first(folder: Path) -> list[list[Any]]:
    return [json.loads(line) for line in (folder / "notes.0").read_text().splitlines()]
