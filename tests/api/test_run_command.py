"""`caviar run`: programs that know nothing of Caviar train the trials of a search."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caviar import Client, Search
from caviar.command_output import CommandOutput, Metrics
from caviar.command_template import check, filled
from caviar.errors import CaviarError
from tests.support.commandline import ROOT, serving
from tests.support.waiting import wait

SEARCH: dict[str, Any] = {
    "trainer": "external",
    "settings": {"epochs": 4},
    "space": {
        "rate": {"scale": "log", "low": 0.001, "high": 1.0},
        "kind": {"choices": ["a", "b"]},
        "momentum": {"low": 0.1, "high": 0.9, "when": {"kind": "a"}},
    },
    "strategy": "random",
    "objective": {"metric": "loss", "direction": "minimize"},
    "budget": {"trials": 1},
    "seed": 1,
}
TRAINING = """
import json, os, pathlib, sys, time
rate, epochs, seconds = float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
state = pathlib.Path(os.environ["CAVIAR_CHECKPOINT_DIR"], "state")
begin = int(state.read_text()) if state.exists() else 0
print(f"from {begin}, told {os.environ['CAVIAR_RESUME_STEP']}, on {os.environ.get('CUDA_VISIBLE_DEVICES')}")
for epoch in range(begin + 1, epochs + 1):
    time.sleep(seconds)
    state.write_text(str(epoch))
    print(json.dumps({"epoch": epoch, "loss": rate / epoch, "note": "for people"}))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("run"), workers=0, env={"CAVIAR_INTERVAL": "0.2"}) as url:
        yield url


def start(
    client: Client, search: Search, folder: Path, *words: str, options: str = ""
) -> subprocess.Popen[str]:
    """Begin `caviar run` with the training above, or with a program of its own."""
    (folder / "train.py").write_text(TRAINING)
    command = [sys.executable, *(words or ("train.py", "{rate}", "{epochs}", "0.01"))]
    return subprocess.Popen(
        [sys.executable, "-m", "caviar", "run", "--search", str(search.id), *options.split(), "--", *command],
        cwd=folder,
        env={**os.environ, "CAVIAR_URL": client.url, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


def test_metrics_are_read_from_lines_of_json_and_devices_are_shared_out(
    client: Client, tmp_path: Path
) -> None:
    search = client.submit(SEARCH, budget={"trials": 4}, parallel=2)
    code, out, errors = ended(start(client, search, tmp_path, options="--devices 2,5"))
    assert code == 0, errors
    assert client.search(search).counts["completed"] == 4
    assert {one["device"] for one in client.agents()} >= {"2", "5"}
    for trial in client.trials(search):
        [branch] = client.curve(trial)["branches"]
        assert branch["epoch"] == [1, 2, 3, 4]
        assert trial.value == pytest.approx(trial.params["rate"] / 4)
    assert "on 2" in out and "on 5" in out and f"{search.id}.3 | " in out


def test_a_number_as_the_last_line_is_the_result(client: Client, tmp_path: Path) -> None:
    search = client.submit(SEARCH)
    assert ended(start(client, search, tmp_path, "-c", "print('loss follows'); print(0.25)"))[0] == 0
    assert client.trial(f"{search.id}.0").value == 0.25


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; print('out of tea', file=sys.stderr); sys.exit(3)", "exit code 3: out of tea"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
        ("print('nothing told')", "no metric 'loss'"),
        ('print(\'{"step": 0, "loss": 1}\'); import time; time.sleep(9)', "count from 1"),
    ],
    ids=["exit code", "signal", "no metric", "step 0"],
)
def test_what_goes_wrong_is_the_reason(client: Client, tmp_path: Path, program: str, said: str) -> None:
    search = client.submit(SEARCH)
    assert ended(start(client, search, tmp_path, "-c", program))[0] == 0
    found = client.trial(f"{search.id}.0")
    assert found.state == "failed" and said in str(found.reason)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_hands_the_trial_back_with_its_state(client: Client, tmp_path: Path, number: int) -> None:
    search = client.submit(SEARCH)
    slow = ("train.py", "{rate}", "{epochs}", "0.4")
    process = start(client, search, tmp_path, *slow)
    wait(
        lambda: client.trial(f"{search.id}.0").epoch >= 2 if running(client, search) else 0, 30, "two epochs"
    )
    process.send_signal(number)
    assert process.wait(20) != 0
    process.communicate()
    found = client.trial(f"{search.id}.0")
    assert found.state == "queued" and not children("train.py", tmp_path)
    _, out, errors = ended(start(client, search, tmp_path, *slow))
    assert "from 2, told 2" in out or "from 3, told 3" in out, out + errors
    [branch] = client.curve(found)["branches"]
    assert branch["epoch"] == [1, 2, 3, 4]
    assert client.trial(found).state == "completed"


