"""The built image: its entry point as the unprivileged user on a read-only root, up to a finished search."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.deployed import answers, small_search
from tests.support.hosts import network
from tests.support.image import Dockerfile, contained
from tests.support.waiting import wait

pytestmark = pytest.mark.soak
BUILT = os.environ.get("CAVIAR_IMAGE_ROOT", "")
SEARCH = small_search("image", trials=12)


@pytest.mark.skipif(not BUILT, reason="set CAVIAR_IMAGE_ROOT to the built image (docs/operations.md)")
def test_the_image_serves_as_its_user_on_a_read_only_root(tmp_path: Path) -> None:
    image = Dockerfile.read()
    volumes = {place: tmp_path / f"volume-{number}" for number, place in enumerate(image.volumes)}
    for folder in volumes.values():
        folder.mkdir()
        os.chown(folder, int(image.user), int(image.user))
    token = secrets.token_hex(32)
    log = tmp_path / "server.log"
    with network(1) as hosts, hosts.on(1):
        began = time.monotonic()
        server = contained(Path(BUILT), volumes, {"CAVIAR_ADMIN_TOKEN": token}, image.command, log)
        try:
            with httpx.Client(base_url="http://127.0.0.1:8000", timeout=30) as client:
                client.headers["Authorization"] = f"Bearer {token}"
                wait(lambda: answers("http://127.0.0.1:8000"), 120, log.read_text)
                _check_confined(server.pid, image)
                started = time.monotonic() - began
                made = client.post("/api/v1/searches", json=SEARCH)
                assert made.status_code == 201, made.text
                address = f"/api/v1/searches/{made.json()['id']}"
                wait(lambda: client.get(address).json()["state"] == "completed", 300, log.read_text)
                assert client.get(address).json()["counts"]["completed"] == 12
            print(f"ready after {started:.1f} s, finished after {time.monotonic() - began:.1f} s")
        finally:
            # Changing the user took the order off it to end with its parent; all it started ends with it.
            for first in psutil.Process(server.pid).children():
                first.kill()
            server.wait()
    owners = {path.stat().st_uid for folder in volumes.values() for path in folder.rglob("*")}
    assert owners == {int(image.user)}, "everything is written by the user of the image"


def _check_confined(pid: int, image: Dockerfile) -> None:
    """Check that what serves is the image's user, and what it sees as the root is read-only."""
    inside = [one for one in psutil.Process(pid).children(recursive=True) if one.uids().real]
    assert len(inside) > 1 and {one.uids().real for one in inside} == {int(image.user)}
    mounts = [line.split() for line in Path(f"/proc/{inside[0].pid}/mountinfo").read_text().splitlines()]
    options = {words[4]: words[5].split(",")[0] for words in mounts}
    assert options["/"] == "ro" and {options[place] for place in ("/tmp", *image.volumes)} == {"rw"}
