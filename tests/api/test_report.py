"""The report of a search: what a paper asks, in one file that loads nothing and trusts no text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from caviar.service.api import report_svg
from tests.api import test_final_tests as final_tests
from tests.support.inprocess import App
from tests.support.inprocess_agents import searched
from tests.support.trained_trials import finished

API = "/api/v1"
NASTY = 'A <script>alert("1")</script> | *name*'
SEARCH: dict[str, Any] = {
    "note": NASTY,
    "dataset": {"name": "iris", "split": {"train": 0.6, "dev": 0.2, "test": 0.2}},
    "settings": {"epochs": 3},
    "space": {
        "learning_rate": {"scale": "log", "low": 0.003, "high": 0.3},
        "activation": {"choices": ["relu", "tanh"]},
        "hidden_units": {"value": 7},
    },
    "strategy": "sobol",
    "budget": {"trials": 6},
    "seed": 11,
}


class Outline(HTMLParser):
    """Headings, addresses and open elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "circle", "line", "rect"):
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "style")]
        self.headings += ["script"] if tag == "script" else []

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def report(app: App, search: int, **query: str) -> str:
    found = app.request("GET", f"{API}/searches/{search}/report", params=query)
    assert found.status_code == 200, found.text
    return found.text


def test_a_report_says_what_a_paper_asks_in_one_file(app: App) -> None:
    trials = searched(app, SEARCH)
    search = trials[0]["search"]
    verified = {
        "verdict": "passed", "trials": 6, "proposed_again": 6, "trained_again": 5, "differs": 0,
        "not_provable": 0, "last_link": "ab" * 32,
    }  # fmt: skip
    assert app.request("POST", f"{API}/searches/{search}/verifications", json=verified).status_code == 201
    worst = max(trials, key=lambda one: one["value"])
    app.request("POST", f"{API}/trials/{worst['id']}/exclude", json={"reason": "a broken disk"})
    page = report(app, search)
    outline = Outline(page)
    assert outline.open == []
    assert outline.addresses == [], "nothing is loaded from anywhere"
    assert "url(" not in page and "@import" not in page and "script" not in outline.headings
    for heading in ("Data and split", "Space", "Leaders", "Test set", "Diagnosis of the best trial"):
        assert heading in outline.headings
    best = min(trials, key=lambda one: (one["value"], one["number"]))
    card = report(app, search, format="md")
    for text in (page, card):
        plain = text.replace("\\", "")
        for said in (
            f"Best: trial {best['id']}", "iris", "train 60 %, dev 20 %, test 20 %", "0.003 to 0.3",
            "relu, tanh", "sobol", str(best["seed"]), "a broken disk", "numpy", "abab",
            "5 trials, compared bit for bit",
            "Nobody has looked at the test set",
        ):  # fmt: skip
            assert said in plain, said
    assert page.count("<svg") == 3
    assert "<script>" not in page + card.split("```")[0]
    assert "\\| \\*name\\*" in card
    assert card.startswith("# ")


def test_every_look_at_the_test_set_is_told(app: App) -> None:
    trial = finished(app, 71, {"name": "iris"})
    look = final_tests.look_at(app, trial, "final <choice>").json()
    search = int(trial.id.split(".")[0])
    page = report(app, search)
    assert "final &lt;choice&gt;" in page
    assert f"{100 * look['metrics'][0]['value']:.2f} % (" in page
    assert "number 1 at this set" in page


def test_a_search_without_results_has_a_report_too(app: App) -> None:
    search = app.request("POST", f"{API}/searches", json={**SEARCH, "trainer": "external", "settings": {},
                                                          "dataset": {}}).json()["id"]  # fmt: skip
    page = report(app, search)
    assert Outline(page).open == []
    assert "No trial has a value yet." in page
    assert app.request("GET", f"{API}/searches/999/report").status_code == 404
    assert app.request("GET", f"{API}/searches/{search}/report", params={"format": "pdf"}).status_code == 422


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.2, 7.7), (1e-9, 2e-9), (5e5, 5.1e5)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    ticks = report_svg.ticks(low, high)
    assert 2 <= len(ticks) <= 7
    assert all(low - 1e-12 <= tick <= high + 1e-12 * abs(high) for tick in ticks)
    assert all(re.fullmatch(r"-?[\d.]{1,6}(e[+-]\d+)?", f"{tick:.4g}") for tick in ticks)


def test_a_line_leaves_out_what_is_not_finite_and_is_never_flat_to_nothing() -> None:
    svg = report_svg.lines(
        [report_svg.Line("<a>", [1, 2, 3], [0.5, float("nan"), 0.5])], "epoch", "cost & more"
    )
    assert "nan" not in svg and "&lt;a&gt;" in svg and "cost &amp; more" in svg
    assert report_svg.lines([report_svg.Line("a", [1], [float("inf")])], "x", "y") == ""
