"""The guard before the whole application: nothing is reached, by any method, without passing it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caviar.service.config import Config
from caviar.service.security import links
from caviar.service.security.addresses import Addresses
from caviar.service.security.bodies import CountedBody, cap, takes_json
from caviar.service.security.connections import let_wait, pause_before_refusal
from caviar.service.security.failed_logins import FailedLogins, address_of
from caviar.service.security.headers import SECURITY_HEADERS
from caviar.service.security.proxied_users import named_by_proxy
from caviar.service.security.read_answers import ReadAnswer
from caviar.service.security.refusals import Refusal, not_json, refuse, too_much, unauthorised
from caviar.service.security.rules import OPEN, needed
from caviar.service.security.scopes import ANYONE, LOCAL, Token
from caviar.service.security.tokens import Credential, TokenBook

COOKIE = "caviar_session"
LINGER_SECONDS = 1.0
_PATH = re.compile(r"/[A-Za-z0-9._~:@,+=/-]*")  # what the server's own paths are made of; no %, no backslash
_LONGEST_PATH = 2048  # what is decided for a path is remembered by it
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Guard:
    """Pure ASGI, outermost.

    It decides on the method, the path and the headers as the server parsed them, never on a URL put together
    again from the Host header.
    """

    def __init__(self, app: ASGIApp, config: Config, book: TokenBook, failures: FailedLogins) -> None:
        self._app = app
        self._failures = failures
        self._config = config
        self._book = book
        self._addresses = Addresses(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        limits = self._config.limits
        body = CountedBody(
            receive, cap(limits, scope["method"], scope["path"]), limits.body_seconds, limits.body_rate
        )
        answer = _Answer(ReadAnswer(send, scope, limits.body_seconds), body)
        try:
            scope.setdefault("state", {})
            scope["state"]["caller"] = await self._admit(scope, body)
        except Refusal as refusal:
            if refusal.status == 413:
                await body.drain(LINGER_SECONDS)
            await _pause(scope)
            await refuse(answer.forward, refusal)
            return
        try:
            await self._app(scope, body, answer)
        except ClientDisconnect:
            pass  # nobody is there to answer, unless it was cut here
        except Exception:
            if body.fault is None:
                raise
        if body.fault is not None and not answer.started:
            await body.drain(LINGER_SECONDS if body.fault == 413 else 0.0)
            await refuse(answer.forward, too_much(body.fault))

    async def _admit(self, scope: Scope, body: CountedBody) -> Token:
        headers = _Headers(scope["headers"])
        method, path = scope["method"], scope["path"]
        if method not in _METHODS:
            raise Refusal(
                405, "Method not allowed", f"{method} is not served", "method", "Use another method"
            )
        if (
            len(path) > _LONGEST_PATH
            or not _PATH.fullmatch(path)
            or any(part in {".", ".."} for part in path.split("/"))
        ):
            raise Refusal(
                400, "Bad path", "No such path can exist here", "path", "Use the ids the server gave"
            )
        host = headers.single(b"host")
        if host is None or not self._addresses.host_allowed(host.lower()):
            remedy = "Call the server by its own name, or start it with CAVIAR_ALLOWED_HOSTS=NAME"
            raise Refusal(400, "Unknown host", "This server does not go by that name", "Host", remedy)
        self._check_origin(headers, host)
        length = headers.single(b"content-length") or "0"
        if not length.isdecimal() or int(length) > cap(self._config.limits, method, path):
            raise too_much(413)
        caller = await self._identify(scope, headers, needed(method, path))
        if headers.has_body:
            scope["state"]["body"] = body
        if headers.has_body and takes_json(method, path) and not headers.json:
            raise not_json()
        return caller

    def _check_origin(self, headers: _Headers, host: str) -> None:
        origin = headers.single(b"origin")
        if origin is not None:
            allowed = self._addresses.origin_allowed(origin, host)
        else:  # no page asks, or one that navigates: a browser says so itself
            allowed = (
                headers.single(b"sec-fetch-site") != "cross-site"
                or headers.single(b"sec-fetch-mode") == "navigate"
            )
        if not allowed:
            remedy = "Open the dashboard from this server, or start it with --allowed-origins ORIGIN"
            raise Refusal(
                403, "Foreign origin", "Another site's page may not call this server", "Origin", remedy
            )

    async def _identify(self, scope: Scope, headers: _Headers, scopes: tuple[str, ...]) -> Token:
        text, cookie = headers.bearer(), headers.cookie(COOKIE)
        credential = (
            Credential.token(text) if text else None if cookie is None else Credential.session(cookie)
        )
        token = None if credential is None else self._book.known(credential)
        if text is None:  # who is signed in at the proxy is nobody else, whatever cookie the browser has
            token = named_by_proxy(self._config.sign_on, scope, headers.single) or token
        if scopes == (OPEN,):
            return token or (ANYONE if self._config.token_required else LOCAL)
        if token is None and credential is not None:
            token = await self._look_up(credential, address_of(scope))
        if token is None and not self._config.token_required:
            return LOCAL  # whatever token came along is another server's, or was revoked
        if token is None and text is None:
            token = await self._by_link(scope, headers)
        if token is None:
            none = text is None and cookie is None
            raise unauthorised("A token is needed" if none else "This token is not known, or was revoked")
        if token.search is not None:
            if not links.opens(token.search, scope["method"], scope["path"]):
                detail = f"This link shows search {token.search}, and nothing else"
                raise Refusal(403, "Not by a link", detail, "Authorization", "Sign in with a token")
        elif not any(token.allows(needs) for needs in scopes):
            kind, wide = "user" if token.by_proxy else "token", " or ".join(scopes)
            detail = f"This needs the scope {wide}; the {kind} {token.name!r} has {token.scope}"
            remedy = f"Use a {kind} with a wider scope"
            raise Refusal(403, "Scope too narrow", detail, "Authorization", remedy)
        return token

    async def _by_link(self, scope: Scope, headers: _Headers) -> Token | None:
        """Return whom the links make the caller that this browser has for the address."""
        for text in links.texts_for(scope["path"], headers.cookies()):
            credential = Credential.token(text)
            token = self._book.known(credential) or await self._look_up(credential, address_of(scope))
            if token is not None:
                return token
        return None

    async def _look_up(self, credential: Credential, address: str) -> Token | None:
        """Ask the database for what is not known here, unless too many such came from the same address."""
        if self._config.token_required:
            self._failures.admit(address)
        token = await self._book.find(credential)
        if token is None and self._config.token_required:
            self._failures.note(address)
        return token


async def _pause(scope: Scope) -> None:
    """Wait a little before a refusal where many connections come from the same address."""
    seconds = pause_before_refusal(scope)
    if seconds:
        let_wait(scope, True)
        await asyncio.sleep(seconds)


class _Headers:
    """The few headers that matter here; one that comes twice is empty, which no check accepts."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, str] = {}
        for name, value in raw:
            self._values[name] = "" if name in self._values else value.decode("latin-1")

    def single(self, name: bytes) -> str | None:
        return self._values.get(name)

    @property
    def has_body(self) -> bool:
        return self._values.get(b"content-length", "0") != "0" or b"transfer-encoding" in self._values

    @property
    def json(self) -> bool:
        kind = self._values.get(b"content-type", "").partition(";")[0].strip().lower()
        return kind == "application/json"

    def bearer(self) -> str | None:
        if b"authorization" not in self._values:
            return None
        kind, _, text = self._values[b"authorization"].partition(" ")
        return text.strip() if kind.lower() == "bearer" else ""

    def cookie(self, name: str) -> str | None:
        return self.cookies().get(name)

    def cookies(self) -> dict[str, str]:
        """Return all cookies; of two with one name the first."""
        found: dict[str, str] = {}
        for part in self._values.get(b"cookie", "").split(";"):
            key, separator, value = part.strip().partition("=")
            if separator:
                found.setdefault(key, value)
        return found


class _Answer:
    """A send that adds the headers, and keeps quiet once the guard has to answer itself."""

    def __init__(self, send: Send, body: CountedBody) -> None:
        self._send = send
        self._body = body
        self.started = False

    async def __call__(self, message: Message) -> None:
        if self._body.fault is not None and not self.started:
            return
        await self.forward(message)

    async def forward(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in SECURITY_HEADERS if pair[0] not in present]
            message = {**message, "headers": headers}
        await self._send(message)
