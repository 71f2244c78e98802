"""Links: they show one search to people without a token, nothing else, and only for as long as they work."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from caviar.service.security.rules import OPEN, needed
from caviar.service.security.tokens import Credential
from tests.api.test_labels_over_rest import SEARCH
from tests.support.inprocess import App, routes, running

SHOWN = {  # below the search and below its trials; everything else is closed
    "searches": "trials best history columns curves importance timeline rounds standings summary remaining "
    "front edits events",
    "trials": "curve events attempts diagnosis commands steering checkpoints attributes artifacts",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("data"), token_required=True) as made:
        yield made


@pytest.fixture(scope="module")
def heads(app: App) -> dict[str, dict[str, str]]:
    book = app.app.state.tokens
    return {scope: {"authorization": f"Bearer {book.create(scope, scope)[1]}"} for scope in ("read", "steer")}


@pytest.fixture(scope="module")
def searches(app: App, heads: dict[str, dict[str, str]]) -> tuple[int, int]:
    """A search that is shown, and another one."""
    made = [app.request("POST", "/api/v1/searches", headers=heads["steer"], json=SEARCH) for _ in range(2)]
    return made[0].json()["id"], made[1].json()["id"]


def make(app: App, heads: dict[str, dict[str, str]], search: int, **how: Any) -> tuple[str, str]:
    """Give a link's id and its text."""
    answer = app.request("POST", f"/api/v1/searches/{search}/links", headers=heads["steer"], json=how)
    assert answer.status_code == 201, answer.text
    page, _, text = answer.json()["path"].partition("#link=")
    assert page == f"/searches/{search}" and text.startswith("cal_")
    return answer.json()["id"], text


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def status(app: App, path: str, text: str, method: str = "GET") -> int:
    return app.request(method, path, headers=bearer(text)).status_code


def paths_of(app: App, search: int) -> Iterator[tuple[str, str, str]]:
    """Every route with the ids of a search filled in: method, pattern, path."""
    for method, pattern in routes(app.app):
        if not pattern.startswith("/api/v1/"):
            continue
        path = pattern.replace("{search}", str(search)).replace("/trials/{name}", f"/trials/{search}.0")
        yield method, pattern, re.sub(r"\{\w+(:path)?\}", "1", path)


def test_of_all_routes_a_link_opens_those_that_show_its_search(
    app: App, heads: dict[str, dict[str, str]], searches: tuple[int, int]
) -> None:
    mine, other = searches
    _, text = make(app, heads, mine)
    opened = {"/api/v1/session", "/api/v1/trainers", "/api/v1/openapi.json"}
    opened |= {"/api/v1/searches/{search}", "/api/v1/trials/{name}"}
    opened |= {f"/api/v1/searches/{{search}}/{what}" for what in SHOWN["searches"].split()}
    opened |= {f"/api/v1/trials/{{name}}/{what}" for what in SHOWN["trials"].split()}
    seen = set()
    for method, pattern, path in paths_of(app, mine):
        if needed(method, path) == (OPEN,) or (method, pattern) == ("POST", "/api/v1/session"):
            continue
        if pattern.endswith("/events") and method == "GET":
            seen.add(pattern)  # a stream without end: see below
            continue
        may = pattern in opened and method in ("GET", "HEAD")
        answer = app.request(method, path, headers=bearer(text))
        assert (answer.status_code == 403) is not may, (method, path, answer.status_code)
        if may:
            seen.add(pattern)
        elif method != "HEAD":
            assert answer.json()["detail"] == f"This link shows search {mine}, and nothing else"
    assert seen == opened
    for method, pattern, path in paths_of(app, other):
        if ("{search}" in pattern or "/trials/{name}" in pattern) and needed(method, path) != (OPEN,):
            assert status(app, path, text, method) == 403, (method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "searches",
        "searches/0{}",
        "searches/{}/",
        "searches/{}0",
        "trials/{}0.0",
        "trials/{}",
        "searches/{}/x",
        "labels",
    ],
)
def test_an_address_that_only_looks_like_it_is_not_opened(
    app: App, heads: dict[str, dict[str, str]], searches: tuple[int, int], path: str
) -> None:
    _, text = make(app, heads, searches[0])
    whole = path if path.startswith("/") else f"/api/v1/{path.format(searches[0])}"
    assert status(app, whole, text) == 403


