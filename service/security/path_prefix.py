"""Paths that hold wherever a proxy serves the server: it may put a path in front, and take it off or not."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PathPrefix:
    """Takes the prefix off, so that every check and route sees the server's own paths.

    As `root_path` it stands in the OpenAPI document. Where a slash too many is taken off by a redirect, that
    is relative: it holds below a path of which the server was not told.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._prefix:
            scope = {**scope, "root_path": self._prefix}
            if scope["path"].startswith(f"{self._prefix}/"):
                scope["path"] = scope["path"].removeprefix(self._prefix)
                scope["raw_path"] = scope["raw_path"][len(self._prefix) :]
        await self._app(scope, receive, _relative(scope, send) if scope["path"].endswith("/") else send)


def _relative(scope: Scope, send: Send) -> Send:
    """Send on, redirects to the path without its last slash by its last part."""
    name = scope["raw_path"].rstrip(b"/").rpartition(b"/")[2].decode("latin-1")
    query = scope["query_string"].decode("latin-1")

    async def forward(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 307:
            MutableHeaders(raw=message["headers"])["location"] = f"../{name}" + (f"?{query}" if query else "")
        await send(message)

    return forward
