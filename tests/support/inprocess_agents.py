"""Agents as threads of the test, talking to the application in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from caviar.agents.process import new_id
from caviar.agents.worker import Worker
from caviar.exchange.exchange import Exchange
from caviar.exchange.wire import Agent
from caviar.transport import Transport
from tests.support.inprocess import BASE, App
from tests.support.waiting import wait


class _Inside:
    """What a transport asks of its connection pool, answered by the application."""

    def __init__(self, app: App) -> None:
        self._app = app

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        if "content" in arguments:  # which may come in pieces
            pieces = arguments["content"]
            arguments["content"] = pieces if isinstance(pieces, bytes) else b"".join(pieces)
        return self._app.request(method, f"/api/v1{path}", **arguments)


def transport(app: App) -> Transport:
    """Return a transport that needs no network."""
    made = Transport(BASE)
    made._client.close()
    made._client = _Inside(app)  # type: ignore[assignment]
    made.pieces = lambda path: iter([app.request("GET", f"/api/v1{path}").content])  # type: ignore[method-assign]
    return made


@contextmanager
def agents(app: App, count: int = 1) -> Iterator[None]:
    """Have agents at work for the length of a block."""
    workers = []
    for _ in range(count):
        agent = Agent(id=new_id(), host="h", pid=1, engine="test", version="1", trainers=["mlp"])
        workers.append(Worker(Exchange(transport(app), agent)))
    threads = [threading.Thread(target=worker.run, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join(30.0)


def finished(app: App, search: int, seconds: float = 120.0) -> list[dict[str, Any]]:
    """Wait for the end of a search and give its trials."""

    def shown() -> dict[str, Any]:
        return dict(app.request("GET", f"/api/v1/searches/{search}").json())

    wait(lambda: shown()["state"] == "completed", seconds, lambda: f"the end of the search: {shown()}")
    found = app.request("GET", f"/api/v1/searches/{search}/trials", params={"limit": 1000}).json()
    items: list[dict[str, Any]] = found["items"]
    return items


def searched(app: App, search: Mapping[str, Any], count: int = 1) -> list[dict[str, Any]]:
    """Submit a search, have so many agents train it to its end, and give its trials."""
    answer = app.request("POST", "/api/v1/searches", json=dict(search))
    assert answer.status_code == 201, answer.text
    with agents(app, count):
        return finished(app, answer.json()["id"])
