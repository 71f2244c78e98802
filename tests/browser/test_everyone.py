"""For everyone: axe finds nothing serious, in light and dark; narrow screens do not scroll sideways."""

from typing import Any

import pytest

from tests.support.chromium import Loading
from tests.support.page_server import AXE, Server

PAGES = (
    "/",
    "/searches/{search}",
    "/searches/{search}?view=trials",
    "/searches/{search}?view=pictures",
    "/searches/{search}?view=definition",
    "/trials/{search}.0",
    "/trials/{best}/errors",
    "/new?example=digits",
    "/new?after={search}.0",
    "/compare?trials={search}.0,{search}.1",
    "/agents",
    "/datasets",
    "/datasets/iris",
    "/docs",
)
RUN = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is missing; npm ci brings it")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(browser: Any, server: Server, search: Any, scheme: str) -> None:
    context = browser.new_context(base_url=server.url, color_scheme=scheme)
    context.add_init_script(path=AXE)
    page = context.new_page()
    loading = Loading(page)
    found = {}
    for address in PAGES:
        page.goto(address.format(search=search["id"], best=search["best"]["trial"]))
        loading.wait()
        found[address] = [
            (each["id"], each["nodes"][0]["html"][:160])
            for each in page.evaluate(RUN)
            if each["impact"] in ("serious", "critical")
        ]
    context.close()
    assert {address: each for address, each in found.items() if each} == {}


def test_nothing_is_wider_than_a_small_screen(browser: Any, server: Server, search: Any) -> None:
    context = browser.new_context(base_url=server.url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    loading = Loading(page)
    wide = {}
    for address in PAGES:
        page.goto(address.format(search=search["id"], best=search["best"]["trial"]))
        loading.wait()
        wide[address] = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert {address: width for address, width in wide.items() if width > 390} == {}
