"""What a user types, against a real server with a real worker."""

import json
import os
import re
import socket
import subprocess
import sys
import time

import pytest

from caviar import ConflictError, InvalidError, NotFoundError, spreadsheets
from tests.support.commandline import ROOT, caviar, serving, typed
from tests.support.waiting import wait

SEARCH = """
name: wine
dataset: {name: wine, split: {train: 0.6, dev: 0.2, test: 0.2}}
settings: {epochs: 3, hidden_layers: 1, hidden_units: 8}
space:
  learning_rate: {scale: log, low: 1.0e-3, high: 1.0e-1}
strategy: {name: random}
budget: {trials: 6}
seed: 1
"""
EXTERNAL = {
    "name": "mine",
    "trainer": "external",
    "settings": {"slope": 2.0},
    "space": {"x": {"scale": "linear", "low": -1.0, "high": 1.0}},
    "strategy": {"name": "random"},
    "objective": {"metric": "loss", "direction": "minimize"},
    "budget": {"trials": 5},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with one worker, on a free port that it says itself."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder) as url:
        yield url


@pytest.fixture
def search_file(tmp_path):
    path = tmp_path / "search.yaml"
    path.write_text(SEARCH)
    return path


def test_submit_and_watch_to_the_end_then_best(server, search_file):
    done = caviar("submit", search_file, "--watch", "--url", server)
    assert done.returncode == 0, done.stderr
    assert "6/6 trials" in done.stdout and "dev_error" in done.stdout
    number = done.stdout.split()[1]
    best = caviar("best", number, "-k", "2", "--json", env={"CAVIAR_URL": server})
    trials = json.loads(best.stdout)
    assert len(trials) == 2 and trials[0]["value"] <= trials[1]["value"]
    assert "learning_rate" in trials[0]["params"]
    watched = caviar("watch", trials[0]["id"], "--url", server)
    assert watched.returncode == 0 and "dev_error" in watched.stdout and "epoch 3" in watched.stdout
    assert "6 completed" in caviar("best", number, "--url", server).stdout


def test_an_invalid_search_names_field_and_remedy_and_stores_nothing(server, search_file, client):
    before = len(list(client.searches()))
    search_file.write_text(SEARCH.replace("low: 1.0e-3", "low: 0").replace("trials: 6", "trials: 0"))
    done = caviar("submit", search_file, "--url", server)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert any(line.startswith("space.learning_rate") and " — " in line for line in lines), lines
    assert any(line.startswith("budget.trials") for line in lines), lines
    assert len(list(client.searches())) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("best", "1", "--url", "http://127.0.0.1:9"), "There is no Caviar server at http://127.0.0.1:9"),
        (("submit", "none.yaml"), "There is no file none.yaml"),
        (("best", "4711"), "4711"),
        (("watch", "4711.1"), "4711"),
    ],
)
def test_what_is_not_there_is_one_sentence(server, arguments, said):
    done = caviar(*arguments, env={"CAVIAR_URL": server})
    assert done.returncode == 1
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_name_that_is_neither_search_nor_trial(server):
    done = caviar("watch", "three", "--url", server)
    assert done.returncode == 2 and "such as 3.17" in done.stderr


