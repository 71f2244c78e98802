"""Agents that are killed, stalled, or so busy that they hardly breathe (I3-I6)."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psutil
import pytest

from caviar.agents.watchdog import STUCK
from caviar.service.engines.local import NICE
from tests.support.scripted_agent import Player
from tests.support.server_process import Server, serving, trained
from tests.support.waiting import wait

FAST = {"CAVIAR_LEASE": "2", "CAVIAR_INTERVAL": "0.2"}


def test_a_worker_killed_in_every_epoch_goes_on_from_its_checkpoint(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    log = tmp_path / "trained"
    environment = {"COUNTING_LOG": str(log), "CAVIAR_CHECKPOINT_SECONDS": "0.1"}
    server = make_server(workers=1, environment=environment)
    server.start()
    server.wait_agents(1)
    epochs = 4  # three kills: as many as a trial survives that gets no further
    search = server.submit(1, settings={"epochs": epochs, "epoch_seconds": 0.6}, parallel=1)
    for epoch in range(1, epochs):
        wait(
            lambda epoch=epoch: max((row[2] for row in trained(log)), default=0) >= epoch,
            20,
            f"epoch {epoch}",
        )
        wait(lambda epoch=epoch: _kept(server) >= epoch, 20, f"the checkpoint of epoch {epoch}")
        (agent,) = server.agents()
        agent.kill()
        lost = epoch  # attempts so far
        wait(
            lambda lost=lost: server.trial(search)["attempt"] > lost or _queued(server, search), 10, "requeue"
        )
    server.wait_finished(search, 30)
    server.check(search, 1)
    trial = server.trials(search)[0]
    assert trial["attempt"] == epochs  # one more for each kill
    done = [row[2] for row in trained(log)]
    assert len(done) <= epochs + (epochs - 1), f"more than one epoch redone for a kill: {done}"


def _kept(server: Server) -> int:
    """Return the last epoch with a checkpoint."""
    (row,) = server.rows("SELECT coalesce(max(epoch), 0) AS epoch FROM checkpoints")
    return int(row["epoch"])


def _queued(server: Server, search: int) -> bool:
    return bool(server.trial(search)["state"] == "queued")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without agents of its own."""
    with serving(tmp_path_factory.mktemp("lost"), workers=0) as made:
        yield made


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (11.0, "SIGSEGV"),
        pytest.param(12.0, "exit code 0", marks=pytest.mark.soak),
        pytest.param(13.0, "SIGKILL", marks=pytest.mark.soak),  # of which nobody can tell but by statistics
        pytest.param(14.0, "lease", marks=pytest.mark.soak),
    ],
)
def test_a_poisonous_trial_is_found_and_takes_no_other_with_it(
    make_server: Callable[..., Server], x: float, said: str
) -> None:
    server = make_server(workers=1, environment={**FAST, "CAVIAR_GRACE_SECONDS": "1"})
    server.start()
    points = [{"x": value} for value in (0.1, x, 0.2, 0.3)]
    search = server.submit(
        4,
        trainer="poison",
        parallel=2,
        space={"x": {"scale": "linear", "low": 0, "high": 20}},
        settings={"epochs": 3, "epoch_seconds": 0.02},
        enqueued=points,
    )
    server.wait_finished(search, 300)
    trials = {trial["params"]["x"]: trial for trial in server.trials(search)}
    assert [trials[point["x"]]["state"] for point in points] == [
        "completed",
        "failed",
        "completed",
        "completed",
    ]
    assert said in trials[x]["reason"], trials[x]["reason"]


def _lose(server: Server, *players: Player) -> None:
    """Let agents be silent for longer than a lease."""
    names = {player.agent["id"] for player in players}
    server.expire(*names)

    def gone() -> bool:
        states = {agent["id"]: agent["state"] for agent in server.get("/agents")["items"]}
        return all(states[name] == "lost" for name in names)

    wait(gone, 30, "the sweep of leases")


