"""More at once than the server takes is refused, streams do not crowd out requests, probes always pass."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from caviar.service.api.concurrency_limit import ConcurrencyLimit
from caviar.service.config import Limits


class Caller:
    """Calls an application that holds every request until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.load = ConcurrencyLimit(self._app, Limits(requests=2, streams=1))

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/broken":
            raise RuntimeError("broken")
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def call(self, path: str) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await self.load({"type": "http", "path": path}, None, send)  # type: ignore[arg-type]
        return sent

    def start(self, path: str) -> asyncio.Task[list[Any]]:
        return asyncio.get_running_loop().create_task(self.call(path))


def test_what_is_too_much_is_told_to_come_back() -> None:
    async def scenario() -> None:
        caller = Caller()
        held = [caller.start("/api/v1/searches") for _ in range(2)]
        stream = caller.start("/api/v1/searches/1/events")
        await asyncio.sleep(0)
        for path in ("/api/v1/searches", "/api/v1/agents/a-0/wake", "/metrics"):
            start, body = await caller.call(path)
            assert start["status"] == 503
            headers = dict(start["headers"])
            assert headers[b"retry-after"] == b"1"
            assert headers[b"content-type"] == b"application/problem+json"
            assert "try again" in json.loads(body["body"])["detail"]
        probes = [caller.start("/livez"), caller.start("/readyz")]
        caller.go_on.set()
        for task in (*held, stream, *probes):
            assert (await task)[0]["status"] == 200
        assert (await caller.call("/api/v1/searches"))[0]["status"] == 200

    asyncio.run(scenario())


def test_a_request_that_fails_gives_its_place_back() -> None:
    async def scenario() -> None:
        caller = Caller()
        caller.go_on.set()
        for _ in range(5):
            with pytest.raises(RuntimeError):
                await caller.call("/broken")
        assert (await caller.call("/"))[0]["status"] == 200

    asyncio.run(scenario())
