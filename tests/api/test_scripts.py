"""Training scripts as people run them: processes that are interrupted, fork, raise, or misread the manual."""

import asyncio
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
from caviar.errors import CaviarError
from tests.support.commandline import ROOT, serving, typed
from tests.support.waiting import wait

SEARCH = {
    "trainer": "external",
    "settings": {"slope": 2.0},
    "space": {"x": {"scale": "linear", "low": 0.0, "high": 1.0}},
    "strategy": "random",
    "objective": {"metric": "loss", "direction": "minimize"},
    "budget": {"trials": 3},
    "seed": 1,
}
OPENING = """
import os, signal, sys, time
from caviar import Client
client, search = Client(), int(sys.argv[1])
"""
SLOW = """
for trial in client.ask(search):
    time.sleep(1)
    trial.report(loss=1)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server without workers whose leases are short."""
    lease = {"CAVIAR_LEASE": "3", "CAVIAR_INTERVAL": "0.5"}
    with serving(tmp_path_factory.mktemp("scripts"), workers=0, env=lease) as url:
        yield url


@pytest.fixture(autouse=True)
def no_script_is_left() -> Iterator[None]:
    """End the scripts of a test that failed in their midst."""
    yield
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()
    started.clear()


started: list[subprocess.Popen[str]] = []


