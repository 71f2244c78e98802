"""How long the trials of a large search take to be read while another search trains.

    python -m benchmarks.large_search [--trials 100000] [--rounds 40]

A finished search of 100,000 trials lies in the database; two workers train another one as fast as they can.
One caller reads the best trials and pages of 100, sorted and filtered by fields of every kind, from the first
moment on: what a server that has just started must still read for the first time counts.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.dashboard_data import write_search
from benchmarks.service_ratio import SEARCH
from benchmarks.serving import serving

READS = {
    "best 100": "best?k=100",
    "sorted by value": "trials?sort=-value&limit=100",
    "sorted by a parameter": "trials?sort=params.learning_rate&limit=100",
    "sorted by a metric": "trials?sort=-metrics.train_error&limit=100",
    "filtered by a parameter": "trials?filter=params.l2<0.01&limit=100",
    "filtered twice, sorted": "trials?filter=params.activation=relu&filter=metrics.dev_error<0.1&sort=value"
    "&limit=100",
    "by state": "trials?state=diverged&sort=-ended&limit=100",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        search = write_search(Path(folder), arguments.trials)
        with serving(folder, 2) as address, httpx.Client(base_url=f"{address}/api/v1", timeout=60) as client:
            other = client.post("/searches", json=SEARCH | {"budget": {"trials": 1_000_000}}).json()["id"]
            taken = {name: [] for name in READS}
            for _ in range(arguments.rounds):
                for name, path in READS.items():
                    taken[name].append(read(client, f"/searches/{search}/{path}"))
            trained = client.get(f"/searches/{other}").json()["finished"]
            server = next(one for one in psutil.Process().children() if "serve" in one.cmdline())
            report(arguments.trials, taken, trained, server.memory_info().rss / 1e6)


def read(client: httpx.Client, path: str) -> float:
    """Read a page; gives the seconds."""
    began = time.perf_counter()
    answer = client.get(path)
    seconds = time.perf_counter() - began
    if answer.status_code != 200 or len(answer.json()["items"]) != 100:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")
    return seconds


def report(trials: int, taken: dict[str, list[float]], trained: int, memory: float) -> None:
    """Print what each kind took, in milliseconds."""
    print(f"{trials:,} trials; {trained} others were trained meanwhile; memory of the server {memory:.0f} MB")
    print(f"{'ms':>26} {'first':>7} {'median':>7} {'p99':>7} {'most':>7}")
    taken = taken | {"all but the first of each": [one for each in taken.values() for one in each[1:]]}
    for name, seconds in taken.items():
        shown = [1000 * one for one in (seconds[0], statistics.median(seconds), p99(seconds), max(seconds))]
        print(f"{name:>26}" + "".join(f" {one:7.1f}" for one in shown))


def p99(values: list[float]) -> float:
    """Return the 99th percentile."""
    return sorted(values)[int(0.99 * (len(values) - 1))]


if __name__ == "__main__":
    main()
