"""`caviar worker` under a scheduler: it ends when nothing is left, and hands back when told to."""

import signal
import subprocess
import sys
from collections.abc import Callable

from tests.support.server_process import Server
from tests.support.waiting import wait


def launch(server: Server, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "caviar", "worker", "--url", server.url, *arguments]
    with server.log.open("ab") as log:
        return subprocess.Popen(
            command,
            env=server.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=server.folder,
        )


def test_a_worker_of_a_scheduler_ends_and_says_why(make_server: Callable[..., Server]) -> None:
    server = make_server(workers=0)
    server.start()
    short = server.submit(3, settings={"epochs": 2, "epoch_seconds": 0.01})
    idle = launch(server, "--exit-when-idle", "1s", "--slots", "2")
    try:
        assert idle.wait(180) == 0
        assert server.finished(short)
        long = server.submit(1, settings={"epochs": 2000, "epoch_seconds": 0.05})
        limited = launch(server, "--lifetime", "1h")
        try:
            wait(lambda: server.trial(long)["epoch"] >= 2, 180, "training")
            limited.send_signal(signal.SIGTERM)
            assert limited.wait(60) == 128 + signal.SIGTERM
        finally:
            limited.kill()
            limited.wait()
    finally:
        idle.kill()
        idle.wait()
    trial = server.trial(long)
    assert (trial["state"], trial["attempt"]) == ("queued", 1)
    assert server.rows("SELECT * FROM attempts") == [], "a trial that was handed back does not count as lost"
    (kept,) = server.rows("SELECT max(epoch) AS epoch FROM checkpoints")
    assert kept["epoch"] >= trial["epoch"] >= 2
