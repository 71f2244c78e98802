"""Commands for epochs of a trial that runs a thousand of them a second, through kills of its agent.

Each takes effect exactly at the end of its epoch, or is refused in words; the trial replays bit for bit.
"""

import random
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from caviar import Client
from caviar.errors import RefusedError
from caviar.replay import replay_trial
from tests.support.server_process import Server
from tests.support.waiting import wait

STEPS = 3  # mini-batches of an epoch: 90 rows for training, 32 at a time
AT_ONCE = 25  # commands of one request
REFUSALS = re.compile(
    r"epoch \d+ had passed \(the trial was at \d+\)"
    r"|epoch \d+ (had passed|never came): the trial ended at epoch \d+ \(\w+\); fork or extend it"
)


def spec(epochs: int, **more: Any) -> dict[str, Any]:
    return {
        "name": "a thousand epochs a second",
        "mode": "panda",
        "dataset": {"name": "iris", "split": {"train": 0.6, "dev": 0.2, "test": 0.2}},
        "settings": {"epochs": epochs, "batch_size": 32, "hidden_units": [4], "optimizer": "adam"},
        "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-2}},
        "strategy": {"name": "random"},
        "budget": {"trials": 1},
        "seed": 3,
        **more,
    }


def test_scheduled_commands_are_exact_or_refused(make_server: Callable[..., Server]) -> None:
    run(make_server, count=200, kills=2)


@pytest.mark.soak
def test_two_thousand_scheduled_commands_are_exact_or_refused(make_server: Callable[..., Server]) -> None:
    run(make_server, count=2000, kills=40)


def run(make_server: Callable[..., Server], count: int, kills: int) -> None:
    server = make_server(workers=1)
    server.start()
    server.wait_agents(1)
    draw = random.Random(count)
    with Client(server.url) as client:
        planned = [{"epoch": epoch, "set": {"l2": 0.01 * epoch}} for epoch in (1, 7, 20)]
        search = client.submit(spec(10_000_000, schedule=planned))
        trial = f"{search.id}.0"
        wait(lambda: any(one.epoch > 50 for one in client.trials(search)), 60, "the trial to train")
        killing = set(draw.sample(range(1, count // AT_ONCE), kills))
        for turn in range(count // AT_ONCE):
            give(client, trial, draw)
            if turn in killing:
                wait(server.agents, 60, "an agent")[0].kill()
            wait(lambda: waiting(client, trial) < 50, 60, "commands to take effect")
        client.command(trial, "set", at="epoch:9999999", l1=0.1)
        wait(lambda: waiting(client, trial) == 1, 120, "the last commands")
        client.command(trial, "checkpoint")
        wait(lambda: waiting(client, trial) == 1, 60, "the checkpoint")
        client.command(trial, "stop")
        wait(lambda: client.trial(trial).done, 60, "the end of the trial")
        check(client.given(trial), count)
        assert replay_trial(client, trial).equal


def give(client: Client, trial: str, draw: random.Random) -> None:
    """Send commands for epochs near and far; a request that names one the server has seen is refused."""
    rest = AT_ONCE
    while rest:
        now = client.trial(trial).epoch
        ahead = sorted(draw.sample(range(1, 10_000), rest))
        commands = [
            {
                "kind": "set",
                "arguments": {"learning_rate": draw.uniform(1e-4, 1e-2)},
                "when": {"at": f"epoch:{now + one}"},
            }
            for one in ahead
        ]
        try:
            client.commands(trial, commands)
            rest = 0
        except RefusedError as error:
            assert "has ended already (the trial is at epoch" in str(error) or "sets" in str(error)
            time.sleep(0.05)


def waiting(client: Client, trial: str) -> int:
    return sum(1 for one in client.given(trial) if one["state"] == "waiting")


def check(given: list[dict[str, Any]], count: int) -> None:
    scheduled = [one for one in given if one["when"]["at"].startswith("epoch:")]
    assert len(scheduled) == count + 3 + 1  # with those of the search, and the one that never came
    exact = 0
    for one in scheduled:
        epoch = int(one["when"]["at"].removeprefix("epoch:"))
        if one["state"] == "applied":
            assert (one["epoch"], one["step"]) == (epoch, STEPS * epoch), one
            assert one["reason"] is None
            exact += 1
        else:
            assert one["state"] == "refused", one
            assert REFUSALS.fullmatch(one["reason"]), one
    assert [one["state"] for one in scheduled[:3]] == ["applied"] * 3  # planned when the search was submitted
    assert "never came: the trial ended at epoch" in scheduled[-1]["reason"]
    assert exact > count / 10
