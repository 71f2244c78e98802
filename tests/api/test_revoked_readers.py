"""A stream of events ends when its reader would no longer be let in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

import pytest

from caviar.service.api import events
from caviar.service.security import tokens
from tests.support.inprocess import App, running
from tests.support.waiting import wait

API = "/api/v1"
STREAMS = [f"{API}/searches/1/events", f"{API}/trials/1.0/events"]
pytestmark = pytest.mark.one_server("it looks at who waits inside the server that streams")
SEARCH: dict[str, Any] = {
    "trainer": "external",
    "settings": {"epochs": 3},
    "space": {"a": {"scale": "linear", "low": 0.0, "high": 1.0}},
    "budget": {"trials": 1},
}
Headers = dict[str, str]
Ways = Callable[["House"], tuple[Headers, Callable[[], object]]]  # who reads, and what puts an end to it


class House:
    """An application with one search, its owner, and tokens made on the way."""

    patch: pytest.MonkeyPatch  # of the test

    def __init__(self, app: App) -> None:
        self.app = app
        _, text = app.app.state.tokens.create("owner", "admin")
        self.owner = bearer(text)
        assert self.call("POST", f"{API}/searches", json=SEARCH).is_success
        asked = {"agent": {"id": "a-0000000000000001", "trainers": ["external"]}, "want": 1}
        assert self.call("POST", f"{API}/exchange", json=asked).json()["trials"]

    def call(self, method: str, path: str, headers: Headers | None = None, **more: Any) -> Any:
        return self.app.request(method, path, headers=headers or self.owner, **more)

    def token(self, name: str) -> Headers:
        return bearer(self.app.app.state.tokens.create(name, "read")[1])

    def signed_in(self, headers: Headers) -> Headers:
        """Sign a browser in; return its cookies."""
        answer = self.call("POST", f"{API}/session", headers)
        assert answer.is_success, answer.text
        cookies = SimpleCookie(answer.headers["set-cookie"])
        return {"cookie": "; ".join(f"{name}={one.value}" for name, one in cookies.items())}

    def link(self, seconds: float) -> tuple[Headers, str]:
        """Make a link and open it in a browser; return its cookies and its id."""
        made = self.call("POST", f"{API}/searches/1/links", json={"seconds": seconds}).json()
        return self.signed_in(bearer(made["path"].partition("#")[2].rpartition("=")[2])), made["id"]


def bearer(text: str) -> Headers:
    return {"authorization": f"Bearer {text}"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("data"), token_required=True) as app:
        yield House(app)


def token_revoked(house: House) -> tuple[Headers, Callable[[], object]]:
    return house.token("reader"), lambda: house.app.app.state.tokens.revoke("reader")


def signed_out(house: House) -> tuple[Headers, Callable[[], object]]:
    cookies = house.signed_in(house.token("browser"))
    return cookies, lambda: house.call("DELETE", f"{API}/session", cookies)


def token_of_a_session_revoked(house: House) -> tuple[Headers, Callable[[], object]]:
    cookies = house.signed_in(house.token("person"))
    return cookies, lambda: house.app.app.state.tokens.revoke("person")


def link_withdrawn(house: House) -> tuple[Headers, Callable[[], object]]:
    cookies, link = house.link(60.0)
    return cookies, lambda: house.call("DELETE", f"{API}/searches/1/links/{link}")


def link_expired(house: House) -> tuple[Headers, Callable[[], object]]:
    later = SimpleNamespace(time=lambda: time.time() + 61.0, monotonic=time.monotonic)
    return house.link(60.0)[0], lambda: house.patch.setattr(tokens, "time", later)


WAYS: list[Ways] = [token_revoked, signed_out, token_of_a_session_revoked, link_withdrawn, link_expired]


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_ends_with_what_let_its_reader_in(
    house: House, monkeypatch: pytest.MonkeyPatch, way: Ways
) -> None:
    house.patch = monkeypatch
    monkeypatch.setattr(events, "POLL_SECONDS", 0.05)
    reading, end = way(house)
    readers = house.app.app.state.services.notifier._searches
    with ThreadPoolExecutor(len(STREAMS)) as threads:
        streams = [threads.submit(house.call, "GET", path, reading) for path in STREAMS]
        wait(lambda: len(readers.get(1, ())) == len(STREAMS), 10, "the streams")
        assert not any(stream.done() for stream in streams)
        end()
        for stream in streams:
            assert "event: " in stream.result(timeout=10).text
    for path in STREAMS:
        assert house.call("GET", path, reading).status_code == 401
