"""A proxy that serves a server below a path, as nginx or jupyter-server-proxy do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from tests.support.passing_on import passed_on
from tests.support.waiting import wait

HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"date", b"server"}


class PathProxy:
    """An ASGI application; what lies beside the path is not found, as on any other host."""

    def __init__(self, client: httpx.AsyncClient, prefix: str, take_off: bool) -> None:
        self._client, self._prefix, self._take_off = client, prefix, take_off

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if not request.url.path.startswith(f"{self._prefix}/"):
            answer: Response = PlainTextResponse("nothing of Caviar's is here", 404)
        else:
            answer = await self._passed_on(request)
        await answer(scope, receive, send)

    async def _passed_on(self, request: Request) -> Response:
        path = request.url.path.removeprefix(self._prefix) if self._take_off else request.url.path
        url = httpx.URL(path=path, query=request.url.query.encode())
        sent = self._client.build_request(
            request.method, url, headers=request.headers.raw, content=await request.body()
        )
        return passed_on(await self._client.send(sent, stream=True), HOP)


@contextmanager
def below_a_path(target: str, prefix: str, take_off: bool = True) -> Iterator[str]:
    """Run a proxy for the length of a block; gives the address of the server behind it."""
    started: list[uvicorn.Server] = []

    async def run() -> None:
        async with httpx.AsyncClient(base_url=target, timeout=600) as client:
            app = PathProxy(client, prefix, take_off)
            config = uvicorn.Config(
                app, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=2, loop="none"
            )
            started.append(uvicorn.Server(config))
            await started[0].serve()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    wait(lambda: started and started[0].started, 30, "the proxy")
    port = started[0].servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}{prefix}"
    finally:
        started[0].should_exit = True
        thread.join(20)
