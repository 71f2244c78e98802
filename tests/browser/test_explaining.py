"""What the dashboard says about results: the diagnosis with its next search, and the rounds in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_server import PATIENCE, SEARCH, Server, wait_for_end


@pytest.fixture(scope="module")
def zoomed(server: Server) -> Any:
    """A search in rounds whose best learning rate lies at the end of the range; leaders trained again."""
    space = {
        **SEARCH["space"],
        "learning_rate": {"scale": "log", "low": 1e-5, "high": 1e-3},
    }
    changes = {"strategy": {"name": "coarse_to_fine"}, "reevaluate": {"leaders": 2, "seeds": 1}}
    made = server.call("/searches", {**SEARCH, **changes, "space": space, "budget": {"trials": 18}})
    return wait_for_end(server, made["id"])


def test_a_diagnosis_leads_to_a_search_ready_to_start(page: Page, search: Any) -> None:
    page.goto(f"/trials/{search['best']['trial']}")
    card = page.get_by_role("region", name="Diagnosis")
    expect(card).to_contain_text("Avoidable bias")
    expect(card.get_by_role("listitem").first).to_be_visible()
    card.get_by_role("link", name=re.compile("^Search ")).click()
    expect(page).to_have_url(re.compile(re.escape(f"/new?after={search['best']['trial']}")))
    expect(page.get_by_label("The search as YAML")).to_have_value(re.compile("Follows from the diagnosis"))
    expect(page.get_by_role("button", name="Start the search")).to_be_enabled()
    expect(page.locator(".fielderror")).to_have_count(0)


def test_a_confusion_matrix_shows_what_the_model_took_for_what(
    page: Page, search: Any, server: Server
) -> None:
    trial = search["best"]["trial"]
    found = server.call(f"/trials/{trial}/predictions")
    page.goto(f"/trials/{trial}")
    figure = page.locator("#figure-confusion")
    canvas = figure.locator("canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("Confusion matrix of 10 classes"))
    expect(figure).to_contain_text(f"{found['rows']} examples of the dev set")
    worst = found["confused"][0]
    mistakes = figure.get_by_role("list", name="Most frequent mistakes").get_by_role("listitem")
    expect(mistakes.first).to_contain_text(f"{worst['actual']} predicted as {worst['predicted']}")
    with page.expect_download() as saved:
        figure.get_by_role("button", name="as CSV").click()
    lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()[1:]
    assert [list(map(int, line.split(",")[1:])) for line in lines] == found["matrix"]
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(figure.locator(".tip")).to_contain_text("0 recognised")


def test_residuals_show_predictions_against_the_truth(
    page: Page, server: Server, complaints: list[str]
) -> None:
    space = {"learning_rate": {"scale": "log", "low": 1e-3, "high": 1e-1}}
    regression = {"dataset": {"name": "diabetes"}, "space": space, "budget": {"trials": 2}}
    made = wait_for_end(server, server.call("/searches", {**SEARCH, **regression})["id"])
    page.goto(f"/trials/{made['best']['trial']}")
    figure = page.locator("#figure-residuals")
    expect(figure).to_have_attribute("data-ready", "true")
    expect(figure).to_contain_text("root mean squared error")
    expect(figure.locator("canvas")).to_have_attribute(
        "aria-label", re.compile("^Predictions of progression")
    )
    figure.get_by_label("What to show").select_option("residual")
    expect(figure.locator("canvas")).to_have_attribute("aria-label", re.compile("^Residuals of progression"))

    boundary = page.locator("#figure-decision-boundary")
    boundary.scroll_into_view_if_needed()
    expect(boundary).to_have_attribute("data-ready", "true")
    boundary.get_by_label("Column on x").select_option("age")
    picture = boundary.locator("canvas")
    expect(picture).to_have_attribute("aria-label", re.compile("^progression over age and "))
    expect(page).to_have_url(re.compile("bx=age"))
    boundary.get_by_label("Row of the dev set").fill("100000")
    boundary.get_by_label("Row of the dev set").press("Enter")
    expect(boundary).to_contain_text("is not one of the dev set")
    complaints.clear()  # the browser says so too

    plane = page.locator("#figure-loss-plane")
    plane.get_by_role("button", name="Compute it").click()
    expect(plane.locator("canvas")).to_have_attribute(
        "aria-label", re.compile("^Training cost around the path"), timeout=PATIENCE
    )
    expect(plane).to_contain_text("rows of the training set")


def test_rounds_are_told_in_words_and_shown_one_by_one(page: Page, zoomed: Any) -> None:
    page.goto(f"/searches/{zoomed['id']}?view=pictures")
    figure = page.locator("#figure-rounds")
    figure.scroll_into_view_if_needed()
    expect(figure).to_have_attribute("data-ready", "true")
    rounds = figure.get_by_role("list", name="Rounds in words").get_by_role("listitem")
    expect(rounds.last).to_contain_text("spread evenly")
    expect(rounds.first).to_contain_text("around trials")
    expect(rounds.first.get_by_role("button")).to_have_attribute("aria-pressed", "true")
    expect(figure.locator(".warning-note").first).to_contain_text(
        "learning_rate: the best sits at the high end"
    )
    rounds.last.get_by_role("button", name="Round 0").click()
    expect(page).to_have_url(re.compile("round=0"))
    expect(rounds.last.get_by_role("button")).to_have_attribute("aria-pressed", "true")
    expect(figure.locator("canvas")).to_have_attribute("aria-label", re.compile("round 0: spread evenly"))


def test_the_overview_says_how_good_the_best_of_random_trials_is(
    page: Page, search: Any, zoomed: Any
) -> None:
    page.goto(f"/searches/{search['id']}")
    expect(page.locator(".remaining")).to_contain_text("The best of 12 random trials is in the top 22 %")
    page.goto(f"/searches/{zoomed['id']}")  # whose trials were not drawn at random
    expect(page.get_by_role("heading", name="Best trials")).to_be_visible()
    expect(page.locator(".remaining")).to_be_hidden()


def test_the_overview_names_the_winner(page: Page, zoomed: Any) -> None:
    page.goto(f"/searches/{zoomed['id']}")
    rows = page.get_by_role("region", name="Leaders retrained").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("winner")


def test_the_space_is_edited_as_text_and_checked_by_the_server(
    page: Page, zoomed: Any, complaints: list[str]
) -> None:
    page.goto(f"/searches/{zoomed['id']}")
    page.get_by_role("button", name="Edit").click()
    space = page.get_by_role("dialog").get_by_label("Space")
    expect(space).to_have_value(re.compile("beta1"))
    given = space.input_value()
    space.fill(given.replace("0.001", "0.000001", 1))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("dialog").locator(".problem")).to_contain_text("space.learning_rate")
    complaints.clear()  # the browser itself reports the answer 422
    space.fill(given.replace("0.001", "0.01", 1))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
