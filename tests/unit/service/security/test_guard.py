"""The guard in front of a small application that would answer anything."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
import httpx
import pytest
from sqlalchemy.engine import URL
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from caviar.service import config
from caviar.service.security.failed_logins import MOST, FailedLogins
from caviar.service.security.middleware import Guard
from caviar.service.security.scopes import LOCAL
from caviar.service.security.tokens import Credential, TokenBook
from caviar.service.store.clock import SteadyClock
from caviar.service.store.database import Direct


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    size = 0
    async for piece in request.stream():
        size += len(piece)
    await PlainTextResponse(f"{request.state.caller.name} {size}")(scope, receive, send)


class Caller:
    """Calls an application in this process, one request at a time."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
                return await client.request(method, path, **arguments)

        return anyio.run(call)

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("POST", path, **arguments)


Make = Callable[..., Caller]


@pytest.fixture
def book(built_sqlite_url: URL) -> Iterator[TokenBook]:
    source = Direct(built_sqlite_url, SteadyClock())
    made = TokenBook(source)
    yield made
    made.close()
    source.close()


@pytest.fixture
def make(tmp_path: Path, book: TokenBook) -> Make:
    def build(**arguments: Any) -> Caller:
        return Caller(Guard(echo, config.read({}, data=tmp_path, **arguments), book, FailedLogins()))

    return build


@pytest.mark.parametrize(
    "given", [{}, {"authorization": "Bearer cav_wrong"}, {"cookie": "caviar_session=old"}]
)
def test_where_no_token_is_required_an_unknown_one_counts_as_none(make: Make, given: dict[str, str]) -> None:
    assert make().get("/api/v1/searches", headers=given).text == "this machine 0"
    answer = make(token_required=True).get("/api/v1/searches", headers=given)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["remedy"]


def test_a_known_token_is_narrow_even_where_none_is_required(make: Make, book: TokenBook) -> None:
    _, text = book.create("me", "read")
    answer = make().post("/api/v1/searches", headers={"authorization": f"Bearer {text}"})
    assert answer.status_code == 403


