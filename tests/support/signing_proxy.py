"""A proxy as single sign-on puts one in front: it knows who is signed in, and names them to the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.passing_on import passed_on
from tests.support.server_process import free_port

USER, GROUPS = "x-forwarded-user", "x-forwarded-groups"
OWN = {"host", "content-length", "connection", "transfer-encoding"}


class SigningProxy:
    """Whoever has the cookie `proxy=NAME` is NAME; `careless` leaves headers of callers beside its own."""

    def __init__(self, target: str, address: str, people: Mapping[str, str], careless: bool = False) -> None:
        self._target = target
        self._address = address
        self._people = people
        self._careless = careless
        self.url = f"http://127.0.0.1:{free_port()}"
        port = int(self.url.rpartition(":")[2])
        app = Starlette(
            routes=[Route("/{path:path}", self._forward, methods=["GET", "POST", "PATCH", "DELETE"])]
        )
        self._server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> SigningProxy:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)

    async def _forward(self, request: Request) -> Response:
        sent = [(n, v) for n, v in request.headers.items() if n not in OWN and n != "cookie"]
        if not self._careless:
            sent = [(name, value) for name, value in sent if name not in (USER, GROUPS)]
        person = request.cookies.get("proxy")
        if person in self._people:
            sent += [(USER, person), (GROUPS, self._people[person])]
        transport = httpx.AsyncHTTPTransport(local_address=self._address)
        client = httpx.AsyncClient(transport=transport, base_url=self._target, timeout=30)
        asked = client.build_request(
            request.method, request.url.path, params=request.query_params, content=await request.body()
        )
        asked.headers = httpx.Headers([*((n, v) for n, v in asked.headers.items() if n in OWN), *sent])
        own = {name.encode() for name in OWN}
        return passed_on(await client.send(asked, stream=True), own, client)
