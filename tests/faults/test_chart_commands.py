"""The commands that the Helm chart renders, run in its order as processes: a finished search at the end."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.support import chart
from tests.support.deployed import answers, small_search
from tests.support.server_process import ROOT, free_port
from tests.support.waiting import wait

pytestmark = [pytest.mark.soak, pytest.mark.postgres]

SEARCH = small_search("chart", trials=8, parallel=4)


class Pods:
    """What a cluster would do: folders mounted at paths, addresses for names, a process for a container."""

    def __init__(self, folder: Path, documents: list[Any]) -> None:
        self.folder, self.port = folder, free_port()
        self._made = {
            document["kind"] + "/" + document["metadata"]["name"]: document for document in documents
        }
        self.secrets = {name: secrets.token_hex(32) for name in ("admin-token", "agent-token")}
        for place in ("secrets", "data", "kernels", "worker"):
            (folder / place).mkdir()
        for name, value in {**self.secrets, "database-password": "unused"}.items():
            (folder / "secrets" / name).write_text(value)

    def container(self, kind: str, init: bool = False) -> Any:
        """Return the container of a workload; of a scaled job, that of the jobs it starts."""
        spec = self._made[kind]["spec"]
        pod = spec.get("jobTargetRef", spec)["template"]["spec"]
        return pod["initContainers" if init else "containers"][0]

    def has(self, kind: str) -> bool:
        return kind in self._made

    @contextmanager
    def running(self, container: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Run a container's command until it ends, or the block does; then it gets SIGTERM."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
        stage = (ROOT / "Dockerfile").read_text().split("ENV PATH")[-1]
        image = dict(re.findall(r"\b(CAVIAR_[A-Z_]+)=(\S+)", stage))
        given = {one["name"]: one["value"] for one in container.get("env", [])}
        ours = {name: self._here(value) for name, value in {**image, **given}.items()}
        words = [str(self.port) if word == "8000" else self._here(word) for word in container["args"]]
        with (self.folder / f"{container['name']}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "caviar", *words],
                env={**kept, "PYTHONPATH": str(ROOT), **ours},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert process.returncode == 0, (self.folder / f"{container['name']}.log").read_text()[-3000:]

    def _here(self, text: str) -> str:
        places = {"/run/secrets/caviar": "secrets", "/var/lib/caviar": "data", "/var/cache/caviar": "kernels"}
        for there, here in {**places, "/tmp/caviar": "worker"}.items():
            text = text.replace(there, str(self.folder / here))
        text = text.replace("http://lab-server:8000", f"http://127.0.0.1:{self.port}")
        return "127.0.0.1" if text == "0.0.0.0" else text


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_the_commands_end_in_a_finished_search(tmp_path: Path, postgres_url: URL, database: str) -> None:
    url = postgres_url.render_as_string(hide_password=False) if database == "postgres" else ""
    settings = chart.values(
        database={"url": url},
        workers={"mode": "keda", "exitWhenIdle": "2s"},
        server={"pathPrefix": "/caviar"},
    )
    pods = Pods(tmp_path, chart.rendered(settings))
    hook = "Job/lab-migrate"
    assert pods.has(hook) == (database == "postgres")
    migrate = pods.container(hook) if pods.has(hook) else pods.container("Deployment/lab-server", init=True)
    with pods.running(migrate) as first:
        first.wait(120)
    server = pods.container("Deployment/lab-server")
    at = f"http://127.0.0.1:{pods.port}"

    with pods.running(server):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            wait(partial(answers, at, server[probe]["httpGet"]["path"]), 90, probe)
        admin = {"Authorization": f"Bearer {pods.secrets['admin-token']}", "Host": "lab-server"}
        agent = {"Authorization": f"Bearer {pods.secrets['agent-token']}", "Host": "lab-server.science.svc"}
        made = httpx.post(f"{at}/api/v1/searches", json=SEARCH, headers=admin, timeout=30)
        assert made.status_code == 201, made.text

        def wanted() -> Any:  # what KEDA asks, with its token
            return httpx.get(f"{at}/api/v1/agents/wanted", headers=agent, timeout=30).json()["wanted"]

        assert wanted() == SEARCH["parallel"]
        with pods.running(pods.container("ScaledJob/lab-worker")) as worker:
            assert worker.wait(300) == 0
        found = httpx.get(f"{at}/api/v1/searches/1", headers=admin, timeout=30).json()
        assert (found["state"], found["counts"]["completed"]) == ("completed", 8)
        assert wanted() == 0
