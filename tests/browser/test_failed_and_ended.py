"""What is seen of searches whose trials fail, and what can still be done with a trial that has ended."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from caviar import Client
from tests.support.page_server import SEARCH, Server, wait_for_end

SCRIPTED = {
    **SEARCH,
    "trainer": "external",
    "settings": {"epochs": 1},
    "budget": {"trials": 4},
    "parallel": 1,
}
REASON = f"FileNotFoundError: no {'a7f3' * 20}.npz"


def run_script(server: Server, name: str, fails: range) -> Any:
    """A search whose trials are trained here; some of them fail."""
    with Client(server.url) as client:
        search = client.submit(SCRIPTED | {"name": name})
        for trial in client.ask(search.id):
            if trial.number in fails:
                trial.fail(REASON)
            else:
                trial.complete(dev_error=0.1 * (trial.number + 1))
    return wait_for_end(server, search.id)


def test_a_search_without_any_result_says_why(page: Page, server: Server) -> None:
    search = run_script(server, "all lost", range(4))
    page.goto("/")
    row = page.get_by_role("row", name=re.compile("all lost"))
    expect(row.locator(".chip")).to_have_attribute("data-state", "failed")
    expect(row).to_contain_text("4 of 4, all failed")
    page.goto(f"/searches/{search['id']}")
    expect(page.locator(".pagehead .chip")).to_have_text("all failed")
    expect(page.locator(".problem")).to_contain_text(f"4 × {REASON}")
    expect(page.locator(".problem")).to_contain_text("All 4 trials failed.")
    expect(page.locator("#figure-history")).to_contain_text("No trial has a value: 4 failed.")
    widths = page.locator(".summary .progress span").evaluate_all("all => all.map(one => one.style.width)")
    assert widths == ["0%", "0%", "100%"]


def test_the_page_follows_trials_that_are_run_again(page: Page, server: Server) -> None:
    search = run_script(server, "lost and found", range(2))
    page.goto(f"/searches/{search['id']}")
    expect(page.locator(".pagehead .chip")).to_have_text("completed")
    page.get_by_role("button", name="Rerun failed trials").click()
    expect(page.locator(".pagehead .chip")).not_to_have_text("completed")
    with Client(server.url) as client:
        for trial in client.ask(search["id"]):
            trial.complete(dev_error=0.01)
    expect(page.locator(".pagehead .chip")).to_have_text("completed")
    expect(page.locator(".stat", has_text="Best dev error")).to_contain_text("1 %")


def test_failed_trials_are_run_again_once_from_the_table(page: Page, server: Server) -> None:
    search = run_script(server, "lost twice", range(2))
    page.goto(f"/searches/{search['id']}?view=trials")
    page.get_by_role("button", name="Re-run failed").click()
    expect(page.locator(".toast").last).to_have_text("2 queued again as new trials.")
    expect(page.get_by_role("progressbar").first).to_have_attribute("aria-valuenow", "67")  # 4 of 6
    page.get_by_role("button", name="Re-run failed").click()
    expect(page.locator(".toast").last).to_have_text("All failed trials have already been rerun.")
    assert server.call(f"/searches/{search['id']}")["total"] == 6
    server.call(f"/searches/{search['id']}/cancel", {})


def test_a_search_that_failed_in_part_says_so_in_small(page: Page, server: Server) -> None:
    search = run_script(server, "partly lost", range(1, 2))
    page.goto(f"/searches/{search['id']}")
    expect(page.locator(".pagehead .chip")).to_have_text("completed")
    expect(page.locator(".failednote")).to_contain_text(f"1 failed: {REASON}")
    expect(page.locator(".problem")).to_have_count(0)
    page.locator(".failednote").get_by_role("link", name="Show them").click()
    expect(page.get_by_role("region", name="Trials").locator("tbody tr")).to_have_count(1)


def test_a_long_word_does_not_widen_a_small_screen(page: Page, server: Server) -> None:
    search = run_script(server, "narrow", range(4))
    page.set_viewport_size({"width": 390, "height": 800})
    for address in (f"/trials/{search['id']}.0", f"/searches/{search['id']}"):
        page.goto(address)
        expect(page.locator(".problem").first).to_contain_text("FileNotFoundError")
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_advice_on_an_ended_trial_leads_to_a_fork(page: Page, server: Server) -> None:
    flat = {
        **SEARCH,
        "name": "flat",
        "mode": "panda",
        "settings": {"epochs": 12, "hidden_layers": 1, "hidden_units": 8, "learning_rate": 1e-7},
        "space": {"batch_size": {"choices": [128]}},
        "budget": {"trials": 1},
    }
    search = wait_for_end(server, server.call("/searches", flat)["id"])
    page.goto(f"/trials/{search['id']}.0")
    steering = page.get_by_label("Steering")
    expect(steering).to_contain_text("The trial has ended.")
    expect(steering.get_by_role("button", name="Apply")).to_be_hidden()
    page.get_by_role("button", name=re.compile("^fork at epoch 5, learning rate ")).click()
    expect(page.locator(".preview")).to_contain_text("learning rate 1e-7 →")
    page.get_by_label("learning rate", exact=True).fill("0.05")
    page.get_by_role("button", name="Fork from here").click()
    expect(page).to_have_url(re.compile(rf"/trials/{search['id']}\.1$"))
    expect(page.get_by_label("Commands")).to_contain_text("→ 0.05")


def test_what_a_script_reports_is_shown(page: Page, server: Server) -> None:
    fields = {
        "name": "scores",
        "objective": {"metric": "score", "direction": "maximize"},
        "budget": {"trials": 1},
    }
    with Client(server.url) as client:
        search = client.submit(SCRIPTED | fields)
        for trial in client.ask(search.id):
            trial.report(score=0.5, loss=2.0)
    page.goto(f"/trials/{search.id}.0")
    chosen = page.get_by_label("What to show")
    expect(chosen).to_have_value("score")
    expect(page.locator("#figure-learning-curve canvas, #figure-learning-curve svg").first).to_be_visible()
    assert chosen.locator("option").all_inner_texts() == ["score", "loss"]
    expect(page.locator(".stat", has_text="train error")).to_be_hidden()
    page.goto(f"/trials/{search.id}.0?curve=loss")
    expect(chosen).to_have_value("loss")
