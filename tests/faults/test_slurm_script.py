"""The Slurm script as a process, in the environment that Slurm gives a task; its scontrol only notes."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.server_process import ROOT, Server
from tests.support.waiting import wait

SCRIPT = ROOT / "examples" / "deploy" / "slurm" / "workers.sbatch"


class Cluster:
    """Slurm as the script sees it: commands on the path, variables, a file for what scontrol was asked."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self._command("caviar", f'exec {sys.executable} -m caviar "$@"')
        self._command("scontrol", f'echo "$@" >> {folder}/asked')

    def _command(self, name: str, line: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{line}\n")
        path.chmod(0o755)

    def start(self, job: int, **variables: str) -> subprocess.Popen[bytes]:
        """Begin one task with an hour to go."""
        task = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{self.environment['PATH']}",
            "SLURM_JOB_ID": str(job),
            "SLURM_CPUS_PER_TASK": "1",
            "SLURM_JOB_END_TIME": str(int(time.time()) + 3600),
        }
        given = {**self.environment, **task, **variables}
        log = self.folder / f"{job}.log"
        with log.open("ab") as said:
            return subprocess.Popen(["bash", SCRIPT], env=given, cwd=self.folder, stdout=said, stderr=said)

    def requeued(self) -> set[str]:
        """Return the jobs that scontrol was asked to put in the queue again."""
        asked = self.folder / "asked"
        lines = asked.read_text().splitlines() if asked.exists() else []
        assert all(line.startswith("requeue ") for line in lines)
        return {line.removeprefix("requeue ") for line in lines}


@pytest.mark.soak
def test_tasks_train_hand_back_and_queue_again(make_server: Callable[..., Server], tmp_path: Path) -> None:
    """One is cancelled, one nears its wall time, one has lived long enough; the last trains to its end."""
    admin, agent = secrets.token_hex(16), secrets.token_hex(16)
    tokens = {"CAVIAR_ADMIN_TOKEN": admin, "CAVIAR_AGENT_TOKEN": agent}
    server = make_server(workers=0, environment=tokens, arguments=("--token-required",))
    server.client.headers["Authorization"] = f"Bearer {admin}"
    server.start()
    (tmp_path / "token").write_text(agent + "\n")
    worker = {name: value for name, value in server.environment.items() if name not in tokens}
    cluster = Cluster(
        tmp_path, {**worker, "CAVIAR_URL": server.url, "CAVIAR_TOKEN_FILE": str(tmp_path / "token")}
    )
    long = server.submit(3, settings={"epochs": 2000, "epoch_seconds": 0.05})
    jobs = [cluster.start(1), cluster.start(2), cluster.start(3, CAVIAR_LIFETIME="6s")]

    def training() -> int:
        trials = [server.trial(long, number) for number in range(3)]
        return sum(trial["state"] == "running" and trial["epoch"] >= 2 for trial in trials)

    try:
        assert jobs[2].wait(60) == 0
        wait(lambda: training() == 2, 90, "two trials in training")
        jobs[0].send_signal(signal.SIGTERM)
        jobs[1].send_signal(signal.SIGUSR1)
        assert [job.wait(60) for job in jobs[:2]] == [128 + signal.SIGTERM, 0]
        assert cluster.requeued() == {"2", "3"}
        for number in range(3):
            trial = server.trial(long, number)
            assert trial["state"] in ("queued", None)
        assert server.rows("SELECT * FROM attempts") == [], "what was handed back does not count as lost"
        server.call("POST", f"/searches/{long}/cancel")
        short = server.submit(3, settings={"epochs": 2, "epoch_seconds": 0.01})
        jobs.append(cluster.start(4, CAVIAR_IDLE="1s"))
        assert jobs[3].wait(60) == 0
    finally:
        for job in jobs:
            job.kill()
            job.wait()
    server.check(short, 3)
    assert cluster.requeued() == {"2", "3"}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"CAVIAR_URL": ""}, "CAVIAR_URL is not set"),
        ({"SLURM_JOB_ID": ""}, "start this script with sbatch"),
        ({"CAVIAR_TOKEN_FILE": "/nowhere/token"}, "cannot read /nowhere/token"),
        ({"SLURM_JOB_END_TIME": ""}, "set CAVIAR_LIFETIME"),
        ({"SLURM_JOB_END_TIME": "1000"}, "the wall time is too short"),
        ({"CAVIAR_LIFETIME": "soon"}, "--lifetime"),
    ],
    ids=["address", "job", "token", "end", "short", "lifetime"],
)
def test_what_is_missing_is_named_and_not_queued_again(
    tmp_path: Path, variables: dict[str, str], words: str
) -> None:
    (tmp_path / "token").write_text("t" * 32)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAVIAR_", "SLURM_"))}
    here = {"CAVIAR_URL": "http://127.0.0.1:9", "CAVIAR_TOKEN_FILE": str(tmp_path / "token")}
    cluster = Cluster(tmp_path, {**kept, **here, "PYTHONPATH": str(ROOT)})
    assert cluster.start(5, **variables).wait(60) in (1, 2)
    assert words in (tmp_path / "5.log").read_text()
    assert cluster.requeued() == set()
