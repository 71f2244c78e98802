"""The application in this process, on a thread of its own, called like a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

from caviar.service import config
from caviar.service.app import create_app
from tests.support.two_servers import DATABASES, TWO_SERVERS, InTurn

BASE = "http://127.0.0.1:8000"


class App:
    """Calls made one at a time from a test."""

    def __init__(self, app: FastAPI | InTurn, portal: Any) -> None:
        self.app = app
        self._portal = portal

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, path, **arguments)

        return self._portal.call(call)

    def raw(self, method: str, path: str, raw_path: bytes, headers: Mapping[str, str] | None = None) -> int:
        """Call with a path no client library would send; gives the status."""
        statuses: list[int] = []

        async def call() -> None:
            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            async def receive() -> Any:
                return {"type": "http.request", "body": b"", "more_body": False}

            named = {"host": "127.0.0.1", **(headers or {})}
            scope = {
                "type": "http",
                "http_version": "1.1",
                "scheme": "http",
                "method": method,
                "path": path,
                "raw_path": raw_path,
                "root_path": "",
                "query_string": b"",
                "client": ("127.0.0.1", 1),
                "server": ("127.0.0.1", 8000),
                "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            }
            await self.app(scope, receive, send)

        self._portal.call(call)
        return statuses[0]


@contextmanager
def running(folder: Path, **arguments: Any) -> Iterator[App]:
    """Run an application with its lifespan for the length of a block, or two of them in turn."""
    both = TWO_SERVERS and "database" not in arguments
    if both:
        arguments["database"] = DATABASES.of(folder)
    apps = [create_app(config.read({}, data=folder, **arguments)) for _ in range(1 + both)]
    with start_blocking_portal() as portal, ExitStack() as lives:
        for app in apps:
            lives.enter_context(portal.wrap_async_context_manager(app.router.lifespan_context(app)))
        yield App(InTurn(apps) if both else apps[0], portal)


def routes(app: FastAPI | InTurn) -> list[tuple[str, str]]:
    """Every method and path that the application answers, those outside OpenAPI too."""
    found: set[tuple[str, str]] = set()
    stack: list[Any] = list(app.routes)
    while stack:
        route = stack.pop()
        if hasattr(route, "effective_route_contexts"):
            stack += route.effective_route_contexts()
            continue
        assert route.path, f"{route!r} has no path: the audit would not see it"
        found |= {(method, route.path) for method in route.methods}
    return sorted(found)
