"""From POST to effect: how long a command takes to reach a net whose epoch lasts about ten seconds.

    python -m benchmarks.steering_latency [--commands 1000]

Starts a server with one agent, submits one babysat trial, and sends `set learning_rate` again and again, each
after the one before was seen to have taken effect. The clock runs from before the POST to the moment the
server takes in the acknowledgement, which the agent sends right after the effect: an upper bound.
"""

import argparse
import queue
import statistics
import tempfile
import threading
import time
from datetime import datetime

from benchmarks.serving import serving
from caviar import Client

SEARCH = {
    "name": "latency",
    "mode": "panda",
    "dataset": {"name": "digits"},
    "settings": {"epochs": 100_000, "batch_size": 1, "hidden_units": [3500, 3500], "optimizer": "gd"},
    "space": {"learning_rate": {"scale": "log", "low": 1e-6, "high": 1e-5}},
    "strategy": {"name": "random"},
    "budget": {"trials": 1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commands", type=int, default=1000)
    count = parser.parse_args().commands
    with tempfile.TemporaryDirectory() as folder, serving(folder, workers=1) as url, Client(url) as client:
        search = client.submit(SEARCH)
        while not any(one.epoch for one in client.trials(search)):
            time.sleep(0.2)
        trial = f"{search.id}.0"
        epoch_seconds = client.curve(trial)["branches"][0]["seconds"][0]
        times = measure(client, url, trial, count)
    times.sort()
    print(f"epoch of the net: {epoch_seconds:.1f} s; {count} commands, one after the other")
    print(f"from POST to acknowledged effect: median {1e3 * statistics.median(times):.0f} ms, ", end="")
    print(f"99th percentile {1e3 * times[int(0.99 * len(times))]:.0f} ms, longest {1e3 * times[-1]:.0f} ms")


def measure(client: Client, url: str, trial: str, count: int) -> list[float]:
    """Send commands and wait for the event of each."""
    applied: queue.Queue[tuple[int, float]] = queue.Queue()

    def follow() -> None:
        with Client(url) as watcher:
            for event in watcher.trial_events(trial):
                if event.kind == "command" and event.data["state"] != "waiting":
                    answered = datetime.fromisoformat(event.data["answered"]).timestamp()
                    applied.put((event.data["id"], answered))

    threading.Thread(target=follow, daemon=True).start()
    times = []
    for number in range(count):
        start = time.time()
        given = client.command(trial, "set", learning_rate=1e-6 * (1 + number % 7))
        while (seen := applied.get(timeout=60))[0] != given["id"]:
            pass
        times.append(seen[1] - start)
    return times


if __name__ == "__main__":
    main()
