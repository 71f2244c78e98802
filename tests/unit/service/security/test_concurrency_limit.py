"""More at once than a caller's share waits and is then refused; nobody takes the places of others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from caviar.service.config import Limits
from caviar.service.security import places
from caviar.service.security.bodies import CountedBody
from caviar.service.security.concurrency_limit import SHARES, ConcurrencyLimit, kind_of
from caviar.service.security.scopes import ANYONE, LOCAL, Token

A, B = Token("a", "read", "digest of a"), Token("b", "read", "digest of b")
AGENTS = Token("agents", "agent", "digest of agents")
LIMITS = Limits(requests=16, streams=8)
OWN = int(16 * SHARES["requests"])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "WAITS", (0.05, 0.05))


class Caller:
    """Calls an application that holds every request until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.running = 0
        self.limit = ConcurrencyLimit(self._app, LIMITS)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/broken":
            raise RuntimeError("broken")
        self.running += 1
        if scope["method"] == "POST" and (await receive())["type"] == "http.disconnect":
            return
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def call(
        self,
        token: Token,
        path: str = "/metrics",
        method: str = "GET",
        body: Any = None,
    ) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        state = {"caller": token} | ({"body": body} if body else {})
        scope = {"type": "http", "path": path, "method": method, "state": state, "client": ("10.0.0.1", 1)}
        await self.limit(scope, body, send)  # type: ignore[arg-type]
        return sent

    def start(self, token: Token, *arguments: Any) -> asyncio.Task[list[Any]]:
        return asyncio.get_running_loop().create_task(self.call(token, *arguments))


