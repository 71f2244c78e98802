"""The compose file's commands, run in its order as processes on a Postgres: a finished search at the end."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy.engine import URL

from caviar.trainer.cache import folder
from caviar.trainer.warming import warm
from tests.support.deployed import answers, small_search
from tests.support.server_process import ROOT, free_port
from tests.support.waiting import wait

pytestmark = pytest.mark.postgres


class Deployment:
    """What Docker would do: secrets as files, names of services as addresses, one process for a container."""

    def __init__(self, folder: Path, database: URL) -> None:
        self.compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
        self.port = free_port()
        self.folder = folder
        self.secrets = {}
        for name in self.compose["secrets"]:
            self.secrets[name] = secrets.token_hex(32)
            (folder / name).write_text(self.secrets[name] + "\n")
        self._database = database.set(password=None).render_as_string()

    def environment(self, service: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
        given = {
            name: self._local(value)
            for name, value in self.compose["services"][service]["environment"].items()
        }
        stage = (ROOT / "Dockerfile").read_text().split("ENV PATH")[-1]
        image = dict(re.findall(r"\b([A-Z_]+)=(\S+)", stage))
        image = {name: self._local(value) for name, value in image.items() if name.startswith("CAVIAR_")}
        home = {"HOME": str(self.folder / "home"), "PYTHONPATH": str(ROOT)}
        return {**kept, **image, **home, **given}

    def command(self, service: str) -> list[str]:
        words = [self._local(word) for word in self.compose["services"][service]["command"]]
        return [sys.executable, "-m", "caviar", *words]

    def _local(self, text: str) -> str:
        folders = {"/run/secrets": "", "/tmp/caviar": "/worker", "/var/lib/caviar": "/data"}
        for there, here in {**folders, "/var/cache/caviar": "/kernels"}.items():
            text = text.replace(there, f"{self.folder}{here}")
        text = text.replace("postgresql://caviar@database:5432/caviar", self._database)
        text = text.replace("http://server:8000", f"http://127.0.0.1:{self.port}").replace(
            "0.0.0.0", "127.0.0.1"
        )
        return str(self.port) if text == "8000" else text

    @contextmanager
    def process(self, service: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / f"{service}.log").open("ab") as log:
            started = subprocess.Popen(
                self.command(service),
                env=self.environment(service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        try:
            yield started
        finally:
            if started.poll() is None:
                started.terminate()
            try:
                code = started.wait(35)
            except subprocess.TimeoutExpired:
                started.kill()
                raise
            assert code == 0, (self.folder / f"{service}.log").read_text()[-3000:]


SEARCH = small_search("compose", trials=12, parallel=4)


def test_the_commands_end_in_a_finished_search(tmp_path: Path, postgres_url: URL) -> None:
    deployment = Deployment(tmp_path, postgres_url)
    warm(say=lambda _words: None)
    shutil.copytree(folder(), tmp_path / "kernels" / folder().name)  # the volume, as an earlier start left it
    url = f"http://127.0.0.1:{deployment.port}"

    for _ in range(2):  # the second time there is nothing to do
        subprocess.run(
            deployment.command("migrate"),
            env=deployment.environment("migrate"),
            check=True,
            timeout=60,
            cwd=tmp_path,
        )
    with ExitStack() as running:
        running.enter_context(deployment.process("server"))
        wait(lambda: answers(url), 60, "the server's health check")
        assert httpx.get(f"{url}/api/v1/searches").status_code == 401
        for _ in range(2):  # --scale worker=2
            running.enter_context(deployment.process("worker"))
        admin = {"Authorization": f"Bearer {deployment.secrets['admin_token']}"}
        agent = {"Authorization": f"Bearer {deployment.secrets['agent_token']}"}
        assert httpx.get(f"{url}/api/v1/searches", headers=agent).status_code == 403
        assert httpx.get(f"{url}/api/v1/searches", headers={"Host": "evil.example"}).status_code == 400

        def agents() -> Any:
            return httpx.get(f"{url}/api/v1/agents", headers=admin, timeout=30).json()["items"]

        wait(lambda: len(agents()) == 2, 120, "both workers")
        asked = subprocess.run(
            [*deployment.command("worker"), "--health"],
            env=deployment.environment("worker"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert asked.returncode == 0 and all(one["id"] in asked.stdout for one in agents()), asked.stderr
        made = httpx.post(f"{url}/api/v1/searches", json=SEARCH, headers=admin, timeout=30)
        assert made.status_code == 201, made.text

        def state() -> Any:
            return httpx.get(f"{url}/api/v1/searches/1", headers=admin, timeout=30).json()

        wait(lambda: state()["state"] == "completed", 240, "the end of the search")
        assert state()["counts"]["completed"] == 12
    for log in tmp_path.glob("*.log"):
        text = log.read_text()
        assert not any(secret in text for secret in deployment.secrets.values()), f"a secret in {log.name}"
        assert "compiling" not in text
    assert [one.name for one in (tmp_path / "kernels").glob("kernels-*")] == [folder().name]
    assert not (tmp_path / "home").exists()