def start(folder: Path, client: Client, search: int, body: str) -> subprocess.Popen[str]:
    (folder / "script.py").write_text(OPENING + body)
    environment = {**os.environ, "CAVIAR_URL": client.url, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "script.py", str(search)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started.append(process)
    return process


def run(folder: Path, client: Client, search: int, body: str) -> tuple[int, str, str]:
    process = start(folder, client, search, body)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


def test_a_search_that_paused_itself_ends_the_loop_with_its_reason(client: Client) -> None:
    search = client.submit(SEARCH, budget={"trials": 20})
    with pytest.raises(CaviarError, match=r"paused itself: 5 trials failed .* no memory.*caviar resume"):
        for trial in client.ask(search):
            trial.fail("no memory")
    assert client.search(search).counts["failed"] == 5


def test_a_loop_that_trains_nothing_is_told_so_and_spoils_nothing(client: Client) -> None:
    search = client.submit(SEARCH)
    with pytest.raises(CaviarError, match=r"trial \d+\.0 came to the end .* without any metric.*list"):
        list(client.ask(search))
    wait(lambda: not client.search(search).counts.get("running"), 10, "the trial's return")
    assert not client.search(search).counts.get("failed")
    assert client.trial(f"{search.id}.0").state == "queued"


def test_after_the_last_trial_a_loop_ends_at_once(client: Client) -> None:
    seconds = []
    for _ in range(3):
        for trial in client.ask(client.submit(SEARCH, budget={"trials": 1})):
            trial.report(loss=trial.params["x"])
            told = time.monotonic()
        seconds.append(time.monotonic() - told)
    assert min(seconds) < 0.5, seconds


def test_a_script_that_waits_for_its_place_says_so_and_ends_with_the_search(
    client: Client, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    search = client.submit(SEARCH, budget={"trials": 4}, parallel=1)
    first = start(tmp_path, client, search.id, SLOW)
    wait(lambda: client.search(search).counts.get("running"), 20, "the first script")
    code, _, errors = run(tmp_path, client, search.id, SLOW)
    first.communicate(timeout=60)
    assert (code, first.returncode) == (0, 0), errors
    assert "parallel: 1" in errors and f"caviar edit {search.id} parallel=2" in errors
    assert client.search(search).state == "completed"


def test_a_paused_search_is_said_and_waited_for(client: Client, tmp_path: Path) -> None:
    search = client.submit(SEARCH, budget={"trials": 1})
    client.pause(search)
    process = start(tmp_path, client, search.id, "for trial in client.ask(search): trial.report(loss=1)")
    assert process.stderr is not None
    assert "it is paused" in process.stderr.readline()
    client.resume(search)
    process.communicate(timeout=30)
    assert process.returncode == 0 and client.search(search).state == "completed"


HOLDING = """
import ctypes
for trial in client.ask(search):
    ctypes.PyDLL(None).sleep(5)  # a C extension that keeps the interpreter, for longer than a lease
    trial.report(loss=trial.params["x"])
"""


def test_scripts_that_hold_the_interpreter_past_their_leases_keep_their_trials(
    client: Client, tmp_path: Path
) -> None:
    search = client.submit(SEARCH, budget={"trials": 2}, parallel=2)
    scripts = [start(tmp_path, client, search.id, HOLDING) for _ in range(2)]
    for one in scripts:
        _, errors = one.communicate(timeout=60)
        assert (one.returncode, errors) == (0, "")
    assert [(one.state, one.attempt) for one in client.trials(search)] == [("completed", 1)] * 2
    for one in client.trials(search):
        assert client.transport.call("GET", f"/trials/{one.id}/attempts")["items"] == [], "a lease ran out"


def test_a_script_that_is_stopped_or_killed_loses_its_trial(client: Client, tmp_path: Path) -> None:
    for number in (signal.SIGSTOP, signal.SIGKILL):
        search = client.submit(SEARCH, budget={"trials": 1})
        process = start(tmp_path, client, search.id, SLOW)
        wait(lambda: client.search(search).counts.get("running"), 20, "the script")  # noqa: B023
        process.send_signal(number)
        wait(lambda: client.search(search).counts["queued"], 20, "the end of its lease")  # noqa: B023
        process.kill()
        process.communicate()


FORKING = """
client.search(search)  # connections that are open already
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        for trial in client.ask(search):
            trial.report(loss=trial.params["x"])
        os._exit(0)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children], client.search(search).state)
"""
FORKED_INSIDE = """
for trial in client.ask(search):
    child = os.fork()
    if child == 0:
        try:
            trial.report(loss=1.0)
        except Exception as error:
            print(type(error).__name__, error, flush=True)
        sys.exit(0)
    os.waitpid(child, 0)
    trial.report(loss=2.0)
"""


def test_forked_processes_share_a_client(client: Client, tmp_path: Path) -> None:
    search = client.submit(SEARCH, budget={"trials": 30}, parallel=3)
    code, out, errors = run(tmp_path, client, search.id, FORKING)
    assert (code, out, errors) == (0, "[0, 0, 0] completed\n", "")
    assert client.search(search).counts["completed"] == 30


def test_a_process_forked_within_a_trial_is_told_whose_it_is(client: Client, tmp_path: Path) -> None:
    search = client.submit(SEARCH, budget={"trials": 1})
    code, out, errors = run(tmp_path, client, search.id, FORKED_INSIDE)
    assert code == 0 and "belongs to another process" in out and "client.ask" in out, out
    assert errors == ""
    assert client.best(search, 1)[0].value == 2.0


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({f"m{number}": 1.0 for number in range(201)}, "at most 200"),
        ({"m" * 65: 1.0}, "at most 64 characters"),
        ({"loss": "low"}, "metric 'loss' is not a number"),
        ({"loss": [1.0]}, "metric 'loss' is not a number"),
        ({"loss": 10**400}, "metric 'loss' is not a number"),
        ({"loss": 1j}, "metric 'loss' is not a number"),
    ],
)
def test_what_no_report_can_hold_is_refused_where_it_is_told(
    client: Client, told: dict[str, object], said: str
) -> None:
    search = client.submit(SEARCH, budget={"trials": 1})
    for trial in client.ask(search):
        with pytest.raises(CaviarError, match=said):
            trial.report(**told)  # type: ignore[arg-type]
        trial.report(loss=1.0)
    assert client.search(search).counts["completed"] == 1


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf")])
def test_a_last_value_that_is_missing_or_not_finite_diverges(client: Client, value: float | None) -> None:
    search = client.submit(SEARCH, budget={"trials": 1})
    for trial in client.ask(search):
        trial.report(loss=1.0)
        trial.report(loss=value)
    [found] = client.trials(search)
    assert (found.state, found.value) == ("diverged", None)
    assert client.curve(found)["branches"][0]["loss"] == [1.0, None]


RAISING = """
def train(x):
    raise ValueError(f"no convergence at {x > 2}")
for trial in client.ask(search):
    trial.report(loss=1.0)
    train(trial.params["x"])
"""


def test_an_exception_fails_its_trial_with_type_message_and_traceback(client: Client, tmp_path: Path) -> None:
    search = client.submit(SEARCH)
    code, _, errors = run(tmp_path, client, search.id, RAISING)
    assert code == 1 and errors.count("Traceback") == 1 and errors.rstrip().endswith("at False")
    found = client.trial(f"{search.id}.0")
    assert (found.state, found.reason) == ("failed", "ValueError: no convergence at False")
    [attempt] = client.transport.call("GET", f"/trials/{found.id}/attempts")["items"]
    assert "in train" in attempt["log"] and attempt["log"].rstrip().endswith("at False")
    assert client.search(search).counts["running"] == 0


