"""A curve of very many epochs: drawn thinned, all of it where a part is dragged out and in its file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_server import Server

EPOCHS = 20_000
MODULE = "document.querySelector('script[type=module]').src.replace('app.js', '%s')"
AGENT = {"id": "a-00000000000000aa", "host": "h", "pid": 1, "engine": "script", "trainers": ["external"]}


@pytest.fixture
def trial(server: Server) -> str:
    """A trial of a script's that trained for 20,000 epochs."""
    space = {"a": {"low": 0.0, "high": 1.0}}
    spec = {"name": "long", "trainer": "external", "space": space, "budget": {"trials": 1}}
    made = server.call("/searches", spec)
    agent = {**AGENT, "searches": [made["id"]]}
    [given] = server.call("/exchange", {"agent": agent, "want": 1})["trials"]
    rows = [[1 / epoch, 2 / epoch + 1e-6 * (epoch % 7)] for epoch in range(1, EPOCHS + 1)]
    report = {
        "trial": given["trial"],
        "attempt": 1,
        "first": 1,
        "columns": ["train_error", "dev_error"],
        "rows": rows,
    }
    result = {"state": "completed", "metrics": {"dev_error": 0.5}, "epoch": EPOCHS}
    server.call("/exchange", {"agent": agent, "reports": [{**report, "result": result}]})
    return str(given["trial"])


def test_drawn_thinned_and_read_whole_where_a_part_is_shown(page: Page, trial: str, tmp_path: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "0/curve" in request.url else None)
    page.goto(f"/trials/{trial}")
    figure = page.locator("#figure-learning-curve")
    expect(figure.locator(".note")).to_have_text(re.compile(r"^[\d,]+ of 20,000 epochs are drawn"))
    assert [re.search(r"points=\d+$", url) is not None for url in asked] == [True]
    with page.expect_download() as saved:
        figure.get_by_role("button", name=re.compile("CSV")).click()
    assert len(Path(saved.value.path()).read_text().splitlines()) == EPOCHS + 1

    box = figure.locator("canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.7, steps=5)
    page.mouse.up()
    expect(figure.locator(".note")).to_have_text("")
    assert [url.endswith("/curve") for url in asked] == [False, True, True]


def test_compared_thinned_and_saved_whole(page: Page, trial: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "0/curve" in request.url else None)
    page.goto(f"/compare?trials={trial},{trial}")
    figure = page.locator("#figure-trial-curves")
    expect(figure.locator("canvas")).to_have_attribute("data-drawn", re.compile(r"\d+"))
    assert ["points=" in url for url in asked] == [True, True]
    with page.expect_download() as saved:
        figure.get_by_role("button", name=re.compile("CSV")).click()
    assert len(Path(saved.value.path()).read_text().splitlines()) == 2 * EPOCHS + 1
    assert ["points=" in url for url in asked] == [True, True, False, False]


def test_smoothed_by_keys_over_all_epochs_and_remembered(page: Page, trial: str) -> None:
    page.goto(f"/trials/{trial}")
    figure = page.locator("#figure-learning-curve")
    slider = figure.get_by_label("Smoothing")
    expect(figure.locator("output")).to_have_text("off")
    expect(figure.locator(".note")).to_have_text(re.compile("are drawn"))
    slider.focus()
    slider.press("End")
    expect(figure.locator("output")).to_have_text("β 0.999, about 1000 epochs")
    expect(slider).to_have_attribute("aria-valuetext", "β 0.999, about 1000 epochs")
    expect(figure.locator(".note")).to_have_text("")  # every epoch was read
    for _ in range(10):
        slider.press("ArrowLeft")
    page.reload()
    expect(page.locator("#figure-learning-curve output")).to_have_text("β 0.99, about 100 epochs")


def test_averages_begin_unbiased_and_go_through_a_rewind(page: Page) -> None:
    """v_t = (1 - beta) sum_i beta^(t-i) theta_i / (1 - beta^t), written out; a rewound branch goes on."""
    page.goto("/")
    curve = {
        "branches": [
            {"branch": 0, "parent": None, "from_epoch": 0, "epoch": [1, 2, 3], "e": [5.0, 3.0, 9.0]},
            {"branch": 1, "parent": 0, "from_epoch": 2, "epoch": [3, 4], "e": [1.0, 2.0]},
        ]
    }
    found = page.evaluate(
        f"async (curve) => (await import({MODULE % 'core/averages.js'}))"
        ".averagedBranch(curve, curve.branches[1], 'e', 0.8)",
        curve,
    )
    theta, beta = [5.0, 3.0, 1.0, 2.0], 0.8
    expected = [
        sum((1 - beta) * beta ** (t - i) * theta[i - 1] for i in range(1, t + 1)) / (1 - beta**t)
        for t in (3, 4)
    ]
    assert found == pytest.approx(expected, rel=1e-12)
