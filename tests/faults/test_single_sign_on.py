"""A real proxy in front of a real server names its users; nobody else can."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.test_labels_over_rest import SEARCH
from tests.support.server_process import Server
from tests.support.signing_proxy import SigningProxy

PROXY = "127.0.0.2"  # where the proxy calls from; everybody else here calls from 127.0.0.1
ADMIN = "owner-" + "7c" * 20
PEOPLE = {"alice": "ml, staff", "bob": "staff", "rené": "ops", "eve": "guests"}

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8"),
    pytest.mark.one_server("the balancer of these tests would call in place of the proxy"),
]


def test_a_proxy_names_its_users_and_nobody_else_can(make_server: Callable[..., Server]) -> None:
    server = make_server(
        workers=0,
        environment={
            "CAVIAR_ADMIN_TOKEN": ADMIN,
            "CAVIAR_SIGN_ON_PROXIES": f"{PROXY}, 10.0.0.0/8",
            "CAVIAR_GROUP_SCOPES": "ml=submit, staff=read, ops=admin",
        },
    )
    server.start()
    with SigningProxy(server.url, PROXY, PEOPLE) as proxy, httpx.Client(timeout=30) as client:

        def ask(person: str | None, method: str, path: str, status: int = 200, **arguments: Any) -> Any:
            headers = {"Cookie": f"proxy={person}"} if person else {}
            headers |= arguments.pop("headers", {})
            answer = client.request(method, f"{proxy.url}/api/v1{path}", headers=headers, **arguments)
            assert answer.status_code == status, (person, path, answer.text)
            return answer.json()

        seen = ask("alice", "GET", "/session")
        assert (seen["name"], seen["scope"]) == ("alice", "submit"), "the widest of her groups"
        made = ask("alice", "POST", "/searches", 201, json=SEARCH)
        assert made["owner"] == "alice"
        assert [one["id"] for one in ask("bob", "GET", "/searches?owner=alice")["items"]] == [made["id"]]
        refused = ask("bob", "POST", f"/searches/{made['id']}/pause", 403)
        assert "the user 'bob' has read" in refused["detail"]
        told = ask("bob", "GET", f"/searches/{made['id']}/audit")["items"]
        assert [(deed["who"], deed["what"]) for deed in told] == [("alice", "submit")]
        assert "eve" in ask("eve", "GET", "/searches", 403)["detail"], "no group of hers has a scope"
        ask(None, "GET", "/searches", 401)
        ask(None, "GET", "/searches", 401, headers={"X-Forwarded-User": "rené".encode()})
        assert ask(None, "GET", "/session", headers={"Authorization": f"Bearer {ADMIN}"})["scope"] == "admin"
        signed = client.post(f"{proxy.url}/api/v1/session", headers={"Cookie": "proxy=alice"})
        assert "set-cookie" not in signed.headers, "who leaves the proxy is gone"
        events = f"{proxy.url}/api/v1/searches/{made['id']}/events"
        with client.stream("GET", events, headers={"Cookie": "proxy=alice"}) as stream:
            assert next(stream.iter_lines()) == "event: search"
        forge(server, client)
    with SigningProxy(server.url, PROXY, PEOPLE, careless=True) as proxy, httpx.Client(timeout=30) as client:
        both = {"Cookie": "proxy=bob", "X-Forwarded-User": "alice", "X-Forwarded-Groups": "ops"}
        answer = client.get(f"{proxy.url}/api/v1/session", headers=both)
        assert answer.status_code == 401, "of two names neither counts"


def forge(server: Server, client: httpx.Client) -> None:
    """Call the server itself, as if one were the proxy."""
    for headers in (
        {"X-Forwarded-User": "alice"},
        {"X-Forwarded-User": "alice", "X-Forwarded-Groups": "ops", "X-Forwarded-For": PROXY},
        {"X-Forwarded-User": "alice", "X-Forwarded-For": f"10.0.0.1, {PROXY}", "X-Real-IP": PROXY},
        {"X-Forwarded-User": "alice", "Forwarded": f"for={PROXY}"},
    ):
        assert client.get(f"{server.url}/api/v1/searches", headers=headers).status_code == 401, headers
