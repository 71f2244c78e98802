"""What has not begun: a trial no worker has taken yet, a search paused before its first trial."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_server import PATIENCE, SEARCH, Server

LONG = {**SEARCH, "settings": {**SEARCH["settings"], "epochs": 1_000_000}, "budget": {"trials": 2}}


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Server]:
    """A server without workers."""
    running = Server(tmp_path, workers=0)
    running.start()
    yield running
    running.close()


@pytest.fixture
def shown(browser: Any, idle: Server) -> Iterator[Page]:
    """A page of the server without workers."""
    context = browser.new_context(base_url=idle.url)
    yield context.new_page()
    context.close()


def test_a_trial_that_has_not_begun_is_waited_for(shown: Page, idle: Server) -> None:
    made = idle.call("/searches", LONG)
    shown.goto(f"/trials/{made['id']}.0")
    expect(shown.get_by_role("heading", name="Trial 0 has not started")).to_be_visible()
    expect(shown.locator("main").get_by_role("link", name=made["name"])).to_be_visible()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAVIAR_")}
    command = [sys.executable, "-m", "caviar", "worker", "--url", idle.url]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as worker:
        try:
            expect(shown.get_by_role("heading", name="Trial 0", exact=True)).to_be_visible(timeout=PATIENCE)
            expect(shown.locator(".pagehead .chip")).to_have_text("running", timeout=PATIENCE)

            shown.goto(f"/searches/{made['id']}")  # nothing has ended: the trials in training stand here
            trials = shown.get_by_role("region", name="Trials so far")
            expect(trials.locator("tbody tr").first.get_by_role("link", name="0")).to_be_visible()
            idle.call(f"/searches/{made['id']}/cancel", {})
        finally:
            worker.terminate()


def test_a_search_without_a_trial_says_why(shown: Page, idle: Server) -> None:
    made = idle.call("/searches", LONG)
    shown.goto(f"/searches/{made['id']}")
    expect(shown.get_by_role("heading", name="No trial has started yet")).to_be_visible()
    shown.get_by_role("button", name="Pause").click()
    expect(shown.get_by_role("heading", name="Paused before its first trial")).to_be_visible()
    shown.goto(f"/searches/{made['id']}?view=trials")
    expect(shown.get_by_role("heading", name="No trial has started yet")).to_be_visible()
    shown.get_by_role("searchbox", name="Filter").fill("value<1")
    expect(shown.get_by_role("heading", name="No trial matches")).to_be_visible()