def zombies(server: Server, count: int, agents: int) -> None:
    """So many agents hold all trials past their lease, then come back with results nobody wants any more."""
    search = server.submit(count, parallel=count, settings={"epochs": 3})
    stalled = [Player(server) for _ in range(agents)]
    for player in stalled:
        player.take(count // agents)
    _lose(server, *stalled)
    rescuer = Player(server)
    while len(rescuer.held) < count:
        assert rescuer.exchange(want=count)["trials"], "the trials do not come back"
    half = list(rescuer.held)[: count // 2]
    rescuer.finish(half)
    refused = 0
    for player in stalled:  # half of their trials have a result by now, half are in other hands
        stale = list(player.held)
        answer = player.finish(stale)
        refused += len({(drop["trial"], drop["attempt"]) for drop in answer["drop"]} & set(stale))
    assert refused == count
    rescuer.finish()
    server.wait_finished(search, 30)
    server.check(search, count)
    assert all(trial["attempt"] == 2 for trial in server.trials(search))


def test_stale_writes_of_agents_that_come_back_are_refused(server: Server) -> None:
    zombies(server, count=200, agents=10)


@pytest.mark.soak
def test_a_thousand_stale_writes_are_refused(server: Server) -> None:
    zombies(server, count=1000, agents=50)
    print("1000 of 1000 stale results refused")


@pytest.mark.soak
def test_a_stopped_process_that_wakes_after_its_lease_does_no_harm(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(workers=1, environment=FAST)
    server.start()
    server.wait_agents(1)
    search = server.submit(1, parallel=1, settings={"epochs": 40, "epoch_seconds": 0.1})
    wait(lambda: server.trial(search)["epoch"] >= 3, 20, "some epochs")
    (agent,) = server.agents()
    agent.send_signal(signal.SIGSTOP)
    helper = subprocess.Popen(
        [sys.executable, "-m", "caviar.agents", "--url", server.url],
        env=server.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=server.folder,
    )
    try:
        wait(lambda: server.trial(search)["attempt"] == 2, 15, "the second attempt")
        agent.send_signal(signal.SIGCONT)
        server.wait_finished(search, 40)
    finally:
        helper.kill()
        helper.wait()
    server.check(search, 1)
    assert server.trials(search)[0]["attempt"] == 2


def busy(server: Server, seconds: float) -> None:
    search = server.submit(
        2, trainer="stubborn", parallel=2, settings={"epochs": 2, "epoch_seconds": seconds}
    )
    server.wait_finished(search, 6 * seconds + 30)
    server.check(search, 2)
    assert [trial["attempt"] for trial in server.trials(search)] == [1, 1]
    expiries = [
        line
        for line in server.client.get("/metrics").text.splitlines()
        if line.startswith("caviar_lease_exp")
    ]
    assert "caviar_lease_expiries_total 0.0" in expiries


@pytest.mark.soak
def test_a_trainer_that_holds_the_interpreter_keeps_its_trial(make_server: Callable[..., Server]) -> None:
    server = make_server(workers=2, environment={"CAVIAR_LEASE": "6", "CAVIAR_INTERVAL": "0.5"})
    server.start()
    busy(server, 3.0)


@pytest.mark.soak
def test_a_trainer_that_holds_the_interpreter_for_20_seconds_keeps_its_trial(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(workers=2)
    server.start()
    busy(server, 20.0)


@pytest.mark.soak
def test_an_agent_whose_trainer_does_not_come_back_is_replaced(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    """Its heartbeats go on, so nobody but itself can know; a trial that is wanted is waited for."""
    log = tmp_path / "trained"
    grace = {"COUNTING_LOG": str(log), "CAVIAR_GRACE_SECONDS": "1"}
    server = make_server(workers=1, environment=grace)
    server.start()
    stuck = server.submit(1, trainer="endless", parallel=1)
    wait(lambda: trained(log), 60, "the training")
    other = server.submit(1, parallel=1)
    (agent,) = server.agents()
    time.sleep(2.5)  # longer than the grace: nothing may happen
    assert agent.is_running() and server.trial(stuck)["attempt"] == 1
    assert server.call("POST", f"/searches/{stuck}/cancel").status_code == 200
    server.wait_finished(other, 30)
    server.check(other, 1)
    assert not agent.is_running() and server.trials(other)[0]["attempt"] == 1
    said = server.tail()
    assert f"trial {stuck}.0 is to be let go of (the trial is cancelled), but its trainer endless" in said
    assert f"ended with exit code {STUCK}: a trainer did not come back" in said


@pytest.mark.parametrize("elsewhere", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_an_agent_that_cannot_even_say_that_it_lives_is_replaced(
    make_server: Callable[..., Server], tmp_path: Path, elsewhere: bool
) -> None:
    """A trainer that never gives the interpreter back took one agent after the other."""
    log = tmp_path / "trained"
    environment = {**FAST, "CAVIAR_GRACE_SECONDS": "1", "COUNTING_LOG": str(log)}
    server = make_server(workers=0 if elsewhere else 1, environment=environment)
    server.start()
    with worker(server) if elsewhere else nullcontext():
        stuck = server.submit(1, trainer="stubborn", parallel=1, settings={"epochs": 1, "epoch_seconds": 999})
        wait(lambda: trained(log), 60, "training")
        server.call("POST", f"/searches/{stuck}/cancel")
        other = server.submit(1, parallel=1)
        server.wait_finished(other, 40)
        server.check(other, 1)
    assert server.trials(other)[0]["attempt"] == 1


@pytest.mark.soak  # twenty seconds; tests/contract/test_lost_agents.py has the rules
def test_a_worker_elsewhere_says_at_once_how_its_agents_died(make_server: Callable[..., Server]) -> None:
    """Leases last half a minute here; what is counted, and for which trial, comes from the parent alone."""
    server = make_server(workers=0)
    server.start()
    with worker(server) as parent:
        search = server.submit(
            4,
            trainer="poison",
            parallel=1,
            space={"x": {"scale": "linear", "low": 0, "high": 20}},
            settings={"epochs": 40, "epoch_seconds": 0.05},
            enqueued=[{"x": 1.0}, {"x": 11.0}, {"x": 2.0}, {"x": 3.0}],  # the second one crashes
        )
        wait(lambda: server.trial(search)["epoch"] >= 2, 120, "the training of the first trial")
        (agent,) = psutil.Process(parent.pid).children()
        agent.kill()
        server.wait_finished(search, 300)
    states = [trial["state"] for trial in server.trials(search)]
    assert states == ["completed", "failed", "completed", "completed"]
    ends = server.rows("SELECT number, cause, reason FROM attempts WHERE search_id = :s ORDER BY 1", s=search)
    counted = [(row["number"], row["cause"], row["reason"]) for row in ends if row["cause"]]
    crash = (1, "trial", "was killed by SIGSEGV")
    assert counted == [(0, "unknown", "was killed by SIGKILL"), crash, crash, crash]
    assert not any("lease" in row["reason"] for row in ends)


@contextmanager
def worker(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    """Run `caviar worker` beside a server."""
    process = server.launch_worker()
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def test_local_agents_end_with_a_server_that_is_killed(make_server: Callable[..., Server]) -> None:
    server = make_server(workers=2)
    server.start()
    agents = server.wait_agents(2)
    assert [agent.nice() - psutil.Process(server.process.pid).nice() for agent in agents] == [NICE, NICE]
    server.kill()
    wait(lambda: not any(agent.is_running() for agent in agents), 5, "the death of the agents")
