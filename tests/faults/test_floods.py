"""Floods of every kind, with and without a token: probes, agents and other clients outlive them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.server_process import ROOT, Server

LEASE = 5.0
KINDS = {
    "heads": 1_100,
    "bodies": 300,
    "exchanges": 300,
    "streams": 2_000,
    "requests": 500,
    "logins": 200,
}
AT_LENGTH = {"pipelines": 50, "unread": 50, "chunks": 50}
SCOPES = {"reader": "read", "flooder": "steer", "agents": "agent", "rogue": "agent"}


class Bystander(threading.Thread):
    """Asks the same on a connection of its own each time, as a probe does, and notes how long it took."""

    def __init__(self, port: int, path: str, pause: float, headers: dict[str, str], body: Any = None) -> None:
        super().__init__(daemon=True)
        self._port, self._path, self._pause, self._headers, self._body = port, path, pause, headers, body
        self.over = threading.Event()
        self.seconds: list[float] = []
        self.faults: list[str] = []

    def run(self) -> None:
        while not self.over.wait(self._pause):
            began = time.monotonic()
            try:
                self._ask()
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(f"{self._path}: {error!r}")
            self.seconds.append(time.monotonic() - began)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            content = None if self._body is None else json.dumps(self._body)
            method = "GET" if content is None else "POST"
            headers = self._headers | ({} if content is None else {"Content-Type": "application/json"})
            connection.request(method, self._path, content, headers)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                self.faults.append(f"{self._path}: {response.status}")
        finally:
            connection.close()

    def percentile(self, part: float) -> float:
        """Return the time below which so many answers came."""
        return sorted(self.seconds)[int(len(self.seconds) * part)]

    def told(self) -> str:
        """Return the time below which half of the answers came, 99 of a hundred, and all."""
        times = (self.percentile(0.5), self.percentile(0.99), max(self.seconds))
        return "/".join(f"{1000 * seconds:.0f}" for seconds in times) + " ms"


class Scene:
    """A server, an agent at work on a trial, and three who look on; who calls has a token of its own."""

    def __init__(self, server: Server, asked: bool) -> None:
        self.server = server
        self.asked = asked
        server.start()
        owner = {"Authorization": f"Bearer {server.environment['CAVIAR_ADMIN_TOKEN']}"}
        server.client.headers.update(owner)
        self.tokens: dict[str, str] = {
            name: server.client.post("/api/v1/tokens", json={"name": name, "scope": scope}).json()["token"]
            for name, scope in (
                ("reader", "read"),
                ("flooder", "steer"),
                ("agents", "agent"),
                ("rogue", "agent"),
            )
        }
        server.submit(4)

    @contextmanager
    def watched(self) -> Iterator[dict[str, Bystander]]:
        """Have them look on for the length of a block; an agent keeps its trial all the while."""
        port = self.server.port
        mine = {"Authorization": f"Bearer {self.tokens['agents']}"}
        agent = {"id": f"a-{os.urandom(8).hex()}", "engine": "test", "trainers": ["counting"]}
        url = f"{self.server.url}/api/v1/exchange"
        took = self.server.client.post(url, json={"agent": agent, "want": 1}, headers=mine).json()["trials"]
        assert len(took) == 1, took
        message = {"agent": agent, "holding": [[took[0]["trial"], took[0]["attempt"]]]}
        own = {"Authorization": f"Bearer {self.tokens['reader']}"}
        everybody = {
            "livez": Bystander(port, "/livez", 0.02, {}),
            "readyz": Bystander(port, "/readyz", 0.02, {}),
            "reader": Bystander(port, "/api/v1/searches?limit=5", 0.1, own),
            "agent": Bystander(port, "/api/v1/exchange", 0.5, mine, message),
        }
        for one in everybody.values():
            one.start()
        try:
            yield everybody
        finally:
            for one in everybody.values():
                one.over.set()
            for one in everybody.values():
                one.join()
        held = self.server.client.post(url, json=message, headers=mine).json()
        assert held["drop"] == [], "the agent has lost its trial"
        self.server.client.post(url, json={**message, "leaving": True}, headers=mine)


def flood(scene: Scene, kind: str, token: str, seconds: float) -> dict[str, Bystander]:
    """Flood for so long; give those who looked on, of whom none met with a fault."""
    command = [sys.executable, "-m", "tests.support.flooding", kind]
    command += [str(scene.server.port), str(seconds), str((KINDS | AT_LENGTH)[kind])]
    with scene.watched() as everybody:
        done = subprocess.run(
            command,
            input=f"{token}\n",
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=seconds + 60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told = ", ".join(f"{name} {one.told()}" for name, one in everybody.items())
    print(f"{kind} for {seconds:g} s: {told}; answers {done.stdout.strip()}")
    assert [fault for one in everybody.values() for fault in one.faults] == []
    assert all(one.seconds for one in everybody.values())
    return everybody


@pytest.fixture(scope="module", params=["tokens asked for", "this machine"])
def scene(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Scene]:
    asked = request.param == "tokens asked for"
    server = Server(
        tmp_path_factory.mktemp("flooded"),
        workers=0,
        environment={"CAVIAR_ADMIN_TOKEN": "owner-" + "7c" * 20, "CAVIAR_LEASE": str(LEASE)},
        arguments=("--token-required",) if asked else (),
    )
    try:
        yield Scene(server, asked)
    finally:
        server.close()


def token_of(scene: Scene, kind: str, with_token: bool) -> str:
    if not with_token:
        return ""
    return scene.tokens["rogue" if kind == "exchanges" else "flooder"]


@pytest.mark.parametrize("with_token", [True, False], ids=["token", "no token"])
@pytest.mark.parametrize("kind", KINDS)
def test_probes_agents_and_others_outlive_a_flood(scene: Scene, kind: str, with_token: bool) -> None:
    """In a moment one sees that they are answered; how soon on the whole, only in a longer one."""
    everybody = flood(scene, kind, token_of(scene, kind, with_token), 2.0)
    for one in everybody.values():
        assert max(one.seconds) < LEASE
    for name in ("livez", "readyz"):
        assert everybody[name].percentile(0.5) < 0.2


@pytest.mark.soak
@pytest.mark.parametrize("with_token", [True, False], ids=["token", "no token"])
@pytest.mark.parametrize("kind", KINDS | AT_LENGTH)
def test_a_minute_of_each_flood(scene: Scene, kind: str, with_token: bool) -> None:
    everybody = flood(scene, kind, token_of(scene, kind, with_token), 60.0)
    for name, seconds in (("livez", 0.2), ("readyz", 0.2), ("reader", 1.0), ("agent", LEASE)):
        assert everybody[name].percentile(0.99) < seconds
