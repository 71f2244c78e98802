"""A run steered by many mixed commands, through kills of worker and server, replays to identical bits (I9).

Real trainings of the built-in trainer on digits, with batch norm, dropout and augmentation.
"""

import os
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from caviar import Client
from caviar.errors import RefusedError
from caviar.replay import replay_trial
from tests.support.server_process import Server
from tests.support.waiting import wait

OPTIMIZERS = ("gd", "momentum", "rmsprop", "adam")
RATES = {"gd": 0.1, "momentum": 0.1, "rmsprop": 0.001, "adam": 0.002}


def spec(optimizer: str) -> dict[str, Any]:
    rate = RATES[optimizer]
    return {
        "name": f"panda {optimizer}",
        "mode": "panda",
        "dataset": {"name": "digits"},
        "settings": {
            "epochs": 100_000,
            "batch_size": 64,
            "hidden_units": [48, 32],
            "optimizer": optimizer,
            "batch_norm": True,
            "keep_prob": 0.9,
            "augmentation": "shift",
            "patience": 90_000,
        },
        "space": {"learning_rate": {"scale": "log", "low": rate, "high": 2 * rate}},
        "strategy": {"name": "random"},
        "budget": {"trials": 1},
        "seed": 11,
    }


def script(random_: random.Random, rate: float) -> list[Callable[[Client, str], Any]]:
    """Sixteen commands of every kind but the last ones, in a random order."""

    def command(kind: str, at: str = "now", **arguments: Any) -> Callable[[Client, str], Any]:
        return lambda client, trial: client.command(trial, kind, at=at, **arguments)

    def back(client: Client, trial: str) -> Any:
        return client.command(trial, "rewind", epoch=client.trial(trial).epoch // 2)

    def ahead(client: Client, trial: str) -> Any:
        at = f"epoch:{client.trial(trial).epoch + 1000}"  # seconds ahead
        return client.command(trial, "set", at=at, l2=0.05)

    def doubled(client: Client, trial: str) -> Any:
        rewind = {"kind": "rewind", "arguments": {"epoch": client.trial(trial).epoch // 3}}
        lower = {"kind": "set", "arguments": {"learning_rate": rate / 5}}
        return client.commands(trial, [rewind, lower])

    steps = [
        command("set", learning_rate=rate / 2),
        command("set", keep_prob=[0.8, 0.95]),
        command("set", at="epoch_end", batch_size=48),
        command("set", decay="inverse_sqrt_step", decay_rate=1.0),
        command("set", l1=1e-3, augmentation="none"),
        command("set", beta2=0.99, beta1=0.85),
        command("set", at="no_improvement:2", momentum=0.8),
        command("checkpoint"),
        command("checkpoint"),
        command("extend", epochs=5),
        command("note", text="the cost swings"),
        command("set", augmentation="shift", augmentation_strength=0.2),
        back,
        back,
        ahead,
        doubled,
    ]
    random_.shuffle(steps)
    return steps


def settle(client: Client, trial: str) -> None:
    """Wait until nothing waits for now, and the trial has moved on since."""

    def nothing_due() -> bool:
        return not [
            one for one in client.given(trial) if one["state"] == "waiting" and one["when"]["at"] == "now"
        ]

    wait(nothing_due, 90, f"commands of trial {trial}: {client.given(trial)[-3:]}")


def through_pause(client: Client, trial: str) -> None:
    client.command(trial, "pause")
    wait(lambda: client.trial(trial).state == "paused", 60, f"trial {trial} to pause")
    client.command(trial, "set", learning_rate=client_rate(client, trial) * 0.9)
    client.command(trial, "resume")
    wait(lambda: client.trial(trial).state == "running", 60, f"trial {trial} to go on")


def client_rate(client: Client, trial: str) -> float:
    found = client.steering(trial)["settings"]
    return float(next(one["value"] for one in found if one["name"] == "learning_rate"))


def steer_all(server: Server, client: Client, trials: dict[str, str], seed: int) -> None:
    """Steer every trial along its script; in between, kill a worker, then the server."""
    scripts = {name: script(random.Random(f"{seed} {name}"), RATES[name]) for name in trials}
    for turn in range(16):
        for name, trial in trials.items():
            scripts[name][turn](client, trial)
        time.sleep(0.1)
        if turn == 5:
            server.agents()[0].kill()
        if turn == 10:
            server.kill()
            server.start()
        for trial in trials.values():
            settle(client, trial)
    for trial in trials.values():
        through_pause(client, trial)


def run(make_server: Callable[..., Server], optimizers: tuple[str, ...], seed: int) -> None:
    server = make_server(workers=len(optimizers))
    server.start()
    server.wait_agents(len(optimizers))
    with Client(server.url) as client:
        trials = {name: f"{client.submit(spec(name)).id}.0" for name in optimizers}
        for trial in trials.values():
            wait(
                lambda trial=trial: server.trial(int(trial[:-2]))["epoch"] > 20, 60, f"trial {trial} to train"
            )
        steer_all(server, client, trials, seed)
        forks = {}
        for name, trial in trials.items():
            half = client.trial(trial).epoch // 2
            changes = {"learning_rate": RATES[name] / 3, "epochs": half + 40}
            fork = client.command(trial, "fork", epoch=half, changes=changes)
            forks[name] = fork["after"]["trial"]
            client.command(trial, "checkpoint")
            settle(client, trial)
            client.command(trial, "stop")
        for trial in (*trials.values(), *forks.values()):
            wait(lambda trial=trial: client.trial(trial).done, 90, f"the end of trial {trial}")
        for trial in (*trials.values(), *forks.values()):
            outcome = replay_trial(client, trial)
            assert outcome.equal, outcome.text
        check_log(client, trials)
        replay_old_branches(client, trials)


def check_log(client: Client, trials: dict[str, str]) -> None:
    """Every command was answered, each that took effect names its step, in order."""
    for trial in trials.values():
        given = client.given(trial)
        assert len(given) >= 18
        assert all(one["state"] in ("applied", "refused") for one in given), given
        log = client.log(trial)["changes"]
        assert [one["step"] for one in log] == sorted(one["step"] for one in log)


def replay_old_branches(client: Client, trials: dict[str, str]) -> None:
    """Branches that were left can be trained again too: a rewind keeps the state it leaves."""
    replayed = 0
    for trial in trials.values():
        for branch in client.steering(trial)["branches"][:-1]:
            if client.log(trial, branch["branch"])["checkpoints"]:
                assert replay_trial(client, trial, branch["branch"]).equal
                replayed += 1
    assert replayed


def test_a_steered_run_replays_bit_for_bit(make_server: Callable[..., Server]) -> None:
    run(make_server, ("adam",), 1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(int(os.environ.get("CAVIAR_SOAK_SEEDS", "3"))))
def test_every_optimizer_replays_bit_for_bit(make_server: Callable[..., Server], seed: int) -> None:
    run(make_server, OPTIMIZERS, seed)


def test_a_command_for_a_trial_that_is_over_says_what_can_be_done(make_server: Callable[..., Server]) -> None:
    server = make_server(workers=1)
    server.start()
    with Client(server.url) as client:
        search = client.submit({**spec("adam"), "settings": {"epochs": 3}})
        client.wait(search, 60)
        with pytest.raises(RefusedError, match="fork it from one of its epochs, or extend it"):
            client.command(f"{search.id}.0", "set", learning_rate=0.1)
        longer = client.command(f"{search.id}.0", "extend", epochs=4)["after"]["trial"]
        wait(lambda: client.trial(longer).done, 60, "the extended trial")
        assert client.trial(longer).epoch == 7
        assert replay_trial(client, longer).equal