def test_a_port_in_use_and_a_folder_without_permission(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = caviar("serve", "--port", port, "--data", tmp_path / "a")
    assert done.returncode == 1 and done.stderr.strip().startswith(f"Port {port} is in use"), done.stderr
    done = caviar("serve", "--host", "nowhere.invalid", "--port", 0, "--data", tmp_path / "a")
    assert done.returncode == 1 and "nowhere.invalid:0 cannot be listened on: " in done.stderr, done.stderr
    assert "Unknown error" not in done.stderr
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = caviar("serve", "--port", 0, "--data", blocked / "folder")
    assert done.returncode == 1 and "not writable" in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_server_on_the_same_data_is_refused(tmp_path):
    first = subprocess.Popen(
        [sys.executable, "-m", "caviar", "serve", "--port", "0", "--workers", "0", "--data", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        assert "ready" in first.stdout.readline()
        done = caviar("serve", "--port", 0, "--data", tmp_path)
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    finally:
        first.terminate()
        assert first.wait(20) == 0
        first.stdout.close()


def test_help_is_quick():
    caviar("--help")  # once, so that the files are compiled and in memory
    quickest = min(_seconds() for _ in range(3))
    assert quickest < 1.0, "target .5 s on a machine of its own"


def _seconds():
    began = time.monotonic()
    assert caviar("--help").returncode == 0
    return time.monotonic() - began


def test_migrate_says_the_schema(tmp_path):
    done = caviar("migrate", "--data", tmp_path)
    assert done.returncode == 0 and "has schema" in done.stdout, done.stderr
    assert caviar("migrate", "--data", tmp_path).returncode == 0


def table(path, rows, shift):
    lines = (f"{row},{row % 7},{'yes' if (row + shift) % 3 else 'no'}" for row in range(rows))
    path.write_text("\n".join(["a,b,answer", *lines]))
    return path


def test_files_that_a_search_names_are_uploaded_with_it(server, client, tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder, shift in ((mine, 0), (other, 1)):
        folder.mkdir()
        table(folder / "answers.csv", 120, shift)
        table(folder / "later.csv", 60, shift)
        dataset = "{path: answers.csv, target: answer, dev: {path: later.csv}}"
        text = SEARCH.replace("{name: wine, split: {train: 0.6, dev: 0.2, test: 0.2}}", dataset)
        (folder / "search.yaml").write_text(text)
    first = client.submit(mine / "search.yaml")
    again = client.submit(mine / "search.yaml")
    assert first.spec["dataset"] == again.spec["dataset"]
    assert (
        first.spec["dataset"]["name"] == "answers.csv" and first.spec["dataset"]["dev"]["name"] == "later.csv"
    )
    done = caviar("submit", other / "search.yaml", "--watch", "--url", server)
    assert done.returncode == 0 and "6 completed" in done.stdout, done.stderr
    third = client.search(again.id + 1)
    assert third.spec["dataset"]["name"].startswith("answers.csv ")  # the name was another file's
    assert client.wait(first, 60).counts["completed"] == 6


def test_a_file_is_uploaded_by_hand(server, tmp_path):
    file = table(tmp_path / "by hand.csv", 90, 0)
    done = caviar("upload", file, "--name", "hands", "--target", "answer", "--url", server)
    assert done.returncode == 0 and "Data set hands: 90 rows, 2 features" in done.stdout, done.stderr
    wrong = caviar("upload", file, "--name", "wrong", "--target", "question", "--url", server)
    assert wrong.returncode == 2 and "the file has no column 'question'" in wrong.stderr
    file.write_text(file.read_text().replace(",yes", ",", 3))
    gaps = caviar("upload", file, "--name", "gaps", "--target", "answer", "--url", server)
    assert (
        gaps.returncode == 0 and "Note: dataset.target: the file, row 2: the target is missing" in gaps.stderr
    )
    missing = caviar("upload", tmp_path / "none.csv", "--url", server)
    assert missing.returncode == 1 and "none.csv cannot be read: No such file" in missing.stderr


def test_the_client_through_the_life_of_a_search(client, search_file):
    search = client.submit(search_file, name="renamed", budget={"trials": 4})
    assert (search.name, search.trials) == ("renamed", 4)
    done = client.wait(search, timeout=60)
    assert done.state == "completed" and done.counts["completed"] == 4
    trials = list(client.trials(search, sort="number"))
    assert [trial.number for trial in trials] in ([0, 1, 2, 3], [1, 2, 3, 4])
    assert client.best(search, 1)[0].value == min(trial.value for trial in trials)
    curve = client.curve(trials[0])
    assert len(curve["branches"][0]["dev_error"]) == 3
    events = []
    for event in client.events(search, last="0"):
        events.append(event)
        if sum(one.kind == "trial" and one.data["state"] == "completed" for one in events) >= 4:
            break
    assert {one.data["id"] for one in events if one.kind == "trial"} == {trial.id for trial in trials}


def test_errors_of_the_client_have_a_class(client):
    with pytest.raises(NotFoundError):
        client.search(4711)
    with pytest.raises(InvalidError) as caught:
        client.submit(EXTERNAL, space={"x": {"scale": "log", "low": -1, "high": 1}})
    assert caught.value.problems[0].field.startswith("space.x")
    ended = client.wait(client.submit(SEARCH_DICT | {"budget": {"trials": 1}}), timeout=60)
    client.cancel(ended)
    with pytest.raises((ConflictError, NotFoundError)):
        client.rerun(client.best(ended, 1)[0])


SEARCH_DICT = {
    "dataset": {"name": "wine"},
    "settings": {"epochs": 2},
    "space": {"learning_rate": {"scale": "log", "low": 0.001, "high": 0.1}},
    "strategy": {"name": "random"},
}


def test_a_script_of_ones_own_asks_reports_and_obeys(client):
    search = client.submit(EXTERNAL)
    for trial in client.ask(search):
        x = trial.params["x"]
        if trial.number % 5 == 3:
            trial.fail("no memory left")
            continue
        for epoch in range(1, 4):
            trial.report(loss=trial.params["slope"] * x * x + 1 / epoch)
            assert trial.should_stop is None
    done = client.search(search)
    assert done.counts["failed"] == 1 and done.counts["completed"] == 4
    best = client.best(search, 1)[0]
    assert best.value == pytest.approx(2 * best.params["x"] ** 2 + 1 / 3)
    assert client.curve(best)["branches"][0]["loss"][-1] == pytest.approx(best.value)
    agents = client.transport.call("GET", "/agents")["items"]
    assert {agent["state"] for agent in agents if agent["pid"] == os.getpid()} == {"left"}


def test_a_script_that_leaves_the_loop_fails_its_trial(client):
    search = client.submit(EXTERNAL, budget={"trials": 2})
    for trial in client.ask(search):
        left = trial.id
        break
    wait(lambda: client.trial(left).state == "failed", 20, "the end of the trial")
    assert "left the loop" in client.trial(left).reason
    client.cancel(search)


def test_a_cancelled_search_stops_its_script(client):
    search = client.submit(EXTERNAL, budget={"trials": 3})
    for trial in client.ask(search):
        client.cancel(search)
        wait(lambda: trial.should_stop, 20, "the end of its trial")  # noqa: B023
    assert client.search(search).state == "cancelled"


def test_a_person_stops_a_script_that_asks_whether_to_stop(client):
    search = client.submit(EXTERNAL, budget={"trials": 2})
    trials = iter(client.ask(search))
    at_once = next(trials)
    client.command(at_once.id, "stop")
    assert report_until_stopped(at_once) == "stopped by a person"
    later = next(trials)
    client.command(later.id, "pause")
    awaited = client.command(later.id, "stop", at="epoch:100")
    withdrawn = client.command(later.id, "stop", at="epoch:5")
    client.transport.call("DELETE", f"/trials/{later.id}/commands/{withdrawn['id']}")

    def waiting() -> list[int]:
        assert later.should_stop is None
        return [one["id"] for one in client.given(later.id) if one["state"] == "waiting"]

    wait(lambda: waiting() == [awaited["id"]], 20, "the withdrawal")
    assert report_until_stopped(later) == "stopped by a person"
    assert list(trials) == []
    assert client.search(search).counts["stopped"] == 2
    assert client.given(at_once.id)[0]["state"] == "applied"
    pause, stop, taken_back, withdrawal = client.given(later.id)
    assert pause["state"] == "refused" and "the script has made no checkpoint" in pause["reason"]
    assert (stop["state"], stop["epoch"]) == ("applied", 100)
    assert taken_back["state"] == "refused" and withdrawal["state"] == "applied"


def test_a_script_that_asks_too_late_is_told_so(client):
    search = client.submit(EXTERNAL, budget={"trials": 1})
    for trial in client.ask(search):
        asks = [({"at": "epoch:2"}, 3.0), ({"at": "epoch:3", "late": "apply"}, 4.0), ({"at": "epoch:5"}, 5.0)]
        client.commands(
            trial.id, [{"kind": "set", "arguments": {"slope": slope}, "when": when} for when, slope in asks]
        )
        for _ in range(5):
            trial.report(dev_error=1.0)
        assert wait(trial.changes, 20, "the changes") == {"slope": 5.0}
        trial.complete()
    client.wait(search, 20)
    refused, late, exact = client.given(f"{search.id}.0")
    assert (refused["state"], refused["reason"]) == ("refused", "epoch 2 had passed (the trial was at 5)")
    assert (late["state"], late["reason"]) == ("applied", "late: epoch 3 had passed (the trial was at 5)")
    assert (exact["state"], exact["epoch"], exact["reason"]) == ("applied", 5, None)


def test_a_script_takes_the_changes_of_a_person(client):
    search = client.submit(EXTERNAL, budget={"trials": 1})
    for trial in client.ask(search):
        with pytest.raises(InvalidError, match="slop: the search has no such setting or parameter"):
            client.command(trial.id, "set", slop=3.0)
        client.command(trial.id, "set", slope=3.0)
        assert wait(trial.changes, 20, "the change") == {"slope": 3.0}
        trial.report(loss=1.0)
    assert client.given(trial.id)[0]["before"] == {"slope": 2.0}
    assert client.trial(trial.id).changed == {"slope": 3.0}


def report_until_stopped(trial):
    for _ in range(2000):
        trial.report(loss=1.0)
        if trial.should_stop:
            break
        time.sleep(0.005)
    return trial.should_stop


def test_the_errors_of_the_best_trial(server, client, search_file, tmp_path, capsys):
    search = client.wait(client.submit(search_file), timeout=120)
    [best] = client.best(search, k=1)
    page = client.errors(best)
    row = page["items"][0]["row"]
    said = typed(capsys, "errors", best.id, "--row", row, "--as", "blurry", "--url", server)
    assert said.stdout == f"Row {row}: blurry.\n", said.stderr
    shown = typed(capsys, "errors", best.id, "-k", 3, "--csv", tmp_path / "errors.csv", "--url", server)
    assert shown.returncode == 0, shown.stderr
    table = spreadsheets.read_csv((tmp_path / "errors.csv").read_text("utf-8"))
    assert len(table["row"]) == page["wrong"]
    assert (table["row"][0], table["tags"][0]) == (str(row), "blurry")
    shown = typed(capsys, "errors", best.id, "-k", 3, "--url", server).stdout
    assert f"{page['wrong']} wrong: error" in shown
    assert re.search(rf"blurry +1 +{100 / page['wrong']:.1f} %", shown)
    label = next(name for name in page["classes"] if name != page["items"][0]["truth"])
    client.tag_row(best, row, label=label)
    made = client.correct_labels(best, "better")
    assert made["dataset"]["version"]["corrections"][0]["new"] == label
    assert made["search"]["dataset"]["name"] == "better"
    assert client.error_causes(best)["causes"][0]["tag"] == "label is wrong"
    assert {one["name"] for one in client.error_slices(best)["columns"]} >= {page["targets"][0]}
