"""What a stranger asks for: the API's reference, all settings, trials as a file, failed trials again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.page_server import PATIENCE, SEARCH, Server


def test_the_reference_of_the_api_needs_nothing_from_elsewhere(page: Page, server: Server) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/docs")
    page.get_by_label("Filter the routes").fill("post searches rerun")
    route = page.get_by_role("group").filter(has_text="/api/v1/searches/{search}/rerun")
    expect(page.locator("details.route", has_text="POST")).to_have_count(1)
    route.locator("summary").click()
    expect(route).to_contain_text("failed or cancelled")
    expect(route.locator("pre")).to_contain_text(f"curl -X POST '{server.url}/api/v1/searches/SEARCH/rerun'")
    expect(page).to_have_url(re.compile("q=post"))
    route.get_by_role("link", name="Trials", exact=True).click()
    expect(page.locator("#schema-Trials")).to_have_attribute("open", "")
    expect(page.locator("#schema-Trials")).to_contain_text("list of Trial")
    assert [url for url in asked if not url.startswith(server.url)] == []


def test_every_setting_of_the_trainer_may_be_searched(page: Page, server: Server) -> None:
    [mlp] = server.call("/trainers")["items"]
    page.goto("/new?example=digits")
    page.get_by_text("All settings of mlp").click()
    rows = page.get_by_role("region", name="Settings of mlp").locator("tbody tr")
    expect(rows).to_have_count(len(mlp["settings"]))
    page.get_by_label("Add a parameter").select_option("leaky_slope")
    expect(page.get_by_label("Highest leaky slope")).to_have_value("1")
    page.get_by_label("Add a parameter").select_option("initialization")
    expect(page.get_by_label("Choices of initialization")).to_have_value("zeros, normal, xavier, glorot, he")
    expect(page.get_by_label("The search as YAML")).to_have_value(re.compile("initialization"))
    expect(page.get_by_role("button", name="Start the search")).to_be_enabled()
    expect(page.locator(".fielderror")).to_have_count(0)


def test_the_trials_of_a_search_are_saved_as_a_file(page: Page, search: Any) -> None:
    page.goto(f"/searches/{search['id']}")
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    assert len(Path(saved.value.path()).read_text(encoding="utf-8").splitlines()) == 13


def test_failed_trials_are_run_again(page: Page, server: Server) -> None:
    # a network no memory holds: the trial fails, whatever the machine
    settings = {"epochs": 1, "hidden_layers": 2, "hidden_units": 1_000_000}
    made = server.call(
        "/searches", {**SEARCH, "name": "failing", "settings": settings, "budget": {"trials": 1}}
    )
    page.goto(f"/searches/{made['id']}")
    again = page.get_by_role("button", name="Rerun failed trials")
    expect(again).to_be_visible(timeout=PATIENCE)
    again.click()
    expect(page.locator("#toasts")).to_contain_text("1 queued again")
