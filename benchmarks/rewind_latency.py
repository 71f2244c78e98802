"""From POST to training on: how long a rewind takes to random points of a long trial, and its disk.

    python -m benchmarks.rewind_latency [--rewinds 200] [--epochs 50000] [--seconds 120]

Starts a server with one agent. One babysat trial of a small net trains so many epochs, one of a net of a
million parameters so many seconds; then each is sent back to random epochs of that first branch, one after
the other. The clock runs from before the POST to the moment at which the server takes in the acknowledgement,
which the agent sends when the state is reached and before it trains on.
"""

from __future__ import annotations

import argparse
import queue
import random
import statistics
import tempfile
import threading
import time
from datetime import datetime
from typing import Any

from benchmarks.serving import serving
from caviar import Client

SMALL, LARGE = [16], [960, 960]  # 1,210 and 994,570 parameters


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rewinds", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    for units, epochs, seconds in ((SMALL, asked.epochs, 3600.0), (LARGE, 50_000, asked.seconds)):
        with (
            tempfile.TemporaryDirectory() as folder,
            serving(folder, workers=1) as url,
            Client(url) as client,
        ):
            measure(client, url, units, epochs, seconds, asked.rewinds)


def measure(client: Client, url: str, units: list[int], epochs: int, seconds: float, count: int) -> None:
    """Train one trial, send it back again and again, and tell what that took."""
    trial = begun(client, units)
    start = time.monotonic()
    while (reached := client.trial(trial).epoch) < epochs and time.monotonic() - start < seconds:
        time.sleep(0.2)
    took = time.monotonic() - start
    times = rewound(client, url, trial, [random.Random(1).randrange(reached) for _ in range(count)])
    kept = client.transport.call("GET", f"/trials/{trial}/checkpoints")["items"]
    size = sum(one["size"] for one in kept)
    print(f"\nunits {units}: {reached:,} epochs in {took:.0f} s; {count} rewinds to random epochs of them")
    print(f"from POST to the state reached: median {statistics.median(times):.2f} s, ", end="")
    print(f"99th percentile {times[int(0.99 * len(times))]:.2f} s, longest {times[-1]:.2f} s")
    print(f"{len(kept)} checkpoints, {size / 1e6:.0f} MB", flush=True)
    client.command(trial, "stop")


def begun(client: Client, units: list[int]) -> str:
    """Submit a search of one trial and wait until that trains; return its name."""
    search = client.submit(
        {
            "name": "rewinds",
            "mode": "panda",
            "dataset": {"name": "digits"},
            "settings": {"epochs": 10_000_000, "hidden_units": units, "optimizer": "adam"},
            "space": {"learning_rate": {"scale": "log", "low": 1e-5, "high": 1e-4}},
            "strategy": {"name": "random"},
            "budget": {"trials": 1},
            "seed": 1,
        }
    )
    while not any(one.epoch for one in client.trials(search)):
        time.sleep(0.1)
    return f"{search.id}.0"


def rewound(client: Client, url: str, trial: str, points: list[int]) -> list[float]:
    """Return the sorted seconds that rewinds to these epochs of the first branch took."""
    applied: queue.Queue[tuple[Any, float]] = queue.Queue()

    def follow() -> None:
        with Client(url) as watcher:
            for event in watcher.trial_events(trial):
                if len(times) == len(points):
                    return
                if event.kind == "command" and event.data["state"] != "waiting":
                    answered = datetime.fromisoformat(event.data["answered"]).timestamp()
                    applied.put((event.data, answered))

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    times = []
    for point in points:
        start = time.time()
        given = client.command(trial, "rewind", epoch=point, branch=0)
        while (seen := applied.get(timeout=600))[0]["id"] != given["id"]:
            pass
        if (seen[0]["state"], seen[0]["epoch"]) != ("applied", point):
            raise RuntimeError(f"the rewind to epoch {point} came to {seen[0]}")
        times.append(seen[1] - start)
    follower.join(5)
    return sorted(times)


if __name__ == "__main__":
    main()
