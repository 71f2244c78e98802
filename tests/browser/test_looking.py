"""Finding trials: sort, filter, brush, compare, pictures, and what the address keeps."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

PICTURES = ("parallel", "contour", "importance", "slices", "learning-curves", "rounds", "bias-variance")
BELOW = ("distribution", "history", "timeline")


def test_trials_are_sorted_and_filtered_by_the_server_until_one_is_found(page: Page, search: Any) -> None:
    page.goto(f"/searches/{search['id']}?view=trials")
    rows = page.get_by_role("region", name="Trials").locator("tbody tr")
    expect(rows).to_have_count(12)
    expect(rows.first).to_contain_text(str(search["best"]["number"]))

    page.get_by_role("button", name="learning rate").click()
    expect(page).to_have_url(re.compile("sort=params.learning_rate"))
    expect(page.get_by_role("columnheader", name="learning rate")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("searchbox", name="Filter").fill("params.batch_size=64 and value<2")
    expect(page).to_have_url(re.compile("filter="))
    expect(page.locator(".pager")).to_contain_text(re.compile(r"^[1-9]\d? trials?"))
    expect(rows).not_to_have_count(12)
    address = page.url

    rows.first.get_by_role("link").click()
    expect(page.get_by_role("heading", name=re.compile(r"^Trial \d+"))).to_be_visible()
    expect(page.locator("#figure-learning-curve")).to_have_attribute("data-ready", "true")
    page.go_back()
    expect(page).to_have_url(address)
    expect(page.get_by_role("searchbox", name="Filter")).to_have_value("params.batch_size=64 and value<2")


def test_a_filter_that_cannot_be_read_is_explained(page: Page, search: Any, complaints: list[str]) -> None:
    page.goto(f"/searches/{search['id']}?view=trials&filter=nonsense")
    expect(page.locator(".problem")).to_contain_text("cannot be read")
    expect(page.locator(".problem .remedy")).to_contain_text("params.")
    complaints.clear()  # the browser itself reports the answer 422


def test_a_brush_keeps_the_trials_that_pass_and_stays_in_the_address(page: Page, search: Any) -> None:
    page.goto(f"/searches/{search['id']}?view=pictures")
    figure = page.locator("#figure-parallel")
    expect(figure).to_have_attribute("data-ready", "true")
    canvas = figure.locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 46, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 46, box["y"] + 200, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile("brush=learning_rate"))
    expect(figure.locator(".controls .note")).to_contain_text(re.compile(r"^\d+ inside"))
    said = figure.locator(".controls .note").text_content()

    page.reload()
    expect(page.locator("#figure-parallel .controls .note")).to_have_text(said or "")
    page.get_by_role("button", name="Clear brushes").click()
    expect(page).not_to_have_url(re.compile("brush="))


def test_every_picture_is_drawn_and_saved(page: Page, search: Any) -> None:
    page.goto(f"/searches/{search['id']}?view=pictures")
    for name in (*PICTURES, *BELOW):
        figure = page.locator(f"#figure-{name}")
        figure.scroll_into_view_if_needed()
        expect(figure).to_have_attribute("data-ready", "true")
        expect(figure.locator(".problem")).to_have_count(0)
    figure = page.locator("#figure-history")
    with page.expect_download() as saved:
        figure.get_by_role("button", name="as CSV").click()
    lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "trial,value,best,ended"
    assert len(lines) == 13
    with page.expect_download() as picture:
        figure.get_by_role("button", name="as PNG").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_trials_ticked_are_compared(page: Page, search: Any) -> None:
    page.goto(f"/searches/{search['id']}?view=trials")
    rows = page.get_by_role("region", name="Trials").locator("tbody tr")
    rows.nth(0).get_by_role("checkbox").check()
    rows.nth(1).get_by_role("checkbox").check()
    page.get_by_role("link", name="Compare 2").click()
    expect(page.get_by_role("heading", name="Compare trials")).to_be_visible()
    expect(page.get_by_role("region", name="Side by side").locator("thead th")).to_have_count(2)
    expect(page.locator("#figure-trial-curves canvas")).to_have_attribute("data-drawn", re.compile(r"\d+"))


def test_a_chart_is_walked_through_by_keyboard(page: Page, search: Any) -> None:
    page.goto(f"/searches/{search['id']}")
    canvas = page.locator("#figure-history canvas")
    expect(page.locator("#figure-history")).to_have_attribute("data-ready", "true")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#figure-history .tip")).to_contain_text("Trial")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile(r"^Trial \d+"))).to_be_visible()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/searches/999999", "there is no search 999999"),
        ("/trials/1.99999", "there is no"),
        ("/searches/x", "does not exist"),
        ("/nowhere", "does not exist"),
    ],
)
def test_an_address_that_leads_nowhere_says_so(
    page: Page, address: str, said: str, complaints: list[str]
) -> None:
    page.goto(address)
    expect(page.locator("main")).to_contain_text(said)
    complaints.clear()  # the browser itself reports the answer 404
