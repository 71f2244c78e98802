"""`caviar worker` under a scheduler: it ends when nothing is left, and hands back when told to."""

import signal
from collections.abc import Callable

from tests.support.server_process import Server
from tests.support.waiting import wait


def test_a_worker_of_a_scheduler_ends_and_says_why(make_server: Callable[..., Server]) -> None:
    server = make_server(workers=0)
    server.start()
    short = server.submit(3, settings={"epochs": 2, "epoch_seconds": 0.01})
    idle = server.launch_worker("--exit-when-idle", "1s", "--slots", "2")
    try:
        assert idle.wait(180) == 0
        assert server.finished(short)
        long = server.submit(1, settings={"epochs": 2000, "epoch_seconds": 0.05})
        limited = server.launch_worker("--lifetime", "1h")
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
