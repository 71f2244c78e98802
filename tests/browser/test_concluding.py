"""The overview concludes: the winner and its model in two clicks, a word where one would be misled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.page_server import PATIENCE, Server, wait_for_end
from tests.support.waiting import wait

SPACE = {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-3}}
ROWS = "".join(f"{(i * 7) % 31},{(i * 13) % 17},{'yes' if i % 20 == 0 else 'no'}\n" for i in range(400))
LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture(params=LOOKS, ids=[f"{width}-{scheme}" for width, scheme in LOOKS])
def looked(request: Any, browser: Any, server: Server) -> Iterator[Any]:
    """A page of some width, in light or dark."""
    width, scheme = request.param
    context = browser.new_context(
        base_url=server.url, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def rare(server: Server) -> dict[str, Any]:
    """A finished search on a table of which 5 % say yes, by networks that say no to all."""
    sent = httpx.post(f"{server.url}/api/v1/datasets", params={"name": "rare"}, content=f"a,b,answer\n{ROWS}")
    assert sent.status_code == 201, sent.text
    settings = {"epochs": 2, "hidden_layers": 0, "optimizer": "gd"}
    spec = {"name": "Rare", "dataset": {"name": "rare"}, "settings": settings, "space": SPACE}
    made = server.call("/searches", {**spec, "budget": {"trials": 6}, "strategy": "random"})
    return wait_for_end(server, made["id"])


def test_a_model_that_always_says_no_is_not_crowned_without_a_word(looked: Any, rare: dict[str, Any]) -> None:
    looked.goto(f"/searches/{rare['id']}")
    looked.get_by_text("The best trial is no better than always answering 'no'.").wait_for()
    assert looked.locator(".warning-note").count() >= 1
    assert looked.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


def test_the_winner_and_its_model_are_two_clicks_away(looked: Any, search: dict[str, Any]) -> None:
    looked.goto("/")
    looked.locator(f'a[href="/searches/{search["id"]}"]').first.click()
    card = looked.get_by_role("region", name="Conclusion")
    card.get_by_role("heading", name="The winner").wait_for()
    assert search["best"]["params"].keys() == {
        name.replace(" ", "_") for name in card.locator(".places dt").all_inner_texts()
    }
    with looked.expect_download() as begun:
        card.get_by_role("link", name="Download the model").click()
    assert begun.value.suggested_filename == f"trial-{search['best']['trial']}.safetensors"


def test_what_is_found_comes_before_how_it_went(page: Any, search: dict[str, Any]) -> None:
    page.goto(f"/searches/{search['id']}")
    winner = page.get_by_role("region", name="Conclusion").bounding_box()
    progress = page.get_by_role("region", name="Progress").bounding_box()
    assert winner["y"] < progress["y"]
    page.get_by_role("link", name="Open the next search").click()
    page.get_by_text("Follows from the diagnosis of").wait_for()


def test_two_searches_are_compared_by_name_number_and_best_parameters(
    looked: Any, search: dict[str, Any], rare: dict[str, Any]
) -> None:
    both = [rare, search]
    looked.goto("/")
    for one in both:
        row = looked.locator("tr, article, li").filter(has=looked.locator(f'a[href="/searches/{one["id"]}"]'))
        row.get_by_role("checkbox").first.check()
    looked.get_by_role("link", name="Compare 2").click()
    looked.get_by_role("heading", name="Compare searches").wait_for()
    table = looked.get_by_role("region", name="Side by side")
    heads = table.locator("thead th").all_inner_texts()
    assert sorted(text.strip() for text in heads) == sorted(
        f"{one['name']} (search {one['id']})" for one in both
    )
    names = table.locator("tbody th").all_inner_texts()
    assert {"best value", "best: learning rate", "space: learning rate"} <= {name.strip() for name in names}
    assert looked.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


def test_a_retest_is_begun_on_the_page_and_its_changes_are_in_points(
    page: Any, server: Server, rare: dict[str, Any]
) -> None:
    page.goto(f"/searches/{rare['id']}")
    page.get_by_role("button", name="Re-test").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Re-test").click()
    dialog.get_by_text("Re-test 1, ").wait_for()
    running = dialog.get_by_role("listitem").first.inner_text()
    assert "on the same data" in running and "newer" not in running

    def ended() -> bool:
        return all(one["state"] == "ended" for one in server.call(f"/searches/{rare['id']}/retests")["items"])

    wait(ended, PATIENCE / 1000, lambda: "the end of the re-test")
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Re-test").click()
    row = dialog.get_by_role("row").nth(1).locator("td")
    row.first.wait_for()
    shown = row.all_inner_texts()
    assert shown[1].endswith("%") and shown[2].endswith("%")
    assert shown[3].count("points") == 2
