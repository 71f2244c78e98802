"""Bodies of checkpoints: none is read in vain, and few large ones are in memory at once."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from caviar.service.api.checkpoints import SMALL
from caviar.service.api.services import LARGE_AT_ONCE
from tests.support.inprocess import BASE, running

API = "/api/v1"
AGENT = {"id": "a-0123456789abcdef", "host": "h", "pid": 1, "engine": "script", "trainers": ["external"]}
SEARCH = {"trainer": "external", "space": {"a": {"low": 0.0, "high": 1.0}}, "budget": {"trials": 1}}


class Sender:
    """Sends bodies that say when they are asked for, and wait in the middle."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.begun = 0
        self.go_on = anyio.Event()
        self.statuses: list[int] = []

    async def send(self, trial: str, attempt: int, content: bytes) -> None:
        async def body() -> AsyncIterator[bytes]:
            self.begun += 1
            yield content[:1]
            await self.go_on.wait()
            yield content[1:]

        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url=BASE) as client:
            answer = await client.put(
                f"{API}/trials/{trial}/checkpoints",
                params={"attempt": attempt, "digest": digest},
                content=body(),
                headers={"content-length": str(len(content))},
            )
        self.statuses.append(answer.status_code)


@pytest.mark.one_server("it counts what one process holds in memory")
def test_bodies_are_read_after_the_fence_and_large_ones_few_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        app.request("POST", f"{API}/searches", json=SEARCH)
        [trial] = app.request("POST", f"{API}/exchange", json={"agent": AGENT, "want": 1}).json()["trials"]

        async def scenario() -> None:
            sender, name = Sender(app.app), trial["trial"]
            await sender.send(name, 2, b"of another attempt")
            assert (sender.statuses, sender.begun) == ([409], 0)
            async with anyio.create_task_group() as group:
                for _ in range(LARGE_AT_ONCE + 2):
                    group.start_soon(sender.send, name, 1, bytes(SMALL + 1))
                for _ in range(3):
                    group.start_soon(sender.send, name, 1, b"small")
                with anyio.move_on_after(10):
                    while sender.begun < LARGE_AT_ONCE + 3:
                        await anyio.sleep(0.01)
                await anyio.sleep(0.2)
                assert sender.begun == LARGE_AT_ONCE + 3
                sender.go_on.set()
            assert sender.statuses.count(201) == LARGE_AT_ONCE + 5

        app._portal.call(scenario)
