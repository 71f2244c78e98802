"""Two servers on one Postgres, and a balancer that changes the server with each request, below a path."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.engine import URL

from caviar import Client
from caviar.service.security.failed_logins import MOST
from caviar.service.store.tokens import LOGINS
from tests.support.server_process import Server
from tests.support.waiting import wait

pytestmark = [pytest.mark.soak, pytest.mark.postgres]
ADMIN, AGENTS, PREFIX = "owner-" + "7c" * 20, "agent-" + "3d" * 20, "/lab"
TRIALS = 6
SETTINGS = {"epochs": 3, "hidden_layers": 1, "hidden_units": 8}


@pytest.fixture
def address(tmp_path: Path, postgres_url: URL) -> Iterator[str]:
    """Two servers with tokens, the first with an agent; gives the address that people are told."""
    server = Server(
        tmp_path,
        workers=1,
        database=postgres_url.render_as_string(hide_password=False),
        environment={"CAVIAR_ADMIN_TOKEN": ADMIN, "CAVIAR_AGENT_TOKEN": AGENTS},
        arguments=("--token-required", "--path-prefix", PREFIX),
        neighbour=True,
    )
    server.start()
    yield f"{server.url}{PREFIX}"
    server.close()


@pytest.fixture
def page(browser: Any, address: str, complaints: list[str]) -> Iterator[Page]:
    """A page that nobody has signed in on; no error may be on its console at the end."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    shown = context.new_page()
    shown.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    yield shown
    context.close()
    assert complaints == []


def rows(count: int) -> bytes:
    """Lines of a table of three numbers and an answer."""
    lines = (f"{n},{n * n % 97},{n * 31 % 1009},{'yes' if n % 3 else 'no'}\n" for n in range(count))
    return b"a,b,c,answer\n" + "".join(lines).encode()


def test_a_script_sees_one_server(address: str, tmp_path: Path) -> None:
    table = tmp_path / "answers.csv"
    table.write_bytes(rows(300_000))
    search = {
        "name": "balanced",
        "dataset": {"path": str(table), "target": "answer"},
        "settings": {**SETTINGS, "batch_size": 4096},
        "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-1}},
        "budget": {"trials": TRIALS},
        "mode": "panda",
        "seed": 5,
    }
    seen: dict[int, str] = {}
    with Client(address, ADMIN) as client, Client(address, ADMIN) as watcher:
        made = client.submit(search)
        assert client.submit(search, name="held").id == made.id + 1
        client.pause(made.id + 1)

        def watch() -> None:
            for event in watcher.events(made):
                if event.kind == "trial":
                    seen[event.data["number"]] = event.data["state"]
                if event.kind == "search" and event.data["state"] == "completed":
                    return

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        client.wait(made, timeout=300)
        watching.join(30)
        assert not watching.is_alive() and seen == dict.fromkeys(range(TRIALS), "completed")
        for trial in client.trials(made, limit=1, sort="number"):
            assert trial.number in seen
            model = client.model(trial)
            assert model and model == client.model(trial)
            told = [client.predict(trial, [[1.0, 2.0, 3.0]]) for _ in range(3)]
            assert told[0]["labels"] and told == told[:1] * 3
            for kept in client.checkpoints(trial):
                assert client.checkpoint(kept["id"])
        assert len({client.report(made) for _ in range(4)}) == 1
        assert len({client.export(made, "csv") for _ in range(4)}) == 1
        content = [client.datasets()[-1]["id"]] * 4
    with httpx.Client(base_url=f"{address}/api/v1", headers={"Authorization": f"Bearer {ADMIN}"}) as direct:
        for key in content:
            assert direct.get(f"/datasets/{key}/content").content == table.read_bytes()


def test_a_browser_stays_signed_in_and_out(page: Page, address: str, complaints: list[str]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto(f"{address}/")
    page.get_by_label("This server requires a token").fill(ADMIN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="No searches yet")).to_be_visible()
    complaints.clear()  # the browser itself reports the answers 401
    page.goto(f"{address}/datasets")
    page.get_by_label("Name", exact=True).fill("answers")
    page.locator("#upload-file").set_input_files(
        {"name": "answers.csv", "mimeType": "text/csv", "buffer": rows(100_000)}
    )
    expect(page.get_by_role("heading", name="answers")).to_be_visible()
    page.get_by_role("link", name="Start a search").click()
    page.get_by_label("Number of trials").fill("3")
    page.get_by_label("Fixed settings").fill("epochs: 2\nbatch_size: 4096")
    page.get_by_role("button", name="Start the search").click()
    expect(page.locator(".pagehead .chip")).to_have_text("completed", timeout=240_000)
    there = page.url
    for _ in range(10):  # each page asks for ten files or more: from either server
        page.goto(f"{address}/agents")
        page.goto(there)
        expect(page.locator(".pagehead .chip")).to_have_text("completed")
    for name in ("Model card", "CSV"):
        page.locator("summary", has_text="Export").click()
        with page.expect_download() as waiting:
            page.get_by_role("link", name=re.compile(name)).first.click()
        assert waiting.value.path().stat().st_size > 100
    page.locator("summary", has_text="Export").click()
    with page.expect_popup() as opening:
        page.get_by_role("link", name="Report (a page)").click()
    expect(opening.value.locator("h1")).to_contain_text("answers")
    assert [path for path in asked if not path.startswith(f"{PREFIX}/")] == []


def test_limits_hold_for_both_together_or_for_each(address: str) -> None:
    def status(token: str, method: str = "GET") -> int:
        return httpx.request(
            method, f"{address}/api/v1/session", headers={"Authorization": f"Bearer {token}"}
        ).status_code

    guesses = [status(f"cav_{number:040}") for number in range(2 * MOST)]
    wait(lambda: status("cav_" + "0" * 39 + "x") == 429, 10, "guesses refused by both")
    assert set(guesses) <= {401, 429} and guesses[0] == 401
    assert status(ADMIN) == 200, "who knows a token is let in"
    opened = [status(ADMIN, "POST") for _ in range(LOGINS + 1)]
    assert opened == [200] * LOGINS + [429]


def test_signing_out_holds_on_both(address: str) -> None:
    with httpx.Client(base_url=f"{address}/api/v1", headers={"Authorization": f"Bearer {ADMIN}"}) as first:
        assert first.post("/session").status_code == 200
        cookies = dict(first.cookies)
    assert cookies
    whoever: Callable[[], int] = lambda: httpx.get(f"{address}/api/v1/searches", cookies=cookies).status_code  # noqa: E731
    assert {whoever() for _ in range(10)} == {200}
    assert httpx.delete(f"{address}/api/v1/session", cookies=cookies).status_code == 204
    wait(lambda: {whoever() for _ in range(10)} == {401}, 10, "the end of the session on both")
