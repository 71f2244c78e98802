"""What moves: a running trial, pause and resume, a server that goes away and comes back."""

import re
import signal
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.page_server import PATIENCE, SEARCH, Server

LONG = {
    **SEARCH,
    "name": "long",
    "settings": {"epochs": 1_000_000, "hidden_layers": 1, "hidden_units": 16},  # no machine ends this first
    "budget": {"trials": 2},
}


def test_a_search_is_paused_resumed_and_cancelled_while_its_trial_moves(page: Page, server: Server) -> None:
    made = server.call("/searches", LONG)
    page.goto(f"/searches/{made['id']}")
    state = page.locator(".pagehead .chip")
    expect(state).to_have_text("running", timeout=PATIENCE)

    page.goto(f"/trials/{made['id']}.0")
    figure = page.locator("#figure-learning-curve canvas")
    expect(figure).to_have_attribute("data-drawn", re.compile(r"\d+"))
    drawn = int(figure.get_attribute("data-drawn") or 0)
    expect(figure).to_have_attribute("data-drawn", re.compile(rf"^(?!{drawn}$)\d+"))
    epochs = page.locator(".stat", has_text="Epochs").locator(".statvalue")
    before = epochs.text_content()
    expect(epochs).not_to_have_text(before or "")

    page.goto(f"/searches/{made['id']}")
    page.get_by_role("button", name="Pause").click()
    expect(state).to_have_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(state).to_have_text("running")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the search").click()
    expect(state).to_have_text("cancelled")


def test_a_server_that_goes_away_and_comes_back(browser: Any, tmp_path: Path, complaints: list[str]) -> None:
    own = Server(tmp_path)
    own.start()
    try:
        context = browser.new_context(base_url=own.url)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/")
        expect(page.get_by_role("heading", name="No searches yet")).to_be_visible()
        own.stop(signal.SIGKILL)
        expect(page.locator(".banner")).to_contain_text("The server is not responding", timeout=60_000)
        own.start()
        expect(page.locator(".banner")).to_contain_text("The server is back", timeout=60_000)
        own.call("/searches", {**SEARCH, "name": "after the break"})
        expect(page.get_by_role("link", name="after the break")).to_be_visible(timeout=60_000)
        context.close()
    finally:
        own.close()
    assert complaints == []
