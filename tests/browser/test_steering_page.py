"""One trial steered from its page: watched, slowed down, taken back by a click, forked, compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.page_server import PATIENCE, SEARCH, Server
from tests.support.waiting import wait

BABYSAT: dict[str, Any] = {
    **SEARCH,
    "name": "babysat",
    "mode": "panda",
    "settings": {"epochs": 1_000_000, "hidden_layers": 2, "hidden_units": 384, "batch_size": 64},
    "space": {"learning_rate": {"value": 0.09}},
    "budget": {"trials": 1},
}


@pytest.fixture
def trial(server: Server) -> Iterator[str]:
    """A trial that no machine ends before the test; all of its search is cancelled afterwards."""
    made = server.call("/searches", BABYSAT)
    wait(lambda: server.call(f"/searches/{made['id']}/trials")["items"], PATIENCE / 1000, "a worker")
    yield f"{made['id']}.0"
    server.call(f"/searches/{made['id']}/cancel", {})


def click_a_point(page: Page) -> int:
    """Click the curve where the tip names an epoch, as a person would; give that epoch."""
    canvas = page.locator("#figure-learning-curve canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    tip = page.locator("#figure-learning-curve .tip")
    for across in range(20, 80, 2):
        for down in range(10, 80, 4):
            page.mouse.move(box["x"] + box["width"] * across / 100, box["y"] + box["height"] * down / 100)
            if tip.is_visible() and (found := re.match(r"Epoch (\d+)", tip.text_content() or "")):
                page.mouse.down()
                page.mouse.up()
                return int(found[1])
    raise AssertionError("no point of the curve was under the pointer")


def watch(page: Page, trial: str) -> Locator:
    """Open the page of a trial and wait until it is seen to move; give the number of its epochs."""
    page.goto(f"/trials/{trial}")
    epochs = page.locator(".stat", has_text="Epochs").locator(".statvalue")
    expect(epochs).to_have_text(re.compile(r"^(\d{2,}|[5-9]|\d+,\d+) of"), timeout=PATIENCE)
    seen = epochs.text_content() or ""
    expect(epochs).not_to_have_text(seen)
    return epochs


def test_watched_slowed_down_rewound_forked_and_compared(page: Page, server: Server, trial: str) -> None:
    watch(page, trial)
    commands = page.get_by_role("region", name="Commands")
    curve = page.locator("#figure-learning-curve canvas")

    page.get_by_role("button", name="learning rate ÷ 3", exact=True).click()
    expect(page.locator(".preview")).to_have_text("learning rate 0.09 → 0.03")
    page.get_by_role("button", name="Apply").click()
    expect(commands.get_by_role("listitem").first).to_contain_text("learning rate 0.09 → 0.03")
    expect(commands.locator(".badge.applied")).to_have_count(1)
    told = server.call(f"/trials/{trial}/commands")["items"][0]
    assert told["after"] == {"learning_rate": 0.03}
    expect(commands).to_contain_text(f"at step {told['step']:,}, epoch {told['epoch']}")
    expect(curve).to_have_attribute(
        "aria-label", re.compile(f"marked: learning rate 0.09 → 0.03 in epoch {told['epoch']}")
    )

    epoch = click_a_point(page)
    chosen = page.locator(".chosenpoint")
    expect(chosen).to_contain_text(f"Epoch {epoch}")
    chosen.get_by_role("button", name="Rewind to here").click()
    expect(commands).to_contain_text(f"rewind at epoch {epoch}")
    expect(commands.locator(".badge.applied")).to_have_count(2)
    branches = page.get_by_role("region", name="Branches", exact=True)
    expect(branches.get_by_role("columnheader")).to_contain_text(["Branch 0", "Branch 1"])
    expect(branches.get_by_role("columnheader").last).to_contain_text("current")
    expect(branches.get_by_role("row", name="Left")).to_contain_text(f"branch 0 at epoch {epoch}")

    branches.get_by_role("link", name="Compare their curves").click()
    expect(page).to_have_url(re.compile(re.escape(f"/compare?trials={trial}@0,{trial}@1")))
    expect(page.locator("#figure-trial-curves .legend span")).to_have_text(
        [f"Trial {trial}, branch 0", f"Trial {trial}, branch 1"]
    )
    expect(page.get_by_role("region", name="Side by side").locator("thead th")).to_have_count(2)


def test_forked_from_a_point_with_a_change_and_compared_with_its_parent(
    page: Page, server: Server, trial: str
) -> None:
    watch(page, trial)
    click_a_point(page)
    expect(page.locator(".chosenpoint")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator(".chosenpoint")).to_be_hidden()
    epoch = click_a_point(page)
    page.get_by_label("learning rate", exact=True).fill("0.01")
    page.get_by_role("button", name="Fork from here").click()
    child = f"{trial.split('.')[0]}.1"
    expect(page).to_have_url(re.compile(rf"/trials/{re.escape(child)}$"))
    expect(page.get_by_role("heading", name="Trial 1", exact=True)).to_be_visible()
    expect(page.locator("main")).to_contain_text(
        f"forked from {trial}, branch 0, at the end of epoch {epoch}"
    )
    commands = page.get_by_role("region", name="Commands")
    expect(commands.locator(".badge.applied")).to_have_count(1, timeout=PATIENCE)
    expect(commands).to_contain_text("→ 0.01")
    assert server.call(f"/trials/{child}/commands")["items"][0]["epoch"] == epoch

    page.get_by_role("link", name=f"Compare with trial {trial}").click()
    heads = page.get_by_role("region", name="Side by side").locator("thead th")
    expect(heads).to_have_text([f"Trial {trial}", f"Trial {child}"])
    expect(page.locator("#figure-trial-curves canvas")).to_have_attribute("data-drawn", re.compile(r"\d+"))


def test_steered_by_keyboard_alone(page: Page, trial: str) -> None:
    watch(page, trial)
    commands = page.get_by_role("region", name="Commands")
    rate = page.get_by_label("learning rate", exact=True)
    rate.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("0.0123")
    page.keyboard.press("Enter")
    expect(commands).to_contain_text("→ 0.0123")
    page.locator("#figure-learning-curve canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#figure-learning-curve .tip")).to_contain_text("Epoch 1")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Rewind to here").focus()
    page.keyboard.press("Enter")
    expect(commands).to_contain_text("rewind at epoch 1")
    expect(commands.locator(".badge.applied")).to_have_count(2)
    page.get_by_label("Steering").get_by_role("button", name="Stop").click()
    expect(page.locator(".pagehead .chip")).to_have_text("stopped")
