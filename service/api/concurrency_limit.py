"""How much is in progress at once: beyond it a caller is told to come back, and the probes still answer."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from caviar.service.api.problems import problem
from caviar.service.config import Limits

PROBES = ("/livez", "/readyz")
RETRY_SECONDS = 1  # agents and clients try again by themselves
_WAITS = ("/events", "/wake")  # what stays open by its nature


class ConcurrencyLimit:
    """Pure ASGI: counts requests in progress, and apart from them streams and agents that wait."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._most = {"requests": limits.requests, "streams": limits.streams}
        self._open = dict.fromkeys(self._most, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it before anything was done for it."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        kind = "streams" if scope["path"].endswith(_WAITS) else "requests"
        if self._open[kind] >= self._most[kind]:
            detail = f"the server has {self._most[kind]} {kind} open already: try again in a moment"
            refusal = problem(503, "Too busy", detail, headers={"Retry-After": str(RETRY_SECONDS)})
            await refusal(scope, receive, send)
            return
        self._open[kind] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[kind] -= 1
