"""How fast the dashboard opens a finished search, side by side with optuna-dashboard on the same trials.

    python -m benchmarks.dashboard [--sizes 1000 10000 100000] [--rounds 3]

Opened: progress, the ten best trials and the history are on the screen, in headless Chromium with an empty
cache; for optuna-dashboard, its study page shows its history plot. Pictures: the time until every picture of
the page of pictures is drawn, all asked for at once. Rounds alternate, and the other server stands still
meanwhile; the smallest time counts. First: the same, asked of a server that has just started.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, sync_playwright

from benchmarks.dashboard_data import write_search
from benchmarks.dashboard_optuna import export_to_optuna
from benchmarks.serving import serving

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 180  # seconds until a page counts as not opened
WATCH = """
window.drawnAt = {};
const look = () => {
  for (const [name, done] of Object.entries(window.conditions ?? {}))
    if (!(name in window.drawnAt) && done()) window.drawnAt[name] = performance.now();
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
OPENED = """window.conditions = {opened: () =>
  document.querySelector('#figure-history[data-ready] canvas[data-drawn]') &&
  document.querySelectorAll('[aria-label="Best trials"] tbody tr').length === 10};"""
PICTURES = """window.conditions = Object.fromEntries(
  ['parallel', 'contour', 'importance', 'slices', 'learning-curves', 'rounds', 'bias-variance',
   'distribution', 'history', 'timeline'].map(
    (name) => [name, () => document.querySelector(`#figure-${name}[data-ready]`)]));"""
THEIRS = """window.conditions = {opened: () =>
  document.querySelector('.js-plotly-plot .scatterlayer .trace, .js-plotly-plot canvas')};"""


def measured(browser: Browser, address: str, conditions: str, count: int) -> tuple[dict[str, float], float]:
    """Open an address in a fresh profile: seconds until each condition held, and the renderer's MB."""
    context = browser.new_context(viewport={"width": 1440, "height": 4200})
    context.add_init_script(WATCH + conditions)
    page = context.new_page()
    page.goto(address, wait_until="commit")
    until = time.monotonic() + PATIENCE
    found: dict[str, Any] = {}
    while time.monotonic() < until and len(found) < count:
        time.sleep(0.05)
        found = page.evaluate("window.drawnAt")
    memory = max((one.memory_info().rss / 2**20 for one in _renderers()), default=0.0)
    context.close()
    return {name: each / 1000 for name, each in found.items()}, memory


def _renderers() -> list[psutil.Process]:
    """The renderer processes of the browser this process started."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "--type=renderer" in one.cmdline():
                found.append(one)
    return found


@contextlib.contextmanager
def optuna_dashboard(storage: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Start optuna-dashboard on a storage; give the address of its study, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = Path(sys.executable).with_name("optuna-dashboard")
    arguments = [str(command), f"sqlite:///{storage}", "--port", str(port), "--host", "127.0.0.1"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            address = f"http://127.0.0.1:{port}/dashboard"
            for _ in range(200):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(address, timeout=5).close()
                    break
                time.sleep(0.2)
            yield f"{address}/studies/1", psutil.Process(process.pid)
        finally:
            process.kill()  # it may be busy for minutes


def compare(browser: Browser, folder: Path, count: int, rounds: int, peer: bool) -> None:
    """Measure both on one number of trials and print a line."""
    search = write_search(folder / "caviar", count)
    if peer:
        export_to_optuna(folder / "optuna.db", count)
    ours, theirs, slowest, memory = [], [], [], []
    with serving(folder / "caviar", 1) as url, contextlib.ExitStack() as stack:
        study = stack.enter_context(optuna_dashboard(folder / "optuna.db")) if peer else None
        for _ in range(rounds):
            if study:
                study[1].suspend()
            opened, used = measured(browser, f"{url}/searches/{search}", OPENED, 1)
            ours.append(opened.get("opened", float("inf")))
            pictures, more = measured(browser, f"{url}/searches/{search}?view=pictures", PICTURES, 10)
            slowest.append(max(pictures.values()) if len(pictures) == 10 else float("inf"))
            memory.append(max(used, more))
            if study and (not theirs or theirs[-1] < float("inf")):
                study[1].resume()
                found, _ = measured(browser, study[0], THEIRS, 1)
                theirs.append(found.get("opened", float("inf")))
    line = f"{count:>8,} {min(ours):>7.2f} {ours[0]:>7.2f} {min(slowest):>10.2f} {slowest[0]:>7.2f}"
    line += f" {min(memory):>10.0f}"
    print(line + (f" {min(theirs):>19.2f} {min(theirs) / min(ours):>7.1f}" if theirs else ""), flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--peer-up-to", type=int, default=100_000, help="trials beyond which only ours is opened"
    )
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is missing: apt-get install chromium")
    print("  trials  opened   first   pictures   first  memory MB  optuna-dashboard s   ratio")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for count in options.sizes:
            with tempfile.TemporaryDirectory() as folder:
                compare(browser, Path(folder), count, options.rounds, count <= options.peer_up_to)
        browser.close()


if __name__ == "__main__":
    main()
