"""The dashboard and the client behind a proxy that serves Caviar below a path of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from caviar import Client
from tests.support.commandline import caviar
from tests.support.page_server import Server
from tests.support.path_proxy import below_a_path

PREFIX = "/user/ada/proxy/8000"  # as JupyterHub has it

SCRIPT = {
    "name": "below a path",
    "trainer": "external",
    "space": {"x": {"low": 0, "high": 1}},
    "objective": {"metric": "loss", "direction": "minimize"},
    "budget": {"trials": 2},
}


@pytest.fixture(scope="module")
def address(server: Server) -> Iterator[str]:
    with below_a_path(server.url, PREFIX) as address:
        yield address


def test_every_page_works_and_asks_for_nothing_beside_the_path(page: Page, address: str, search: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto(f"{address}/")
    page.locator(f"a[href='{PREFIX}/searches/{search['id']}']").first.click()
    expect(page).to_have_url(re.compile(rf"{PREFIX}/searches/\d+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("digits")
    page.get_by_role("link", name="Trials", exact=True).click()
    expect(page).to_have_url(re.compile(rf"{PREFIX}/searches/\d+\?view=trials"))
    page.goto(f"{address}/trials/{search['id']}.3")
    page.get_by_role("link", name="Caviar").click()
    expect(page).to_have_url(re.compile(rf"{PREFIX}/$"))
    page.goto(f"{address}/agents")
    expect(page.locator("#main")).to_contain_text(f"caviar worker --url {address}")
    page.go_back()
    expect(page).to_have_url(re.compile(rf"{PREFIX}/$"))
    assert [path for path in asked if not path.startswith(f"{PREFIX}/")] == []


def test_a_script_and_a_page_that_is_left_open_meet_below_the_path(page: Page, address: str) -> None:
    with Client(address) as client:
        made = client.submit(SCRIPT)
        with page.expect_request(re.compile(f"{PREFIX}/api/v1/searches/{made.id}/events")):
            page.goto(f"{address}/searches/{made.id}")
        for trial in client.ask(made):
            trial.report(1, loss=trial.params["x"])
        expect(page.locator("#main")).to_contain_text("2 of 2")
    assert "below a path" in caviar("list", "--url", address).stdout
