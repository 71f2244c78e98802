"""Finding a search again, and showing one to somebody without a token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.page_server import Server

SPEC = {
    "name": "labelled",
    "project": "fraud",
    "tags": ["night"],
    "trainer": "external",
    "space": {"a": {"low": 0, "high": 1}},
    "budget": {"trials": 3},
}
ADMIN = "owner-" + "7c" * 20


def test_a_search_is_found_by_words_and_labels_and_the_address_keeps_the_filter(
    page: Page, server: Server
) -> None:
    server.call("/searches", SPEC)
    server.call("/searches", {**SPEC, "name": "unlike", "project": "churn", "tags": []})
    page.goto("/")
    rows = page.get_by_role("row")
    page.get_by_role("searchbox").fill("FRAUD night")
    expect(rows.filter(has_text="unlike")).to_have_count(0)
    expect(rows.filter(has_text="labelled")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"text=FRAUD\+night"))
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("FRAUD night")
    expect(rows.filter(has_text="unlike")).to_have_count(0)
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Project", exact=True).select_option("churn")
    expect(rows.filter(has_text="labelled")).to_have_count(0)
    expect(rows.filter(has_text="unlike")).to_have_count(1)

    page.goto("/")
    rows.filter(has_text="labelled").get_by_role("link", name="night").click()
    expect(rows.filter(has_text="unlike")).to_have_count(0)
    page.get_by_role("link", name="labelled").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_role("button", name="Unarchive")).to_be_visible()
    page.goto("/?text=labelled")
    expect(page.get_by_text("No search matches")).to_be_visible()
    page.get_by_label("State", exact=True).select_option("archived")
    expect(rows.filter(has_text="labelled")).to_have_count(1)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    """A server that asks for a token."""
    running = Server(tmp_path, workers=0)
    running.start(CAVIAR_TOKEN_REQUIRED="yes", CAVIAR_ADMIN_TOKEN=ADMIN)
    yield running
    running.close()


@pytest.mark.soak  # it needs a server of its own
def test_a_link_shows_one_search_to_somebody_without_a_token(browser: Any, guarded: Server) -> None:
    owner = {"Authorization": f"Bearer {ADMIN}"}
    with httpx.Client(base_url=f"{guarded.url}/api/v1", headers=owner) as admin:
        search, other = (admin.post("/searches", json=SPEC).json()["id"] for _ in range(2))
        link = admin.post(f"/searches/{search}/links", json={"seconds": 600}).json()
        context = browser.new_context(base_url=guarded.url)
        visitor = context.new_page()
        visitor.goto(link["path"])
        expect(visitor.get_by_role("heading", name="labelled")).to_be_visible()
        expect(visitor).to_have_url(re.compile(rf"/searches/{search}$"))  # the link is off the address
        for name in ("Pause", "Edit", "Share", "Cancel"):
            expect(visitor.get_by_role("button", name=name)).to_be_hidden()
        visitor.goto("/")
        expect(visitor).to_have_url(re.compile(rf"/searches/{search}$"))
        visitor.goto(f"/searches/{other}")
        expect(visitor.get_by_text("A token is needed").first).to_be_visible()
        assert admin.delete(f"/searches/{search}/links/{link['id']}").status_code == 204
        visitor.goto(link["path"])
        expect(visitor.get_by_text("expired or was revoked")).to_be_visible()
        context.close()
