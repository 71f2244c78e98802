"""The page of a trial shows why its attempts were lost, with their logs."""

from __future__ import annotations

from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.support.page_server import SEARCH, Server

SCRIPTED = {**SEARCH, "trainer": "external", "settings": {"epochs": 1}, "budget": {"trials": 1}}
LOG = "Traceback (most recent call last):\n  line 7\nValueError: bad"


def test_a_failed_attempt_is_shown_with_reason_and_log(page: Page, server: Server) -> None:
    with httpx.Client(base_url=f"{server.url}/api/v1") as client:

        def send(path: str, **body: Any) -> Any:
            return client.post(path, json=body).raise_for_status().json()

        search = send("/searches", **SCRIPTED | {"name": "with a log"})["id"]
        agent = {"id": "a-00000000000000aa", "searches": [search]}
        trial = send("/exchange", agent=agent, want=1)["trials"][0]
        result = {"state": "failed", "reason": "ValueError: bad", "log": LOG}
        report = {"trial": trial["trial"], "attempt": trial["attempt"], "result": result}
        send("/exchange", agent=agent, reports=[report])
    page.goto(f"/trials/{trial['trial']}")
    attempt = page.locator(".records li", has_text="Attempt 1")
    expect(attempt.locator("p")).to_have_text("ValueError: bad")
    expect(attempt.locator("pre")).to_have_text(LOG)
