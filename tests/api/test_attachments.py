"""What a script notes of a trial and attaches to it, and how people get at it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar import Client, Search
from caviar.errors import CaviarError, ConflictError, NotFoundError
from caviar.external_trial import ExternalTrial
from tests.support.commandline import serving, typed

SEARCH = {
    "trainer": "external",
    "space": {"x": {"scale": "linear", "low": 0.0, "high": 1.0}},
    "objective": {"metric": "loss", "direction": "minimize"},
    "budget": {"trials": 1},
    "seed": 1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with serving(folder, workers=0, env={"CAVIAR_INTERVAL": "0.2"}) as url:
        yield url


@pytest.fixture
def search(client: Client) -> Iterator[Search]:
    found = client.submit(SEARCH)
    yield found
    client.delete(found)


def only(client: Client, search: Search) -> ExternalTrial:
    return next(client.ask(search))


def test_a_script_keeps_attributes_and_files_with_its_trial(
    client: Client, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = client.submit(SEARCH)
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "curve.svg").write_text("<svg/>")
    for trial in client.ask(search):
        trial.note("git", "4f2c")
        trial.note("rows", {"train": 1000, "dev": [np.int64(1), np.float32(0.5)]})
        trial.note("git", "51aa")
        trial.attach(b"first", "größe 100%.txt")
        trial.attach(b"second", "größe 100%.txt")
        trial.attach(tmp_path / "plots")
        trial.report(loss=1.0)
    name = f"{search.id}.0"
    assert client.attributes(name) == {"git": "51aa", "rows": {"train": 1000, "dev": [1, 0.5]}}
    files = {one["name"]: one["size"] for one in client.artifacts(name)}
    assert files["größe 100%.txt"] == 6 and set(files) == {"größe 100%.txt", "plots.tar"}
    assert client.artifact(name, "größe 100%.txt") == b"second"
    answer = client.transport.request(
        "GET", f"/trials/{name}/artifacts/content", params={"name": "größe 100%.txt"}
    )
    shown = answer.headers["content-disposition"], answer.headers["content-type"]
    assert shown == ("attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%20100%25.txt", "application/octet-stream")
    with pytest.raises(NotFoundError, match=r"no artifact 'other'; there is größe 100%\.txt, plots\.tar"):
        client.artifact(name, "other")

    listed = typed(capsys, "artifacts", name, "--url", client.url).stdout
    assert "git: 51aa" in listed and "größe 100%.txt  6 bytes" in listed
    target = tmp_path / "got.txt"
    typed(capsys, "artifacts", name, "größe 100%.txt", "-o", target, "--url", client.url)
    assert target.read_bytes() == b"second"

    stored = [path for path in (folder / "checkpoints").rglob("*") if path.is_file()]
    assert len(stored) == 2, "the file that was replaced is gone"
    client.delete(search)
    assert not any(path.is_file() for path in (folder / "checkpoints").rglob("*"))
    with pytest.raises(NotFoundError):
        client.artifacts(name)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda trial: trial.note("", 1), "1 to 64 printable"),
        (lambda trial: trial.note("x" * 65, 1), "1 to 64 printable"),
        (lambda trial: trial.note("key", float("nan")), "'key' cannot be kept"),
        (lambda trial: trial.note("key", object()), "object is not JSON; give text, numbers"),
        (lambda trial: trial.note("key", "x" * 10_000), "'key' is 10,002 characters.*attach a file"),
        (lambda trial: trial.attach(b"x"), "Bytes need a name"),
        (lambda trial: trial.attach(b"x", "../x"), "without its folder"),
        (lambda trial: trial.attach("nowhere.txt"), "artifact nowhere.txt cannot be read"),
        (lambda trial: trial.attach(3), "artifact is bytes or the path"),
    ],
    ids=["no key", "long key", "NaN", "object", "long", "no name", "folder", "no file", "number"],
)
def test_what_cannot_be_kept_is_refused_where_it_is_given(
    client: Client, search: Search, call: Any, said: str
) -> None:
    with pytest.raises(CaviarError, match=said):
        call(only(client, search))


def test_a_file_that_is_too_large_is_refused(
    client: Client, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caviar.exchange.attachment_limits.FILE_BYTES", 2**20)
    with pytest.raises(CaviarError, match="'model' has 2 MB; at most 1 MB are kept; store it elsewhere"):
        only(client, search).attach(bytes(2**21), "model")


def test_only_the_attempt_in_hand_may_set_them_and_no_more_than_a_hundred(
    client: Client, search: Search
) -> None:
    for trial in client.ask(search):
        for number in range(101):
            trial.note(f"key {number}", number)
        trial.note("key 3", "replaced")
        trial.report(loss=1.0)
    found = client.attributes(f"{search.id}.0")
    assert len(found) == 100 and found["key 3"] == "replaced"
    path = f"/trials/{search.id}.0/attributes"
    with pytest.raises(ConflictError, match=r"attempt 1 at trial .* is over"):
        client.transport.call("PUT", path, params={"attempt": 1, "key": "late"}, json=1)


def test_an_artifact_is_whole_or_not_there(client: Client, search: Search, folder: Path) -> None:
    for trial in client.ask(search):
        trial.attach(os.urandom(100), "file")
        trial.report(loss=1.0)
    (file,) = [path for path in (folder / "checkpoints").rglob(f"*/{search.id}/*") if path.is_file()]
    file.write_bytes(b"torn")
    with pytest.raises(NotFoundError, match="damaged"):
        client.artifact(f"{search.id}.0", "file")