def test_a_browser_whose_token_was_revoked_can_sign_out(make: Make) -> None:
    client, stale = make(token_required=True), {"cookie": "caviar_session=old"}
    assert client.request("DELETE", "/api/v1/session", headers=stale).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.1@evil",
        "",
        "a b",
        "192.168.0.9",
    ],
)
def test_a_foreign_host_name_is_refused(make: Make, host: str) -> None:
    assert make().get("/livez", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000", "caviar.localhost"])
def test_every_name_of_this_machine_is_taken(make: Make, host: str) -> None:
    assert make().get("/livez", headers={"host": host}).status_code == 200


def test_a_network_server_takes_numbers_and_the_names_it_was_given(make: Make) -> None:
    client = make(host="0.0.0.0", allowed_hosts=["lab.example"])
    for host, status in {"192.168.0.9:8000": 200, "Lab.Example": 200, "other.example": 400}.items():
        assert client.get("/livez", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8000", 200),
        ("http://127.0.0.1:9000", 403),
        ("http://localhost:8000", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("file://", 403),
        ("http://[", 403),
        ("https://lab.example", 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_only_our_own_pages_may_call(make: Make, origin: str, status: int, method: str) -> None:
    client = make(allowed_origins=["https://lab.example"])
    assert client.request(method, "/api/v1/searches/1", headers={"origin": origin}).status_code == status


def test_a_cross_site_request_is_refused_unless_a_person_followed_a_link(make: Make) -> None:
    client = make()
    foreign = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert client.get("/api/v1/searches", headers=foreign).status_code == 403
    assert client.get("/", headers={**foreign, "sec-fetch-mode": "navigate"}).status_code == 200


def test_scopes_decide_by_method_and_path(make: Make, book: TokenBook) -> None:
    client = make(token_required=True)
    texts = {scope: book.create(scope, scope)[1] for scope in ("read", "submit", "steer", "admin", "agent")}
    wanted = {
        ("GET", "/api/v1/searches/3/trials"): {"read", "submit", "steer", "admin"},
        ("HEAD", "/api/v1/searches"): {"read", "submit", "steer", "admin"},
        ("POST", "/api/v1/searches"): {"submit", "steer", "admin"},
        ("POST", "/api/v1/trials/3.1/commands"): {"steer", "admin"},
        ("DELETE", "/api/v1/searches/3"): {"admin"},
        ("GET", "/api/v1/tokens"): {"admin"},
        ("POST", "/api/v1/nobody/thought/of/this"): {"admin"},
        ("OPTIONS", "/api/v1/searches"): {"admin"},
        ("POST", "/api/v1/exchange"): {"agent", "admin"},
        ("GET", "/api/v1/checkpoints/7"): {"agent", "read", "submit", "steer", "admin"},
    }
    for (method, path), scopes in wanted.items():
        assert client.request(method, path).status_code == 401
        for scope, text in texts.items():
            answer = client.request(method, path, headers={"authorization": f"Bearer {text}"})
            assert answer.status_code == (200 if scope in scopes else 403), (method, path, scope)


def test_the_cookie_of_a_browser_serves_as_well(make: Make, book: TokenBook) -> None:
    client = make(token_required=True)
    _, text = book.create("me", "read")
    session = book.open_session(book.known(Credential.token(text)) or LOCAL)
    assert client.get("/api/v1/searches", headers={"cookie": f"a=b; caviar_session={session}"}).text == "me 0"
    for name, value in (("caviar_session", "x"), ("caviar_session", text), ("caviar_token", text)):
        assert client.get("/api/v1/searches", headers={"cookie": f"{name}={value}"}).status_code == 401
    assert client.get("/api/v1/searches", headers={"authorization": f"Bearer {session}"}).status_code == 401


@pytest.mark.parametrize(
    "path", ["/api/v1/../x", "/a/%2e%2e/b", "/a\\b", "/a%00b", "/%252e%252e/", "/a%0ab", "/a/./b", "/é"]
)
def test_paths_that_cannot_exist_are_refused(make: Make, path: str) -> None:
    transport_path = path.encode()
    status: list[int] = []

    async def call() -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "method": "GET",
            "path": unquote(path),
            "raw_path": transport_path,
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1")],
        }
        await make().app(scope, receive, send)

    anyio.run(call)
    assert status == [400]


JSON = {"content-type": "application/json; charset=utf-8"}


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_json_is_asked_for_by_its_content_type(make: Make, kind: str) -> None:
    client = make()
    answer = client.post("/api/v1/searches", content=b"{}", headers={"content-type": kind})
    assert answer.status_code == 415
    problem = answer.json()["errors"][0]
    assert problem["field"] == "Content-Type" and "application/json" in problem["remedy"]
    for path in ("/api/v1/searches/parse", "/api/v1/datasets"):  # YAML, and any file
        assert client.post(path, content=b"{}", headers={"content-type": kind}).status_code == 200
    assert client.post("/api/v1/searches/3/pause").status_code == 200, "it has no body"


def test_many_unknown_tokens_from_an_address_are_refused_and_known_ones_are_served(
    make: Make, book: TokenBook
) -> None:
    client = make(token_required=True)
    _, text = book.create("me", "read")
    path = "/api/v1/searches"
    for number in range(MOST):
        headers = {"authorization": f"Bearer cav_guess{number}"}
        assert client.get(path, headers=headers).status_code == 401
    refused = client.get(path, headers={"authorization": "Bearer cav_one_more"})
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert client.get(path, headers={"cookie": "caviar_session=guess"}).status_code == 429
    assert client.get(path, headers={"authorization": f"Bearer {text}"}).status_code == 200
    assert client.get(path).status_code == 401


def test_a_body_is_counted_whatever_its_length_says(make: Make) -> None:
    limits = config.Limits(body=1000, upload=5000)
    client = make(limits=limits)
    assert client.post("/api/v1/searches", content=b"x" * 1000, headers=JSON).status_code == 200
    assert client.post("/api/v1/searches", content=b"x" * 1001, headers=JSON).status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 600
        yield b"x" * 600

    assert client.post("/api/v1/searches", content=pieces(), headers=JSON).status_code == 413
    assert client.post("/api/v1/datasets", content=b"x" * 5000).text == "this machine 5000"
    lying = {"content-length": "-5"}
    assert client.post("/api/v1/searches", content=b"", headers=lying).status_code == 413


def test_answers_carry_the_security_headers(make: Make) -> None:
    headers = make().get("/api/v1/searches").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, no-cache"


def test_web_sockets_are_closed(make: Make) -> None:
    sent: list[Any] = []

    async def call() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        await make().app({"type": "websocket", "path": "/", "headers": []}, receive, send)

    anyio.run(call)
    assert sent == [{"type": "websocket.close", "code": 1008}]
