"""Every route and every method: without a token, with too narrow a scope, under a wrong name or page."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from caviar.service.security.rules import OPEN, listed, needed
from caviar.service.security.scopes import SCOPES, Token
from tests.support.inprocess import App, routes, running
from tests.support.two_servers import soon

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("data"), token_required=True) as made:
        yield made


@pytest.fixture(scope="module")
def tokens(app: App) -> dict[str, str]:
    book = app.app.state.tokens
    return {scope: book.create(f"test-{scope}", scope)[1] for scope in SCOPES}


def concrete(path: str) -> str:
    """Fill in the parameters of a path."""
    return re.sub(r"\{\w+(:path)?\}", "1", path)


def test_the_audit_sees_every_route_of_the_document(app: App) -> None:
    seen = set(routes(app.app))
    for path, methods in app.app.openapi()["paths"].items():
        for method in methods:
            assert (method.upper(), path) in seen
    assert len(seen) > 35


def test_every_route_has_a_rule_of_its_own(app: App) -> None:
    missing = [(m, p) for m, p in routes(app.app) if not listed(m, concrete(p))]
    assert missing == [], "add them to service/security/rules.py"


def test_nothing_answers_without_a_token_except_what_holds_no_data(app: App) -> None:
    opened = set()
    for method in METHODS:
        for path in {path for _, path in routes(app.app)}:
            status = app.request(method, concrete(path)).status_code
            if needed(method, concrete(path)) == (OPEN,):
                opened.add((method, path))
                assert status != 401, (method, path)
            else:
                assert status == 401, (method, path)
    assert {("GET", "/livez"), ("GET", "/readyz")} <= opened
    data = {(method, path) for method, path in opened if path.startswith("/api") or path == "/metrics"}
    assert data == {("DELETE", "/api/v1/session")}, "signing out reads nothing"


def test_a_wrong_token_opens_nothing(tmp_path: Path) -> None:
    with running(tmp_path, token_required=True) as app:
        wrong_tokens(app)


def wrong_tokens(app: App) -> None:
    for method, path in routes(app.app):
        if needed(method, concrete(path)) != (OPEN,):
            for header in ("Bearer cav_wrong", "Bearer", "Basic YWRtaW46YWRtaW4=", "Bearer \xff", "bearer  "):
                answer = app.request(
                    method, concrete(path), headers={"authorization": header.encode("latin-1")}
                )
                # after many unknown ones, the next are not even looked up
                assert answer.status_code in (401, 429), (method, path, header)


def test_each_scope_reaches_what_it_may_and_no_more(app: App, tokens: dict[str, str]) -> None:
    for method, path in routes(app.app):
        scopes = needed(method, concrete(path))
        for name, text in tokens.items():
            if scopes == (OPEN,) or any(Token("", name).allows(scope) for scope in scopes):
                continue
            answer = app.request(method, concrete(path), headers={"authorization": f"Bearer {text}"})
            assert answer.status_code == 403, (method, path, name)
            assert method == "HEAD" or answer.json()["errors"][0]["field"] == "Authorization"


def test_what_changes_something_needs_more_than_read(app: App) -> None:
    only_read = ("searches/check", "searches/parse", "session", "trials/{name}/predict")
    harmless = {f"/api/v1/{path}" for path in only_read}
    for method, path in routes(app.app):
        if method not in ("GET", "HEAD") and path not in harmless:
            assert "read" not in needed(method, concrete(path)), (method, path)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost:8000.evil.example"])
def test_a_rebound_name_reaches_nothing(app: App, tokens: dict[str, str], host: str) -> None:
    headers = {"host": host, "authorization": f"Bearer {tokens['admin']}"}
    for method, path in routes(app.app):
        assert app.request(method, concrete(path), headers=headers).status_code == 400, (method, path)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9000"])
def test_another_sites_page_reaches_nothing(app: App, tokens: dict[str, str], origin: str) -> None:
    headers = {"origin": origin, "authorization": f"Bearer {tokens['admin']}"}
    for method, path in routes(app.app):
        assert app.request(method, concrete(path), headers=headers).status_code == 403, (method, path)


def test_refusals_have_the_one_shape_of_errors(app: App) -> None:
    answer = app.request("GET", "/api/v1/searches")
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "errors"}
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_session_is_a_cookie_no_script_can_read(app: App, tokens: dict[str, str]) -> None:
    answer = app.request("POST", "/api/v1/session", headers={"authorization": f"Bearer {tokens['read']}"})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    value = cookie.partition("=")[2].partition(";")[0]
    assert value != tokens["read"], "the cookie holds no token"
    signed_in = {"cookie": f"caviar_session={value}"}
    assert app.request("GET", "/api/v1/session", headers=signed_in).json()["scope"] == "read"
    assert app.request("POST", "/api/v1/searches", headers=signed_in, json={}).status_code == 403
    out = app.request("DELETE", "/api/v1/session", headers=signed_in)
    assert out.status_code == 204 and "caviar_session=" in out.headers["set-cookie"]
    ended = "the server ended it"
    soon(lambda: app.request("GET", "/api/v1/session", headers=signed_in).status_code == 401, ended)


def test_a_revoked_token_ends_its_sessions(app: App, tokens: dict[str, str]) -> None:
    _, text = app.app.state.tokens.create("browser", "read")
    answer = app.request("POST", "/api/v1/session", headers={"authorization": f"Bearer {text}"})
    signed_in = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
    assert app.request("GET", "/api/v1/session", headers=signed_in).json()["name"] == "browser"
    app.app.state.tokens.revoke("browser")
    soon(lambda: app.request("GET", "/api/v1/session", headers=signed_in).status_code == 401, "the end")


def test_tokens_are_made_listed_and_revoked_over_rest(app: App, tokens: dict[str, str]) -> None:
    admin = {"authorization": f"Bearer {tokens['admin']}"}
    made = app.request("POST", "/api/v1/tokens", headers=admin, json={"name": "ci", "scope": "submit"})
    assert made.status_code == 201
    text = made.json()["token"]
    mine = {"authorization": f"Bearer {text}"}
    assert app.request("GET", "/api/v1/session", headers=mine).json()["name"] == "ci"
    listing = app.request("GET", "/api/v1/tokens", headers=admin)
    assert text not in listing.text and "digest" not in listing.text
    assert (
        app.request("POST", "/api/v1/tokens", headers=admin, json={"name": "ci", "scope": "read"}).status_code
        == 422
    )
    assert app.request("DELETE", "/api/v1/tokens/ci", headers=admin).status_code == 204
    soon(lambda: app.request("GET", "/api/v1/session", headers=mine).status_code == 401, "the end")


# Paths --------------------------------------------------------------------------------------------

SEPARATORS = ("/", "%2f", "%252f", "\\", "%5c", "%255c", "%c0%af", "%e2%88%95", "/./", "//")
DOTS = ("..", "%2e%2e", "%252e%252e", ".%2e", "..%00", "%c0%ae%c0%ae", "....", "..;")
TARGETS = ("caviar.db", "tokens.json", "etc/passwd", "proc/self/environ")
PLACES = ("/api/v1/datasets/{}/content", "/api/v1/checkpoints/{}", "/static/{}")


def payloads() -> list[str]:
    """More than 500 ways to leave a folder."""
    climbs = [f"{dots}{separator}" * times for dots in DOTS for separator in SEPARATORS for times in (1, 6)]
    made = [f"{climb}{target}" for climb in climbs for target in TARGETS]
    made += [
        "%00",
        "a%00b",
        "#",
        "%23",
        "~root",
        "file:%2f%2f%2fetc%2fpasswd",
        "C:%5cwindows",
        "con",
        "1%0d%0aX: y",
    ]
    return made


def test_no_path_leaves_the_servers_folders(app: App, tokens: dict[str, str]) -> None:
    admin = {"authorization": f"Bearer {tokens['admin']}"}
    tried = 0
    for payload in payloads():
        for place in PLACES:
            raw = place.format(payload)
            status = app.raw("GET", unquote(raw, errors="replace"), raw.encode(), admin)
            assert status in (400, 404, 405, 422), (raw, status)
            tried += 1
    assert tried >= 1500