def test_a_link_ends_when_it_expires_and_when_it_is_revoked(
    app: App,
    heads: dict[str, dict[str, str]],
    searches: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine, other = searches
    address, book = f"/api/v1/searches/{mine}", app.app.state.tokens
    one, text = make(app, heads, mine)
    _, brief = make(app, heads, mine, seconds=60)
    held = book.known(Credential.token(text))
    assert book.holds(held) and status(app, address, text) == 200 and status(app, address, brief) == 200
    listed = app.request("GET", f"{address}/links", headers=heads["steer"])
    assert (
        one in [link["id"] for link in listed.json()["items"]] and listed.json()["items"][0]["who"] == "steer"
    )
    assert text not in listed.text and "digest" not in listed.text
    wrong = app.request("DELETE", f"/api/v1/searches/{other}/links/{one}", headers=heads["steer"])
    assert wrong.status_code == 404, "it is not a link of that search"
    assert app.request("DELETE", f"{address}/links/{one}", headers=heads["steer"]).status_code == 204
    assert status(app, address, text) == 401 and not book.holds(held), "its streams end too"
    clock = SimpleNamespace(time=lambda: time.time() + 61, monotonic=time.monotonic)
    monkeypatch.setattr("caviar.service.security.tokens.time", clock)
    assert status(app, address, brief) == 401
    told = app.request("GET", f"{address}/audit", headers=heads["read"]).json()["items"]
    assert [(deed["what"], deed["who"]) for deed in told[:1]] == [("revoke link", "steer")]
    assert text not in str(told)
    for scope, method, path in (("read", "POST", "links"), ("read", "GET", "links")):
        assert app.request(method, f"{address}/{path}", headers=heads[scope]).status_code == 403
    for seconds in (0, 1e9, "7d"):
        refused = app.request("POST", f"{address}/links", headers=heads["steer"], json={"seconds": seconds})
        assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "seconds"


def test_a_browser_keeps_links_to_several_searches_and_its_own_session(
    app: App, heads: dict[str, dict[str, str]], searches: tuple[int, int]
) -> None:
    cookies = []
    for search in searches:
        _, text = make(app, heads, search)
        answer = app.request("POST", "/api/v1/session", headers=bearer(text))
        assert answer.json() | {"name": ""} == {
            "name": "", "scope": "link", "token_required": True, "search": search,
        }  # fmt: skip
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
        assert 0 < int(re.findall(r"Max-Age=(\d+)", cookie)[0]) <= 7 * 86400
        cookies.append(cookie.partition(";")[0])

    def ask(path: str, cookie: str, method: str = "GET") -> int:
        return app.request(method, f"/api/v1{path}", headers={"cookie": cookie}).status_code

    both = "; ".join(cookies)
    one, two = searches
    assert [ask(f"/searches/{search}", both) for search in searches] == [200, 200]
    assert [ask(f"/searches/{search}", cookies[0]) for search in searches] == [200, 401]
    assert ask("/session", both) == 200 and ask("/searches", both) == 403
    assert ask(f"/searches/{one}/pause", both, "POST") == 403
    forged = cookies[0].replace(f"_{one}=", f"_{two}=")
    assert ask(f"/searches/{two}", forged) == 403, "the name of a cookie opens nothing"
    session = app.request("POST", "/api/v1/session", headers=heads["steer"]).headers["set-cookie"]
    mine = f"{both}; {session.partition(';')[0]}"
    assert ask("/searches", mine) == 200 and ask(f"/searches/{one}/pause", mine, "POST") == 200


def test_where_nobody_needs_a_token_a_link_takes_nothing_away(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("open")) as opened:
        search = opened.request("POST", "/api/v1/searches", json=SEARCH).json()["id"]
        text = opened.request("POST", f"/api/v1/searches/{search}/links").json()["path"].partition("=")[2]
        opened.request("POST", "/api/v1/session", headers=bearer(text))
        answer = opened.request("GET", "/api/v1/searches", headers={"cookie": f"caviar_link_{search}={text}"})
        assert answer.status_code == 200


def test_a_deleted_search_takes_its_links_with_it(app: App, heads: dict[str, dict[str, str]]) -> None:
    book = app.app.state.tokens
    admin = bearer(book.create("root", "admin")[1])
    search = app.request("POST", "/api/v1/searches", headers=heads["steer"], json=SEARCH).json()["id"]
    _, text = make(app, heads, search)
    assert app.request("DELETE", f"/api/v1/searches/{search}", headers=admin).status_code == 204
    book.refresh()
    assert book.known(Credential.token(text)) is None
