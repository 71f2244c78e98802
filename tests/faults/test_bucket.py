"""Two servers on one Postgres whose data folders nobody shares: all files are in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.engine import URL

from tests.support.balancer import balanced
from tests.support.buckets import KEYS, keys_of, new_bucket, object_server
from tests.support.commandline import caviar
from tests.support.fleet import ENVIRONMENT, Worker, agents_under
from tests.support.kill_runs import exactly_once, outcome
from tests.support.server_process import Server, free_port, serving
from tests.support.waiting import wait

SEARCH: dict[str, Any] = {
    "trials": 16,
    "trainer": "mlp",
    "dataset": {"name": "rings"},
    "settings": {"epochs": 150, "hidden_units": 32},
    "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-1}},
    "strategy": "coarse_to_fine",
    "parallel": 4,
    "lag": 5,
}


def rings() -> bytes:
    """A CSV file of two classes."""
    points = np.random.default_rng(5).normal(size=(600, 2))
    lines = [f"{x:.6f},{y:.6f},{'in' if x * x + y * y < 1.2 else 'out'}" for x, y in points]
    return "\n".join(["x,y,ring", *lines]).encode()


def uploaded(server: Server) -> int:
    words = {"name": "rings", "target": "ring"}
    response = server.call("POST", "/datasets", params=words, content=rings())
    assert response.status_code in (200, 201), response.text
    return int(response.json()["id"])


@contextmanager
def two_servers(folder: Path, database: URL, store: dict[str, str]) -> Iterator[list[Server]]:
    """Start two servers with folders of their own, and a worker of two agents behind a balancer."""
    with ExitStack() as ending:
        servers = []
        for number in range(2):
            own = folder / f"server-{number}"
            own.mkdir()
            url = database.set(drivername="postgresql").render_as_string(hide_password=False)
            servers.append(Server(own, workers=0, database=url, environment={**ENVIRONMENT, **store}))
            ending.callback(servers[-1].close)
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_ready()
        url = ending.enter_context(balanced([one.port for one in servers], seed=1))
        worker = Worker(url, 2, folder, {**servers[0].environment, "CAVIAR_CACHE": str(folder / "cache")})
        worker.launch()
        ending.callback(lambda: _end(worker))
        servers[0].wait_agents(2, 300)
        yield servers


def _end(worker: Worker) -> None:
    assert worker.process is not None
    for agent in agents_under(worker.process.pid).values():
        agent.kill()
    worker.process.kill()
    worker.process.wait()


@pytest.mark.soak
@pytest.mark.postgres
def test_a_search_on_two_servers_whose_bucket_goes_away_and_comes_back(
    tmp_path: Path, postgres_url: URL
) -> None:
    (tmp_path / "twin").mkdir()
    with serving(tmp_path / "twin", workers=1, environment=ENVIRONMENT) as twin:
        uploaded(twin)
        number = twin.submit(**SEARCH)
        twin.wait_finished(number, 300)
        expected = outcome(twin, number)
    port = free_port()
    with object_server(port) as endpoint:
        bucket = new_bucket(endpoint)
    store = {**KEYS, "CAVIAR_STORE": f"s3://{bucket}/lab", "CAVIAR_STORE_ENDPOINT": endpoint}
    with ExitStack() as serving_objects:
        serving_objects.enter_context(object_server(port))
        with two_servers(tmp_path, postgres_url, store) as (one, other):
            data = uploaded(one)
            number = other.submit(**SEARCH)
            wait(lambda: _of(endpoint, bucket, "checkpoints"), 120, "a checkpoint in the bucket")
            serving_objects.close()
            _refused_while_away(one)
            wait(lambda: "cannot be used" in one.tail() + other.tail(), 60, "a line in the log")
            serving_objects.enter_context(object_server(port))
            other.wait_finished(number, 300)
            exactly_once(one, [number], [SEARCH])
            assert outcome(one, number) == expected
            best = one.search(number)["best"]["trial"]
            _used(one, other, best, tmp_path)
            assert one.call("DELETE", f"/searches/{number}").status_code == 204
            wait(lambda: not _of(endpoint, bucket, "checkpoints"), 60, "the removal of the search's files")
            assert other.call("DELETE", f"/datasets/{data}").status_code == 204
            assert keys_of(endpoint, bucket) == []
            assert other.call("GET", f"/datasets/{data}/content").status_code == 404


def _refused_while_away(server: Server) -> None:
    """What needs the bucket is refused with 503, and the server stays ready."""
    words = {"name": "other", "target": "ring"}
    response = server.client.post("/api/v1/datasets", params=words, content=rings() + b"\n")
    assert response.status_code == 503 and "bucket" in response.text, response.text
    assert server.ready()


def _of(endpoint: str, bucket: str, folder: str) -> list[str]:
    return [key for key in keys_of(endpoint, bucket) if key.startswith(f"lab/{folder}/")]


def _used(one: Server, other: Server, trial: str, folder: Path) -> None:
    """Predict with a trial's model through both servers, download it, and replay the trial."""
    answers = [
        server.call("POST", f"/trials/{trial}/predict", json={"rows": [{"x": 0.1, "y": 0.2}]})
        for server in (one, other)
    ]
    assert answers[0].status_code == 200 and answers[0].json() == answers[1].json(), answers[0].text
    outcomes = [server.get(f"/trials/{trial}/predictions") for server in (one, other)]
    assert outcomes[0] == outcomes[1]
    models = [server.call("GET", f"/trials/{trial}/model").content for server in (one, other)]
    assert models[0] == models[1] != b""
    for server in (one, other):
        replayed = caviar("replay", trial, "--url", server.url, timeout=120, root=folder)
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr


@pytest.mark.soak
def test_a_server_does_not_start_without_its_bucket(tmp_path: Path) -> None:
    store = {"CAVIAR_STORE": "s3://lab", "CAVIAR_STORE_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    server = Server(tmp_path, environment={**KEYS, **store})
    server.launch()
    assert server.process is not None and server.process.wait(60) == 1
    assert "s3://lab at http://127.0.0.1" in server.tail() and "AWS_ACCESS_KEY_ID" in server.tail()
    server.close()