def within(scenario: Callable[[Caller], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await scenario(Caller())

    asyncio.run(run())


async def settled(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def test_beyond_its_share_a_caller_waits_and_is_told_to_come_back() -> None:
    async def scenario(caller: Caller) -> None:
        held = [caller.start(A) for _ in range(OWN)]
        await settled(lambda: caller.running == OWN)
        start, body = await caller.call(A)
        assert start["status"] == 503 and dict(start["headers"])[b"retry-after"] == b"1"
        assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
        assert "try again" in json.loads(body["body"])["detail"]
        other = [caller.start(B) for _ in range(OWN)]
        await settled(lambda: caller.running == 2 * OWN)
        caller.go_on.set()
        for task in held + other:
            assert (await task)[0]["status"] == 200
        assert (await caller.call(A))[0]["status"] == 200

    within(scenario)


def test_who_waits_gets_the_place_that_is_given_back_in_the_order_of_coming() -> None:
    async def scenario(caller: Caller) -> None:
        held = [caller.start(A) for _ in range(OWN)]
        await settled(lambda: caller.running == OWN)
        waiting = [caller.start(A) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert caller.running == OWN
        caller.go_on.set()
        for task in held + waiting:
            assert (await task)[0]["status"] == 200
        assert caller.limit._places["requests"]._taken == {}

    within(scenario)


def test_all_together_have_no_more_places_than_there_are() -> None:
    async def scenario(caller: Caller) -> None:
        tokens = [Token(str(n), "read", f"digest {n}") for n in range(6)]
        tasks = [caller.start(token) for token in tokens for _ in range(OWN)]
        await settled(lambda: caller.running == LIMITS.requests)
        late = caller.start(Token("late", "read", "late"))
        await asyncio.sleep(0.01)
        assert caller.running == LIMITS.requests and not late.done()
        caller.go_on.set()
        assert (await late)[0]["status"] == 200
        assert {(await task)[0]["status"] for task in tasks} == {200}

    within(scenario)


def test_kinds_do_not_take_each_others_places_and_probes_always_pass() -> None:
    async def scenario(caller: Caller) -> None:
        paths = {
            "/metrics": "GET",
            "/api/v1/searches/1/events": "GET",
            "/api/v1/agents/a-0/wake": "GET",
            "/api/v1/exchange": "POST",
            "/api/v1/searches/3/pause": "POST",
        }
        tasks = []
        for path, method in paths.items():
            places = {"POST": 16, "GET": 8 if path.endswith(("events", "wake")) else 16}[method]
            tasks += [caller.start(LOCAL, path, method, empty()) for _ in range(int(places * 0.75))]
        await settled(lambda: caller.running == len(tasks))
        for path, method in paths.items():
            assert (await caller.call(LOCAL, path, method, empty()))[0]["status"] == 503, path
            other = AGENTS if path.endswith(("exchange", "wake")) else A
            tasks.append(caller.start(other, path, method, empty()))
        await settled(lambda: caller.running == len(tasks))
        probes = [caller.start(ANYONE, path) for path in ("/livez", "/readyz")]
        caller.go_on.set()
        for task in tasks + probes:
            assert (await task)[0]["status"] == 200

    within(scenario)


async def nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


def empty() -> CountedBody:
    return CountedBody(nothing, 10, 5.0, 1000.0)


def trickle(seconds: float) -> Callable[[], Awaitable[Any]]:
    async def receive() -> Any:
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": b"x", "more_body": True}

    return receive


def test_a_body_that_hardly_comes_gives_its_place_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SLOW_SECONDS", 0.02)

    async def scenario(caller: Caller) -> None:
        slow = [CountedBody(trickle(60), 1000, 100.0, 1000.0) for _ in range(OWN)]
        tasks = [caller.start(A, "/api/v1/searches", "POST", body) for body in slow]
        await asyncio.sleep(0.03)
        caller.go_on.set()
        quick = CountedBody(nothing, 1000, 100.0, 1000.0)
        assert (await caller.call(A, "/api/v1/searches", "POST", quick))[0]["status"] == 200
        assert [body.fault for body in slow].count(408) == 1
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    within(scenario)


def test_a_request_that_fails_gives_its_place_back() -> None:
    async def scenario(caller: Caller) -> None:
        caller.go_on.set()
        for _ in range(3 * OWN):
            with pytest.raises(RuntimeError):
                await caller.call(A, "/broken")
        assert (await caller.call(A, "/"))[0]["status"] == 200

    within(scenario)


def test_a_request_that_is_cancelled_while_it_waits_takes_no_place_with_it() -> None:
    async def scenario(caller: Caller) -> None:
        held = [caller.start(A) for _ in range(OWN)]
        await settled(lambda: caller.running == OWN)
        waiting = [caller.start(A) for _ in range(3)]
        await asyncio.sleep(0.005)
        caller.go_on.set()
        for task in waiting:
            task.cancel()
        await asyncio.gather(*held, *waiting, return_exceptions=True)
        assert caller.limit._places["requests"]._taken == {}
        assert (await caller.call(A))[0]["status"] == 200

    within(scenario)


@pytest.mark.parametrize(
    ("token", "method", "path", "kind"),
    [
        (AGENTS, "POST", "/api/v1/exchange", "exchanges"),
        (LOCAL, "POST", "/api/v1/exchange", "exchanges"),
        (AGENTS, "GET", "/api/v1/checkpoints/3", "exchanges"),
        (A, "GET", "/api/v1/checkpoints/3", "files"),
        (A, "GET", "/api/v1/searches/3/export", "files"),
        (A, "GET", "/api/v1/searches/3/init-model", "files"),
        (A, "GET", "/api/v1/trials/3.1/artifacts/content", "files"),
        (A, "GET", "/api/v1/trials/3.1/artifacts", "reads"),
        (AGENTS, "PUT", "/api/v1/trials/3.1/checkpoints", "bodies"),
        (AGENTS, "GET", "/api/v1/agents/a-0/wake", "waits"),
        (A, "GET", "/api/v1/trials/3.1/events", "streams"),
        (A, "POST", "/api/v1/searches", "bodies"),
        (A, "DELETE", "/api/v1/searches/1", "bodies"),
        (A, "GET", "/api/v1/searches", "reads"),
        (ANYONE, "GET", "/", "requests"),
    ],
)
def test_every_request_is_of_one_kind(token: Token, method: str, path: str, kind: str) -> None:
    assert kind_of({"path": path, "method": method, "state": {"caller": token}}) == kind


@pytest.mark.parametrize(
    ("path", "headers", "kind"),
    [
        ("/api/v1/searches", [(b"content-length", b"262145")], "large"),
        ("/api/v1/searches", [(b"content-length", b"262144")], "bodies"),
        ("/api/v1/searches/check", [(b"transfer-encoding", b"chunked")], "large"),
        ("/api/v1/exchange", [(b"content-length", b"1000000")], "exchanges"),
        ("/api/v1/exchange", [(b"content-length", b"3000000")], "large"),
        ("/api/v1/datasets", [(b"content-length", b"1000000")], "bodies"),
    ],
)
def test_much_json_is_a_kind_of_its_own(path: str, headers: list[tuple[bytes, bytes]], kind: str) -> None:
    scope = {"path": path, "method": "POST", "state": {"caller": A}, "headers": headers}
    assert kind_of(scope) == kind