def test_limits_and_a_persons_stop_end_all_that_the_program_started(client: Client, tmp_path: Path) -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(77)'])"
    search = client.submit(SEARCH, limits={"seconds": 1})
    assert ended(start(client, search, tmp_path, "-c", program))[0] == 0
    found = client.trial(f"{search.id}.0")
    assert found.state == "failed" and "limit of 1 seconds" in str(found.reason)
    search = client.submit(SEARCH)
    process = start(client, search, tmp_path, "-c", program)
    wait(lambda: running(client, search), 30, "the program")
    client.command(f"{search.id}.0", "stop")
    assert ended(process)[0] == 0
    assert client.trial(f"{search.id}.0").state == "cancelled"
    assert not children("time.sleep(77)", tmp_path)


def test_limits_that_were_edited_hold_for_the_trials_that_follow(client: Client, tmp_path: Path) -> None:
    program = "import sys, time; time.sleep(77 if sys.argv[1] == '0' else 2); print(0.5)"
    search = client.submit(SEARCH | {"budget": {"trials": 2}}, limits={"seconds": 1})
    process = start(client, search, tmp_path, "-c", program, "{number}")
    wait(lambda: running(client, search), 30, "the program")
    client.edit(search, limits={"seconds": 60})
    assert ended(process)[0] == 0
    assert [client.trial(f"{search.id}.{number}").state for number in (0, 1)] == ["failed", "completed"]


def running(client: Client, search: Search) -> int:
    return client.search(search).counts["running"]


def children(text: str, folder: Path) -> list[str]:
    """Name the processes of a folder whose command holds a text."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if text in (process / "cmdline").read_text() and (process / "cwd").resolve() == folder.resolve():
                found.append(process.name)
        except OSError:
            continue
    return found


def test_places_are_checked_before_anything_starts(client: Client, tmp_path: Path) -> None:
    search = client.submit(SEARCH)
    code, _, errors = ended(start(client, search, tmp_path, "train.py", "{lr}"))
    assert code == 1 and "no trial has a value for {lr}; there are {rate}, {kind}" in errors
    with pytest.raises(CaviarError, match="no program 'no-such-thing'"):
        check(["no-such-thing"], ["rate"], [])
    with pytest.raises(CaviarError, match="no command"):
        check([], ["rate"], [])
    assert check(["true", "{rate}"], ["rate", "kind"], []) == ["kind"]
    assert client.search(search).counts["running"] == client.search(search).counts["failed"] == 0


def test_words_are_filled_and_left_out_where_a_condition_is_not_met() -> None:
    values = {"rate": 0.1, "units": [3, 4], "kind": "a b", "flag": True}
    words = [
        "p",
        "--rate={rate}",
        "{kind}",
        "{units}",
        "{flag}",
        '{"json": 1}',
        "--m",
        "{m}",
        "--n={n}",
        "-v",
    ]
    assert filled(words, values) == ["p", "--rate=0.1", "a b", "[3, 4]", "true", '{"json": 1}', "-v"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"step": 3, "loss": 0.5, "name": "x", "ok": true}', Metrics({"loss": 0.5}, 3)),
        ('{"loss": NaN, "acc": null}', None),
        ("{broken", None),
        ("[1, 2]", None),
        ('{"step": 3}', None),
        ("0.5", None),
    ],
)
def test_lines_for_people_are_told_from_metrics(line: str, found: Metrics | None) -> None:
    read = CommandOutput("loss").read(line)
    if "NaN" in line:
        assert read is not None and str(read.values) == "{'loss': nan, 'acc': None}" and read.step is None
    else:
        assert read == found
