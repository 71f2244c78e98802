"""Chromium against a real server: skipped with a sentence where there is no Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.chromium import CHROMIUM, chromium
from tests.support.page_server import SEARCH, Server, wait_for_end
from tests.support.two_servers import TWO_SERVERS

SPAN = "module" if TWO_SERVERS else "session"  # a module's databases go with it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all of this folder, and skip it where nothing can be shown."""
    skip = pytest.mark.skip(reason="no Chromium here; apt-get install chromium brings it")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(skip)


@pytest.fixture(scope=SPAN)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that do not harm it."""
    running = Server(tmp_path_factory.mktemp("data"))
    running.start()
    yield running
    running.close()


@pytest.fixture(scope=SPAN)
def search(server: Server) -> dict[str, Any]:
    """A finished search of 12 trials."""
    made = server.call("/searches", SEARCH)
    return wait_for_end(server, made["id"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium for the tests of a module."""
    with chromium() as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """What the page wrote to the console as errors; a test that provokes some empties it."""
    return []


@pytest.fixture
def page(browser: Any, server: Server, complaints: list[str]) -> Iterator[Any]:
    """A page of its own; no error may be on its console at the end."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    shown = context.new_page()
    shown.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    yield shown
    context.close()
    for left in server.call("/searches?state=running")[
        "items"
    ]:  # a steered trial trains until somebody ends it
        server.call(f"/searches/{left['id']}/cancel", {})
    assert complaints == []
