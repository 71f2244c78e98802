"""Commands on searches and data sets that are on the server already."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from caviar import CaviarError, ConflictError, InvalidError
from caviar.cli import managing
from tests.support.commandline import ROOT, typed

SEARCH = {
    "name": "waiting",
    "dataset": {"name": "wine"},
    "space": {"learning_rate": {"scale": "log", "low": 0.001, "high": 0.1}},
    "strategy": {"name": "random"},
    "budget": {"trials": 6},
}


@pytest.fixture
def search(client):
    made = client.submit(SEARCH)
    yield made
    if any(one.id == made.id for one in client.searches()):
        client.delete(made)


@pytest.fixture
def type_in(server, capsys, monkeypatch):
    monkeypatch.setenv("CAVIAR_URL", server)
    return lambda *words: typed(capsys, *words)


def test_searches_are_listed_newest_first_page_by_page(client, type_in):
    assert "There are no searches yet." in type_in("list").stdout
    made = [client.submit(SEARCH, name=name).id for name in ("a", "b", "c")]
    shown = type_in("list").stdout
    assert [name for name in shown.split() if name in "abc"] == ["c", "b", "a"] and "0/6" in shown
    first = type_in("list", "-n", 2)
    assert "There are more: --page 2" in first.stdout and " a " not in first.stdout
    assert " a " in type_in("list", "-n", 2, "--page", 2).stdout
    found = json.loads(type_in("list", "--json", "--state", "queued").stdout)
    assert [one["id"] for one in found] == made[::-1]
    assert "No search matches." in type_in("list", "--name", "zebra").stdout
    assert type_in("list", "--state", "asleep").returncode == 2
    for number in made:
        client.delete(number)


def test_a_search_is_paused_resumed_and_cancelled(client, search, type_in):
    name = f"Search {search.id} (waiting)"
    assert type_in("pause", search.id).stdout.startswith(f"{name} is paused: no new trials are started")
    assert client.search(search).state == "paused"
    assert type_in("resume", search.id).stdout == f"{name} goes on: 0 of 6 trials have ended.\n"
    assert type_in("cancel", search.id).stdout == f"{name} is cancelled; its results stay.\n"
    refused = type_in("resume", search.id)
    assert refused.returncode == 1 and "was cancelled" in refused.stderr
    refused = type_in("edit", search.id, "budget.trials=20")
    assert refused.returncode == 1 and "submit a copy of it" in refused.stderr
    assert client.search(search).trials == 6


def test_a_search_is_edited_by_names_with_dots(client, search, type_in):
    done = type_in("edit", search.id, "budget.trials=20", "space.learning_rate.high=1e-2", "note=3: so far")
    assert "budget.trials=20, space.learning_rate.high=1e-2, note=3: so far" in done.stdout, done.stderr
    found = client.search(search)
    assert (found.trials, found.note) == (20, "3: so far")
    assert found.spec["space"]["learning_rate"] == {"scale": "log", "low": 0.001, "high": 0.01}
    assert "is unchanged" in type_in("edit", search.id, "budget.trials=20").stdout


def test_what_somebody_else_changed_meanwhile_is_not_undone(client, search, type_in, monkeypatch):
    def changes_of(spec, values):
        other = {"learning_rate": {"scale": "log", "low": 0.002, "high": 0.1}}
        client.edit(search, version=search.version, space=other)
        return found(spec, values)

    found = managing.changes_of
    monkeypatch.setattr(managing, "changes_of", changes_of)
    late = type_in("edit", search.id, "space.learning_rate.high=0.05")
    assert late.returncode == 1
    assert f"search {search.id} has version 2, not 1: read it again, then repeat the change" in late.stderr
    monkeypatch.setattr(managing, "changes_of", found)
    assert type_in("edit", search.id, "space.learning_rate.high=0.05").returncode == 0
    rate = client.search(search).spec["space"]["learning_rate"]
    assert rate == {"scale": "log", "low": 0.002, "high": 0.05}


@pytest.mark.parametrize("word", ["abc", "3.17", "-1", "²"])
@pytest.mark.parametrize("command", ["best", "pause", "edit"])
def test_what_is_no_number_of_a_search(type_in, command, word):
    done = type_in(command, "--", word, *(["parallel=2"] if command == "edit" else []))
    assert done.returncode == 2 and f"{word!r} is not the number of a search, such as 3" in done.stderr


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("seed=3", "seed: cannot be edited"),
        ("budget.trials=.nan", "budget.trials: nan is not a finite number"),
        ("budget.trials=nan", "budget.trials: nan is not a finite number"),
        ("name.first=3", "name.first: name has no parts"),
        ("parallel", "'parallel' is not of the form NAME=VALUE"),
    ],
)
def test_an_edit_that_cannot_be(client, search, type_in, pair, said):
    done = type_in("edit", search.id, pair)
    assert done.returncode == 2 and said in done.stderr
    assert client.search(search).spec == search.spec


def test_nothing_is_deleted_unasked(client, search, type_in):
    left = type_in("delete", search.id)
    assert left.returncode == 1 and "add --yes" in left.stderr
    assert client.search(search).id == search.id
    assert type_in("delete", search.id, "--yes").stdout == f"Search {search.id} (waiting) is deleted.\n"
    assert type_in("delete", search.id, "--yes").returncode == 1


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"y\n", 0)])
def test_a_person_at_a_terminal_is_asked(server, search, answer, code):
    here, there = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "caviar", "delete", str(search.id), "--url", server],
        stdin=there, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT,
    )  # fmt: skip
    os.write(here, answer)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == code and "Delete Search" in said and "permanently?" in said
    assert ("is deleted" in said) == (code == 0)
    for end in (here, there):
        os.close(end)


# Requests -----------------------------------------------------------------------------------------


def test_numbers_that_are_not_finite_are_not_sent(client, search):
    with pytest.raises(InvalidError, match=r"settings\.l2: nan is not a finite number"):
        client.submit(SEARCH, settings={"l2": float("nan")})
    with pytest.raises(InvalidError, match=r"points\.1\.learning_rate: inf is not"):
        client.enqueue(search, {"learning_rate": 0.01}, {"learning_rate": np.float32("inf")})
    assert len(list(client.trials(search))) == 0


@pytest.mark.parametrize("thing", [3, 3.5, ["a"], {"a"}])
def test_what_can_be_submitted_is_said(client, thing):
    with pytest.raises(CaviarError, match="a search is a mapping, the path of a YAML or JSON file"):
        client.submit(thing)


def test_what_json_cannot_hold_is_said(client):
    with pytest.raises(CaviarError, match="cannot be sent as JSON"):
        client.submit(SEARCH, note=object())


def test_arrays_are_submitted(client):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4, 60)).T  # not contiguous
    y = np.array(["yes", "no"] * 30, dtype=object)
    first = client.submit(SEARCH, dataset={"X": X, "y": y, "split": {"train": 0.8, "dev": 0.2}})
    again = client.submit(SEARCH, dataset={"X": X.tolist(), "y": list(y)})
    other = client.submit(SEARCH, dataset={"name": "mine", "X": X, "y": rng.integers(0, 2, 60)})
    assert first.spec["dataset"]["name"] == again.spec["dataset"]["name"] == "arrays.npz"
    assert other.spec["dataset"]["name"] == "mine"
    found = {one["name"]: one for one in client.datasets()}["arrays.npz"]
    assert (found["rows"], found["columns"], found["target"]["task"]) == (60, 4, "classification")
    for wrong, said in (
        ({"X": X}, "dataset.y: None"),
        ({"X": [[1], [1, 2]], "y": [0, 1]}, "dataset.X: this is"),
    ):
        with pytest.raises(CaviarError, match=said):
            client.submit(SEARCH, dataset=wrong)
    for one in (first, again, other):
        client.delete(one)


# Data sets ----------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "houses.csv"
    rows = (f"2026-01-{1 + row % 28:02},{row},{row % 3},{row / 7}" for row in range(90))
    file.write_text("\n".join(["sold,size,zone,price", *rows]))
    return file


def test_a_file_with_dates_is_uploaded_listed_and_deleted(client, table, type_in):
    assert type_in("upload", table).returncode == 2  # dates are no numbers
    done = type_in("upload", table, "--ignore", "sold", "--categorical", "zone", "--task", "regression")
    assert "Data set houses.csv: 90 rows, 2 features\nTarget: price (regression)" in done.stdout, done.stderr
    listed = type_in("datasets", "list").stdout
    assert "houses.csv" in listed and "digits" in listed
    used = client.submit(SEARCH, dataset={"name": "houses.csv"})
    refused = type_in("datasets", "delete", "houses.csv", "--yes")
    assert refused.returncode == 1
    assert f"'houses.csv' is the data of search {used.id}; delete it first" in refused.stderr
    with pytest.raises(ConflictError, match="is built in"):
        client.delete_dataset("digits")
    client.delete(used)
    assert "add --yes" in type_in("datasets", "delete", "houses.csv").stderr
    assert type_in("datasets", "delete", "houses.csv", "--yes").stdout == "Data set houses.csv is deleted.\n"
    assert "There is no data set 'houses.csv'" in type_in("datasets", "delete", "houses.csv", "--yes").stderr