def test_by_choice_a_loop_goes_on_after_an_exception(client: Client) -> None:
    search = client.submit(SEARCH, budget={"trials": 4})
    for trial in client.ask(search, catch=ZeroDivisionError):
        with trial:
            trial.report(loss=1 / (trial.number % 2))
    assert (client.search(search).counts["failed"], client.search(search).counts["completed"]) == (2, 2)
    assert client.trial(f"{search.id}.0").reason == "ZeroDivisionError: division by zero"
    other = client.submit(SEARCH)
    with pytest.raises(KeyError, match="gone"):
        for trial in client.ask(other, catch=(ZeroDivisionError, ValueError)):
            with trial:
                raise KeyError("gone")
    wait(lambda: client.trial(f"{other.id}.0").state == "failed", 10, "the end of the trial")
    assert client.trial(f"{other.id}.0").reason == "KeyError: 'gone'"


WAITING = """
for trial in client.ask(search):
    trial.report(loss=1.0)
    print(trial.id, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
def test_a_signal_hands_the_trial_back_at_once_and_counts_no_loss(
    client: Client, tmp_path: Path, number: int, code: int
) -> None:
    search = client.submit(SEARCH, budget={"trials": 1})
    process = start(tmp_path, client, search.id, WAITING)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == f"{search.id}.0"
    process.send_signal(number)
    sent = time.monotonic()
    process.communicate(timeout=10)
    found = client.trial(f"{search.id}.0")
    assert (found.state, process.returncode) == ("queued", code)
    assert time.monotonic() - sent < 2.0  # the lease would take longer
    assert client.transport.call("GET", f"/trials/{found.id}/attempts")["items"] == []


def test_tasks_share_a_loop_of_events(client: Client) -> None:
    search = client.submit(SEARCH, budget={"trials": 8}, parallel=2)
    ticks: list[str] = []

    async def train(name: str) -> None:
        async for trial in client.ask_async(search):
            with trial:
                await asyncio.sleep(0.05)
                trial.report(loss=trial.params["x"])
                ticks.append(name)

    async def both() -> None:
        await asyncio.gather(train("first"), train("second"))

    asyncio.run(both())
    assert client.search(search).counts["completed"] == 8 and set(ticks) == {"first", "second"}


def test_a_task_that_is_cancelled_hands_its_trial_back_or_waits_no_more(client: Client) -> None:
    search = client.submit(SEARCH, budget={"trials": 2}, parallel=1)
    begun = []

    async def train() -> None:
        async for trial in client.ask_async(search):
            with trial:
                begun.append(trial.id)
                await asyncio.sleep(60)

    async def cancelled() -> None:
        tasks = [asyncio.create_task(train()) for _ in range(2)]  # of which one waits for its place
        while not begun:
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    began = time.monotonic()
    asyncio.run(cancelled())
    assert time.monotonic() - began < 20
    wait(lambda: client.search(search).counts["running"] == 0, 10, "the trial's return")
    assert client.search(search).counts["failed"] == 0


def test_params_follow_what_a_person_changes(client: Client) -> None:
    search = client.submit(SEARCH, budget={"trials": 1})
    for trial in client.ask(search):
        before = trial.params
        client.command(trial.id, "set", slope=3.0)
        wait(lambda: trial.params["slope"] == 3.0, 20, "the change")  # noqa: B023
        assert trial.params == {**before, "slope": 3.0}
        assert trial.changes() == {"slope": 3.0} and trial.changes() == {}
        trial.report(loss=1.0)
    assert client.given(trial.id)[0]["state"] == "applied"


def test_a_trial_that_a_person_stops_before_it_told_anything_is_cancelled(client: Client) -> None:
    search = client.submit(SEARCH, budget={"trials": 1})
    for trial in client.ask(search):
        client.command(trial.id, "stop")
        wait(lambda: trial.should_stop, 20, "the stop")  # noqa: B023
    [found] = client.trials(search)
    assert (found.state, found.reason) == ("cancelled", "stopped by a person")


def test_a_dead_agent_is_called_silent_until_its_lease_ends(
    client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = client.submit(SEARCH, budget={"trials": 1})
    process = start(tmp_path, client, search.id, WAITING)
    assert process.stdout is not None
    process.stdout.readline()

    def agent() -> dict[str, Any]:
        return next(one for one in client.agents() if one["pid"] == process.pid)

    assert agent()["silent"] is None and agent()["holding"] == [f"{search.id}.0"]
    monkeypatch.setenv("CAVIAR_URL", client.url)
    typed(capsys, "agents")  # so that all is imported: the silence is short
    process.kill()
    process.communicate()
    shown = wait(lambda: "silent for" in (said := typed(capsys, "agents").stdout) and said, 10, "the silence")
    assert "s, since 2" in shown and f"{search.id}.0" in shown
    wait(lambda: agent()["state"] == "lost", 20, "the end of the lease")
    assert agent()["silent"] is None and agent()["reason"] == "the lease ran out"
