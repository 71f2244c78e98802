"""A server that logs all it can writes down no token, session, agent's secret or password."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable

import httpx
import pytest

from tests.support.server_process import Server

HOOK = "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"  # whoever knows the address may post there
WEBHOOK = {"url": f"http://127.0.0.1:9/services/{HOOK}", "style": "slack"}
OPERATORS = "operators-own-token-" + "5f" * 20


@pytest.mark.one_server("its SQLite file is damaged")
@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_in_a_log_at_any_level(make_server: Callable[..., Server], form: str) -> None:
    server = make_server(
        workers=1,
        environment={
            "CAVIAR_ADMIN_TOKEN": OPERATORS,
            "CAVIAR_LOG_FORMAT": form,
            "CAVIAR_WEBHOOK_NETWORKS": "127.0.0.0/8",
        },
        arguments=("--token-required", "--log-level", "debug"),
    )
    server.start()
    admin = {"Authorization": f"Bearer {OPERATORS}"}
    made = server.client.post("/api/v1/tokens", json={"name": "ci", "scope": "steer"}, headers=admin)
    token = made.json()["token"]
    mine = {"Authorization": f"Bearer {token}"}
    signed_in = server.client.post("/api/v1/session", headers=mine)
    session = signed_in.cookies["caviar_session"]
    server.client.cookies.clear()
    secrets = [OPERATORS, token, session, link_of(server, admin)]
    for secret in secrets:
        misplaced(server, secret)
    secrets += [HOOK, secret_of_a_webhook(server, admin)]
    cause_trouble(server, mine, admin)
    server.stop()
    log = server.log.read_text("utf-8", "replace")
    assert "INSERT INTO webhooks" in log, "the failure is logged with its statement"
    assert "GET /api/v1/session" in log, "the addresses are logged, so what follows them was left out"
    for secret in secrets:
        assert secret[4:] not in log, "a secret is in the log"
    assert "?" not in "".join(line for line in log.splitlines() if "HTTP/1.1" in line)


def link_of(server: Server, admin: dict[str, str]) -> str:
    """Make a link to a search, open it as a browser does, and give its text."""
    search = {"trainer": "external", "space": {"a": {"low": 0, "high": 1}}, "budget": {"trials": 1}}
    number = server.client.post("/api/v1/searches", json=search, headers=admin).json()["id"]
    made = server.client.post(f"/api/v1/searches/{number}/links", headers=admin).json()
    link = str(made["path"].partition("#link=")[2])
    server.client.post("/api/v1/session", headers={"Authorization": f"Bearer {link}"})
    assert server.client.get(f"/api/v1/searches/{number}").status_code == 200, "by the cookie alone"
    server.client.cookies.clear()
    return link


def secret_of_a_webhook(server: Server, admin: dict[str, str]) -> str:
    """Make a webhook that nobody answers, have it tried, and give the key that signs its messages."""
    made = server.client.post("/api/v1/webhooks", json=WEBHOOK, headers=admin)
    assert made.status_code == 201, made.text
    tried = server.client.post(f"/api/v1/webhooks/{made.json()['id']}/test", headers=admin)
    assert HOOK not in tried.text
    return f"cav_{made.json()['secret']}"


def misplaced(server: Server, secret: str) -> None:
    """Put a secret wherever a caller may put it by mistake."""
    with httpx.Client(base_url=server.url, timeout=30) as client:
        client.cookies.set("caviar_session", secret)
        client.get("/api/v1/session", params={"token": secret})
        client.get("/api/v1/searches", params={"filter": f"x<{secret}"})
        client.get(f"/api/v1/searches?access_token={secret}", headers={"X-Forwarded-For": "10.0.0.1"})
        client.get("/livez", params={"token": secret}, headers={"Authorization": f"Bearer {secret}"})
        client.post("/api/v1/searches", content=secret, headers={"Content-Type": "application/json"})
        client.get("/api/v1/session", headers={"Authorization": f"Basic {secret}", "Cookie": "a=b"})
        client.get("/api/v1/agents/x/wake", params={"timeout": secret})
        if secret != OPERATORS:  # by their form the others are known wherever they are
            client.get(f"/api/v1/tokens/{secret}")


def cause_trouble(server: Server, mine: dict[str, str], admin: dict[str, str]) -> None:
    """Make the server log failures of its own, with their tracebacks."""
    database = sqlite3.connect(server.folder / "data" / "caviar.db")
    database.execute("CREATE TRIGGER no BEFORE INSERT ON webhooks BEGIN SELECT RAISE(ABORT, 'no'); END")
    database.commit()
    assert server.client.post("/api/v1/webhooks", json=WEBHOOK, headers=admin).status_code == 500
    database.execute("UPDATE alembic_version SET version_num = 'none'")
    database.execute("ALTER TABLE sessions RENAME TO elsewhere")
    database.commit()
    server.client.post("/api/v1/session", headers=mine)
    server.client.delete("/api/v1/session", headers={"Cookie": f"caviar_session={os.urandom(8).hex()}"})
    database.execute("ALTER TABLE elsewhere RENAME TO sessions")
    database.commit()
    database.close()
