"""The page of a trial's errors, by keyboard: tags, a right label, and the data set that comes of it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect


def test_rows_are_tagged_and_a_corrected_data_set_is_made(page: Page, search: Any) -> None:
    best = search["best"]["trial"]
    page.goto(f"/trials/{best}")
    page.get_by_role("link", name="See its errors").click()
    expect(page).to_have_url(re.compile(rf"/trials/{re.escape(best)}/errors$"))
    first = page.locator("li.example").first
    expect(first.get_by_role("img")).to_be_visible()
    field = first.get_by_placeholder("add a tag")
    field.focus()
    page.keyboard.type("blurry")
    page.keyboard.press("Enter")
    causes = page.get_by_role("region", name="Causes").first
    expect(causes).to_contain_text("blurry")
    expect(field).to_have_value("")
    first.get_by_role("combobox", name=re.compile("right label")).select_option(index=1)
    expect(first.get_by_role("button", name=re.compile("label should be"))).to_be_visible()
    first.get_by_role("button", name=re.compile('Remove "blurry"')).press("Enter")
    expect(field).to_be_focused()
    expect(causes).not_to_contain_text("blurry")
    page.get_by_role("button", name="label is wrong", exact=True).click()
    expect(page.locator("li.example")).to_have_count(1)
    page.get_by_role("button", name="Make a corrected data set").click()
    page.get_by_label("Name").fill("digits mended")
    page.keyboard.press("Enter")
    told = page.get_by_role("region", name="Corrected labels").first
    expect(told).to_contain_text("1 of digits", timeout=30_000)
    told.get_by_role("link", name="Start the search again on it").click()
    expect(page.get_by_label("The search as YAML")).to_have_value(re.compile("digits mended"))
