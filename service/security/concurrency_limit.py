"""How much is in progress at once, in all and of each caller: nobody's flood takes the places of others.

Beyond its share a caller's request waits for a moment, and is then told to come back. Where places are taken
by bodies that hardly come, the slowest of them gives its place up.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from caviar.service.config import Limits
from caviar.service.security.bodies import takes_json
from caviar.service.security.failed_logins import address_of
from caviar.service.security.places import Caller, Places
from caviar.service.security.refusals import Refusal, refuse
from caviar.service.security.scopes import AGENT, ANYONE, LOCAL, Token

PROBES = ("/livez", "/readyz")
RETRY_SECONDS = 1  # agents and clients try again by themselves

# What part of the places of a kind one caller may have.
SHARES = {"exchanges": 0.75, "waits": 0.75, "streams": 0.5}
SHARES |= dict.fromkeys(("bodies", "large", "requests", "reads", "files"), 0.25)
FILES = re.compile(r"/api/v1/(checkpoints/[^/]+|[^/]+/.+/((init-)?model|content|export))")
FILES_OF_REQUESTS = 8  # one for so many requests: each may be of hundreds of megabytes
READS_OF_REQUESTS = 8  # one for so many: more are no faster, and others queue behind them for a reader
LARGE = 256 * 1024  # bytes of JSON, which take the time and the memory of many requests
LARGE_EXCHANGE = 2 * 1024 * 1024  # an agent sends half a megabyte at once after an outage, and many may
LARGE_OF_REQUESTS = 32  # one for so many
OF_ANYONE = 0.0625  # an address without a token
OF_LINK = 0.125  # all who have one link
OF_ALL = {"anyone": 0.125, "links": 0.5}  # all addresses without a token together, all links
OF_LOCAL = 0.75  # this machine, where nobody is asked for a token: one caller stands for all


class ConcurrencyLimit:
    """Pure ASGI, behind the guard: it must know who calls."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._places = {
            "exchanges": Places(limits.requests),
            "waits": Places(limits.streams),
            "streams": Places(limits.streams),
            "bodies": Places(limits.requests),
            "requests": Places(limits.requests),
            "reads": Places(max(1, limits.requests // READS_OF_REQUESTS)),
            "files": Places(max(1, limits.requests // FILES_OF_REQUESTS)),
            "large": Places(max(1, limits.requests // LARGE_OF_REQUESTS)),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when there is a place for it, or refuse it before anything was done for it."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        kind = kind_of(scope)
        caller = _caller(scope["state"]["caller"], address_of(scope), kind)
        places = self._places[kind]
        if not await places.take(caller, scope):
            await refuse(send, _too_busy(places.of(caller.share), kind))
            return
        try:
            await self._app(scope, receive, send)
        finally:
            places.give_back(caller, scope)


def kind_of(scope: Scope) -> str:
    """Name the kind of a request: much JSON, exchanges of agents, what stays open by its nature, the rest."""
    path = scope["path"]
    exchanges = path == "/api/v1/exchange" or path.endswith("/lease")
    if takes_json(scope["method"], path) and _is_larger(scope, LARGE_EXCHANGE if exchanges else LARGE):
        return "large"
    if exchanges:
        return "exchanges"
    if path.endswith("/wake"):
        return "waits"
    if path.endswith("/events"):
        return "streams"
    if scope["method"] in ("GET", "HEAD"):
        if scope["state"]["caller"].scope == AGENT:
            return "exchanges"
        if FILES.fullmatch(path):
            return "files"
        return "reads" if path.startswith("/api/") else "requests"
    return "bodies"


def _is_larger(scope: Scope, size: int) -> bool:
    """Return whether a body is larger, or does not say how large it is."""
    headers = dict(scope.get("headers", ()))
    return b"transfer-encoding" in headers or int(headers.get(b"content-length", b"0")) > size


def _caller(token: Token, address: str, kind: str) -> Caller:
    """Name a caller among all of a kind, and say what part of its places it may have."""
    if token == ANYONE:
        return Caller(f"from {address}", OF_ANYONE, "anyone", OF_ALL["anyone"])
    if token == LOCAL:
        return Caller("local", OF_LOCAL)
    if token.search is not None:
        return Caller(token.digest, OF_LINK, "links", OF_ALL["links"])
    return Caller(token.digest, SHARES[kind])


def _too_busy(most: int, kind: str) -> Refusal:
    kind = "large bodies" if kind == "large" else kind
    detail = f"{most} {kind} of yours, or all that this server takes, are in progress: try again in a moment"
    headers = ((b"retry-after", str(RETRY_SECONDS).encode()),)
    return Refusal(503, "Too busy", detail, "", "Try again in a moment", headers)
