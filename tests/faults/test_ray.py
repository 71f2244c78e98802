"""A cluster of Ray: the same trials as anywhere, each once, whatever is killed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caviar.trainer.metrics import TIMINGS
from tests.support.inprocess import running
from tests.support.inprocess_agents import searched
from tests.support.ray_cluster import ADMIN, Cluster, clustered
from tests.support.ray_runs import run
from tests.support.server_process import Server
from tests.support.waiting import wait

DIGITS: dict[str, Any] = {
    "name": "digits",
    "trainer": "mlp",
    "dataset": {"name": "digits"},
    "settings": {"epochs": 4, "hidden_units": 16},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-1},
        "batch_size": {"type": "int", "scale": "log", "low": 16, "high": 512},
    },
    "strategy": "coarse_to_fine",
    "stopping": "successive_halving",
    "parallel": 2,
    "budget": {"trials": 8},
    "seed": 3,
}
SEEN = ("number", "state", "params", "seed", "epoch", "value", "stopped_by", "reason")


def outcome(trials: list[dict[str, Any]]) -> list[Any]:
    """Everything that must be the same, to the last bit."""
    found = sorted(trials, key=lambda trial: int(trial["number"]))
    metrics = [{n: v for n, v in trial["metrics"].items() if n not in TIMINGS} for trial in found]
    return [
        ({name: trial.get(name) for name in SEEN}, numbers)
        for trial, numbers in zip(found, metrics, strict=True)
    ]


def on_ray(make_server: Callable[..., Server], workers: int, *arguments: str) -> Server:
    server = make_server(
        workers=workers,
        environment={"CAVIAR_ADMIN_TOKEN": ADMIN},
        arguments=("--engine", "ray", *arguments),
    )
    server.start()
    return server


def test_a_cluster_of_this_machine_trains_the_same_trials(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = on_ray(make_server, 2)
    with running(tmp_path / "inside") as app:
        expected = outcome(searched(app, DIGITS))
    assert server.call("GET", "/agents").status_code == 401, "the token is required on this machine too"
    server.client.headers["Authorization"] = f"Bearer {ADMIN}"
    search = server.submit(8, **DIGITS)
    server.wait_finished(search, 180)
    assert outcome(server.trials(search)) == expected
    agents = server.get("/agents")["items"]
    assert {agent["engine"] for agent in agents} == {"ray"} and len(agents) <= 2
    assert server.rows("SELECT * FROM attempts") == []
    server.stop()
    wait(lambda: not server.agents_of_ray(), 20, "the end of Ray's processes")


@pytest.mark.soak
def test_local_agents_workers_and_nodes_train_the_same_trials(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    fields = {**DIGITS, "budget": {"trials": 24}, "lag": 2}
    local = make_server(workers=2)
    local.start()
    one = local.submit(24, **fields)
    local.wait_finished(one, 300)
    expected = outcome(local.trials(one))
    local.stop()
    remote = make_server(workers=0)
    remote.start()
    other = remote.submit(24, **fields)
    worker = remote.launch_worker("--workers", "2", "--exit-when-idle", "5s")
    try:
        remote.wait_finished(other, 300)
        assert worker.wait(60) == 0
    finally:
        worker.kill()
        worker.wait()
    assert outcome(remote.trials(other)) == expected
    remote.stop()
    with clustered(tmp_path) as (server, _):
        third = server.submit(24, **fields)
        server.wait_finished(third, 300)
        assert outcome(server.trials(third)) == expected


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_is_killed_every_trial_is_there_once(seed: int) -> None:
    for kind, seconds in run(8, seed).items():
        assert max(seconds) < 60, f"{kind}: {seconds}"


def cache(folder: Path) -> Path:
    """A cache of a node's own, but for the kernels."""
    from caviar.trainer.cache import folder as kernels

    folder.mkdir()
    for path in kernels().parent.iterdir():
        if path.name.startswith("kernels"):
            (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.soak
def test_resources_data_and_places_that_are_given_back(tmp_path: Path) -> None:
    content = b"".join(b"%d,%d,%d\n" % (n, n * n % 7, n % 2) for n in range(200))
    with clustered(tmp_path, nodes=0, most=4, CAVIAR_LOG_LEVEL="debug") as (server, cluster):
        server.wait_ready()
        cluster.start_node("plain", cpus=2, CAVIAR_CACHE=str(cache(tmp_path / "one")))
        fields = {**DIGITS, "resources": {"cpus": 1, "custom": {"disk": 1}}, "parallel": 4}
        answer = server.call("POST", "/datasets?name=numbers.csv", content=b"a,b,y\n" + content)
        assert answer.status_code == 201, answer.text
        data = {"name": "numbers.csv", "target": "y"}
        plain = server.submit(40, **{**fields, "dataset": data, "resources": {}, "budget": {"trials": 40}})
        special = server.submit(8, **{**fields, "dataset": data})
        server.wait_finished(plain, 300)
        assert server.search(special)["counts"]["running"] == 0, "no node has a disk yet"
        node = ("--resources", '{"disk": 2}')
        cluster.start_node("fast", *node, cpus=2, CAVIAR_CACHE=str(cache(tmp_path / "two")))
        server.wait_finished(special, 300)
        digest = hashlib.sha256(b"a,b,y\n" + content).hexdigest()
        for folder in ("one", "two"):
            assert (tmp_path / folder / "datasets" / digest / "numbers.csv").exists()
        fetched = sum("/content HTTP" in line for line in server.log.read_text().splitlines())
        assert fetched == 2, "once by each node, however many agents it has"
        wait(lambda: not cluster.actors("plain") + cluster.actors("fast"), 60, "the places given back")
        again = server.submit(4, **{**DIGITS, "budget": {"trials": 4}})
        server.wait_finished(again, 120)


@pytest.mark.soak
def test_nodes_that_cannot_work_say_why(tmp_path: Path) -> None:
    other = tmp_path / "other" / "caviar"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text('__version__ = "0.0.9"\n', encoding="utf-8")
    with clustered(tmp_path, nodes=0, most=1) as (server, cluster):
        cluster.start_node("old", PYTHONPATH=str(other.parent))
        search = server.submit(2)
        said = "has Caviar 0.0.9, the server has Caviar"
        wait(lambda: said in server.log.read_text(), 120, server.tail)
        assert "install it there: pip install" in server.log.read_text()
        cluster.kill("old")
        cluster.start_node("good")
        server.wait_finished(search, 180)


@pytest.mark.soak
def test_a_cluster_that_is_not_there_is_waited_for(make_server: Callable[..., Server]) -> None:
    base = make_server(workers=1)
    cluster = Cluster(base.environment)
    server = on_ray(make_server, 1, "--ray-address", cluster.address)
    server.client.headers["Authorization"] = f"Bearer {ADMIN}"
    try:
        search = server.submit(2)
        wait(lambda: "driver ended" in server.log.read_text(), 180, server.tail)
        cluster.start_head()
        cluster.start_node("n0")
        server.wait_finished(search, 180)
    finally:
        cluster.close()
