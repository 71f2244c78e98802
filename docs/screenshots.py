"""Make the pictures of docs/dashboard.md: python docs/screenshots.py.

Starts a server of its own, runs searches of examples/ on it and takes pictures of their pages.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import yaml
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.serving import serving  # noqa: E402
from caviar import Client  # noqa: E402

FOLDER = Path(__file__).parent / "screenshots"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDE, NARROW = (1440, 900), (390, 844)
LONGEST = 2400  # pixels of a page that are shown


def shots(search: int, best: str, watched: str) -> list[tuple[str, str, str, tuple[int, int]]]:
    """Name, address, scheme and size of each picture."""
    return [
        ("searches", "/", "light", WIDE),
        ("search", f"/searches/{search}", "light", WIDE),
        ("search-dark", f"/searches/{search}", "dark", WIDE),
        ("pictures", f"/searches/{search}?view=pictures", "light", WIDE),
        ("pictures-dark", f"/searches/{search}?view=pictures", "dark", WIDE),
        ("trials", f"/searches/{search}?view=trials", "light", WIDE),
        ("trial", f"/trials/{best}", "light", WIDE),
        ("steering", f"/trials/{watched}", "dark", WIDE),
        ("branches", f"/compare?trials={watched}@0,{watched}@1", "light", WIDE),
        ("new", "/new?example=digits", "light", WIDE),
        ("dataset", "/datasets/iris", "dark", WIDE),
        ("reference", "/docs?q=trials", "light", WIDE),
        ("narrow", f"/searches/{search}", "light", NARROW),
    ]


def take(browser: Browser, url: str, name: str, address: str, scheme: str, size: tuple[int, int]) -> None:
    """Open a page, let it draw, and save it from the top."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, base_url=url
    )
    page = context.new_page()
    page.goto(address)
    page.locator("h1").first.wait_for()
    page.wait_for_timeout(1500)
    full = min(LONGEST, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": max(height, full)})
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / f"{name}.png")
    context.close()


def submit(client: Client, name: str, **changes: object) -> int:
    """Submit an example and give the id of its search."""
    spec = yaml.safe_load((ROOT / "examples" / name).read_text(encoding="utf-8"))
    return client.submit({**spec, **changes}).id


def steer(client: Client, trial: str) -> None:
    """Lower the learning rate, go back, and take another road; then stand still for the picture."""
    wait_for_epoch(client, trial, 6)
    client.command(trial, "set", learning_rate=0.01)
    wait_for_epoch(client, trial, 24)
    client.commands(
        trial,
        [
            {"kind": "rewind", "arguments": {"epoch": 3}},
            {"kind": "set", "arguments": {"learning_rate": 0.3}},
        ],
    )
    time.sleep(2)
    wait_for_epoch(client, trial, 20)
    client.command(trial, "pause")
    time.sleep(1)


def wait_for_epoch(client: Client, trial: str, epoch: int) -> None:
    """Wait until a trial has come so far."""
    search = int(trial.partition(".")[0])
    while not any(one.epoch >= epoch for one in client.trials(search)):
        time.sleep(0.2)


def main() -> None:
    """Run it."""
    chromium = shutil.which("chromium") or sys.exit("Chromium is missing: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving(folder, 2) as url, sync_playwright() as playwright:
        client = Client(url)
        search = submit(client, "digits.yaml")
        submit(client, "breast_cancer_random.yaml")
        client.wait(search, 240)
        slow = {
            "epochs": 600,
            "hidden_layers": 3,
            "hidden_units": 512,
            "batch_size": 32,
            "optimizer": "momentum",
        }
        watched = submit(client, "babysit.yaml", settings={**slow, "optimizer": "momentum"})
        steer(client, f"{watched}.0")
        best = client.search(search).best["trial"]
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, address, scheme, size in shots(search, best, f"{watched}.0"):
            take(browser, url, name, address, scheme, size)
        browser.close()


if __name__ == "__main__":
    main()
