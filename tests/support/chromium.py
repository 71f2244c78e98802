"""Chromium without a window, by Playwright, as the system has it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def chromium() -> Iterator[Any]:
    """Run it with a fresh profile; its event loop ends here, since other tests run loops of their own."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Loading:
    """What a page has asked for and not yet been given, event streams apart."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._open: set[Any] = set()
        page.on("request", lambda request: None if "/events" in request.url else self._open.add(request))
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    def _ended(self, request: Any) -> None:
        self._open.discard(request)

    def wait(self, seconds: float = 30.0) -> None:
        """Wait until a page that has its heading has all the rest, and asks for nothing more."""
        self._page.locator("h1").first.wait_for()
        deadline, quiet = time.monotonic() + seconds, 0
        while quiet < 3:  # what has just arrived may ask for more
            assert time.monotonic() < deadline, [request.url for request in self._open]
            self._page.wait_for_timeout(20)  # which lets the events above come in
            quiet = 0 if self._open else quiet + 1
