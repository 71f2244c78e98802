"""Data sets on the agent's side."""

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from caviar.agents.dataset_files import MODEL, FetchError, address_of, localise

CONTENT = b"a,b\n1,2\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
UPLOAD = {"id": 3, "digest": f"sha256:{DIGEST}", "kind": "csv"}


class Server:
    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.asked: list[str] = []

    def __call__(self, upload: Mapping[str, Any]) -> Iterator[bytes]:
        self.asked.append(address_of(upload))
        yield self.content[:3]
        yield self.content[3:]


def test_each_source_becomes_a_file_and_is_fetched_once(tmp_path: Path) -> None:
    server = Server()
    dataset = {"name": "mine", "target": "b", "upload": UPLOAD, "dev": {"name": "mine", "upload": UPLOAD}}
    path = str(tmp_path / DIGEST / "mine")  # messages name it as the user does
    expected = {"name": "mine", "target": "b", "path": path, "dev": {"name": "mine", "path": path}}
    assert localise(dataset, tmp_path, server) == expected
    assert localise(dataset, tmp_path, server) == expected
    assert server.asked == ["/datasets/3/content"]
    assert Path(path).read_bytes() == CONTENT
    assert localise({"name": "digits", "dev": None}, tmp_path, server) == {"name": "digits", "dev": None}


def test_further_rows_and_the_model_that_trials_start_from_are_fetched_too(tmp_path: Path) -> None:
    server = Server()
    model = {"id": 5, "digest": f"sha256:{DIGEST}", "kind": MODEL}
    dataset = {
        "name": "digits",
        "more_training_data": [{"name": "web", "share": 0.3, "upload": UPLOAD}, {"name": "iris"}],
        "init_from": {"name": "3.17", "upload": model},
    }
    local = localise(dataset, tmp_path, server)
    web, iris = local["more_training_data"]
    assert web == {"name": "web", "share": 0.3, "path": str(tmp_path / DIGEST / "web")}
    assert iris == {"name": "iris"}
    assert local["init_from"] == {"name": "3.17", "path": str(tmp_path / DIGEST / "3.17")}
    assert server.asked == ["/datasets/3/content", "/searches/5/init-model"]


def test_another_content_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(FetchError):
        localise({"name": "mine", "upload": UPLOAD}, tmp_path, Server(b"a,b\n1,3\n"))
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {".lock"}


@pytest.mark.parametrize(
    "change", [{"kind": "../csv"}, {"kind": "pkl"}, {"digest": "sha256:../../x"}, {"digest": "/" * 64}]
)
def test_a_server_cannot_choose_the_path(tmp_path: Path, change: dict[str, str]) -> None:
    with pytest.raises(FetchError):
        localise({"name": "mine", "upload": {**UPLOAD, **change}}, tmp_path, Server())


@pytest.mark.parametrize("name", ["../mine", "..", "a/b", "", "a\0"])
def test_nor_the_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(FetchError):
        localise({"name": name, "upload": UPLOAD}, tmp_path, Server())


def test_agents_of_a_machine_fetch_a_content_once(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n"
    fetched: list[int] = []
    meeting = threading.Barrier(4)

    def fetch(upload: Mapping[str, Any]) -> Iterator[bytes]:
        fetched.append(upload["id"])
        time.sleep(0.05)
        yield content

    def agent() -> None:
        upload = {"id": 7, "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "kind": "csv"}
        meeting.wait()
        path = localise({"name": "numbers", "upload": upload}, tmp_path, fetch)["path"]
        assert Path(path).read_bytes() == content

    agents = [threading.Thread(target=agent) for _ in range(4)]
    for one in agents:
        one.start()
    for one in agents:
        one.join()
    assert fetched == [7]
