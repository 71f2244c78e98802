"""Two people edit one search at once: the later is told, and undoes nothing."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.support.page_server import Server

SPEC = {
    "name": "edited",
    "trainer": "external",
    "space": {"a": {"low": 0, "high": 1}},
    "budget": {"trials": 3},
}


def test_what_somebody_else_changed_is_not_undone(page: Page, server: Server, complaints: list[str]) -> None:
    search = server.call("/searches", SPEC)["id"]
    page.goto(f"/searches/{search}")
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Number of trials").fill("5")
    other = page.request.patch(f"/api/v1/searches/{search}", data={"budget": {"trials": 9}})
    assert other.status == 200
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Somebody else changed this search in the meantime")
    assert server.call(f"/searches/{search}")["budget"]["trials"] == 9
    assert ["412" in complaint for complaint in complaints] == [True]
    complaints.clear()

    dialog.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Edit").click()
    expect(dialog.get_by_label("Number of trials")).to_have_value("9")
    dialog.get_by_label("Number of trials").fill("5")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    assert server.call(f"/searches/{search}")["budget"]["trials"] == 5
