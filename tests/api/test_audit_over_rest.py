"""Who changed what, over REST: every route that changes something for a person is told, to those who may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.test_labels_over_rest import SEARCH
from tests.support.inprocess import App, routes, running

# Routes that write, and what the audit trail calls it. A new one belongs here, or among the silent ones.
TOLD = {
    "POST /searches": "submit",
    "POST /studies": "submit",
    "PATCH /searches/{search}": "edit",
    "DELETE /searches/{search}": "delete",
    "POST /searches/{search}/pause": "pause",
    "POST /searches/{search}/resume": "resume",
    "POST /searches/{search}/cancel": "cancel",
    "POST /searches/{search}/archive": "archive",
    "POST /searches/{search}/unarchive": "unarchive",
    "POST /searches/{search}/points": "enqueue",
    "POST /searches/{search}/rerun": "rerun",
    "POST /searches/{search}/verifications": "verify",
    "POST /searches/{search}/retests": "retest",
    "DELETE /searches/{search}/retests/schedule": "unschedule retests",
    "POST /trials/{name}/rerun": "rerun",
    "POST /trials/{name}/commands": "command",
    "DELETE /trials/{name}/commands/{number}": "withdraw",
    "POST /trials/{name}/exclude": "exclude",
    "POST /trials/{name}/include": "include",
    "POST /trials/{name}/test": "test",
    "PUT /trials/{name}/errors/{part}/{row}": "tag rows",
    "POST /trials/{name}/errors/versions": "upload data set",
    "POST /datasets": "upload data set",
    "DELETE /datasets/{key}": "delete data set",
    "POST /agents/{agent}/trust": "trust agent",
    "POST /searches/{search}/links": "create link",
    "DELETE /searches/{search}/links/{link}": "revoke link",
    "POST /webhooks": "create webhook",
    "DELETE /webhooks/{webhook}": "remove webhook",
    "POST /tokens": "create token",
    "DELETE /tokens/{name}": "revoke token",
}
SILENT = {
    "POST /searches/check": "stores nothing",
    "POST /searches/parse": "stores nothing",
    "POST /webhooks/{webhook}/test": "stores nothing",
    "POST /trials/{name}/predict": "stores nothing",
    "POST /session": "a browser that signs in changes nothing for others",
    "DELETE /session": "nor does one that signs out",
    "POST /studies/{study}/attributes": "what scripts do",
    "POST /studies/{study}/trials": "what scripts do",
    "POST /studies/{study}/changes": "what scripts do",
    "POST /studies/{study}/rest": "what scripts do",
    "PUT /trials/{name}/attributes": "what scripts do",
    "PUT /trials/{name}/artifacts": "what scripts do",
    "POST /exchange": "what agents do",
    "POST /agents/{agent}/lease": "what agents do",
    "PUT /trials/{name}/checkpoints": "what agents do",
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("data"), token_required=True) as made:
        yield made


def test_every_route_that_writes_is_told_or_says_why_not(app: App) -> None:
    prefix = "/api/v1"
    found = {
        f"{method} {path.removeprefix(prefix)}"
        for method, path in routes(app.app)
        if method not in ("GET", "HEAD") and path.startswith(prefix)
    }
    assert found == TOLD.keys() | SILENT.keys()


def test_who_did_what_is_told_to_admins_and_of_a_search_to_readers(guarded: App) -> None:
    book = guarded.app.state.tokens
    heads = {
        name: {"authorization": f"Bearer {book.create(name, scope, 'setup')[1]}"}
        for name, scope in [("root", "admin"), ("alice", "submit"), ("bob", "steer"), ("guest", "read")]
    }

    def call(who: str, method: str, path: str, status: int = 200, **arguments: Any) -> Any:
        answer = guarded.request(method, f"/api/v1{path}", headers=heads[who], **arguments)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    made = call("alice", "POST", "/searches", 201, json=SEARCH)
    assert made["owner"] == "alice"
    search = made["id"]
    assert [one["id"] for one in call("guest", "GET", "/searches?owner=alice&text=ALICE")["items"]] == [
        search
    ]
    call("bob", "PATCH", f"/searches/{search}", json={"project": "fraud"})
    call("bob", "POST", f"/searches/{search}/points", 201, json={"points": [{"a": 0.5}]})
    call("bob", "POST", f"/searches/{search}/pause")
    call("guest", "POST", f"/searches/{search}/resume", 403)
    call("guest", "GET", "/audit", 403)
    page = call("guest", "GET", f"/searches/{search}/audit")
    assert [(one["who"], one["what"]) for one in page["items"]] == [
        ("bob", "pause"),
        ("bob", "enqueue"),
        ("bob", "edit"),
        ("alice", "submit"),
    ]
    assert page["items"][2]["after"] == {"project": "fraud"} and page["next"] is None
    call("root", "POST", "/tokens", 201, json={"name": "ci", "scope": "read"})
    call("root", "DELETE", f"/searches/{search}", 204)
    call("guest", "GET", f"/searches/{search}/audit", 404)
    first = call("root", "GET", f"/audit?search={search}&limit=2")
    rest = call("root", "GET", f"/audit?search={search}&cursor={first['next']}")
    kept = [one["what"] for one in first["items"] + rest["items"]]
    assert kept == ["delete", "pause", "enqueue", "edit", "submit"]
    [token] = call("root", "GET", "/audit?who=root&what=create token")["items"]
    assert (token["subject"], token["after"]) == ("ci", {"scope": "read"})
    for wrong in ("what=nothing", "cursor=x", "limit=0"):
        assert call("root", "GET", f"/audit?{wrong}", 422)["errors"][0]["remedy"]
    call("root", "DELETE", "/audit", 405)
