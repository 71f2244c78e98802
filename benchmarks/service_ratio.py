"""How much of the machine the service leaves to training: a search against the same trainings direct.

    python -m benchmarks.service_ratio [--trials 1000] [--rounds 3]

Both train the very same points of a digits search (64-64 hidden units, 20 epochs, batch 64) on two
processes; the service shares the cores with them: server, store, exchange, two agents. Rounds alternate;
the ratio of the medians is quoted. What it takes to start and to load the kernels is left out on both sides.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from typing import Any

from benchmarks.serving import serving
from caviar import Client

PROCESSES = 2
SEARCH = {
    "name": "ratio",
    "dataset": {"name": "digits", "split": {"train": 0.7, "dev": 0.15, "test": 0.15}},
    "settings": {"epochs": 20, "batch_size": 64, "hidden_layers": 2, "hidden_units": 64, "optimizer": "adam"},
    "space": {
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 1e-2},
        "beta1": {"scale": "one_minus_log", "low": 0.9, "high": 0.999},
        "l2": {"scale": "log", "low": 1e-6, "high": 1e-1},
    },
    "strategy": {"name": "random"},
    "parallel": PROCESSES,
    "seed": 1,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--direct", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.direct:
        train_directly()
        return
    result = measure(arguments.trials, arguments.rounds)
    print(
        f"{arguments.trials} trials x 20 epochs, 2 workers: service {result['service']:.1f} trials/s, "
        f"direct {result['direct']:.1f} trials/s, ratio {result['ratio']:.2f}"
    )


def measure(trials: int, rounds: int) -> dict[str, float]:
    """Return the medians of trials per second of both, and their ratio."""
    served, direct = [], []
    with tempfile.TemporaryDirectory() as folder, serving(folder, PROCESSES) as url, Client(url) as client:
        client.wait(client.submit(SEARCH, budget={"trials": 20}))
        for seed in range(rounds):
            search = client.wait(client.submit(SEARCH, budget={"trials": trials}, seed=seed))
            assert search.counts["completed"] == trials, search.counts
            served.append(trials / _seconds(search.created, search.ended))
            points = [(trial.params, trial.seed) for trial in client.trials(search)]
            direct.append(trials / _directly(points))
    service, alone = statistics.median(served), statistics.median(direct)
    return {"service": service, "direct": alone, "ratio": service / alone}


def _seconds(begin: str | None, end: str | None) -> float:
    assert begin and end
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


def _directly(points: list[tuple[Any, Any]]) -> float:
    """Train points in two processes at once; gives the seconds until the last one is done."""
    command = [sys.executable, "-m", "benchmarks.service_ratio", "--direct"]
    variables = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # as agents have them
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables)
        for _ in range(PROCESSES)
    ]
    for number, process in enumerate(processes):
        process.stdin.write(json.dumps(points[number::PROCESSES]) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "warm\n"
    began = time.monotonic()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout.readline() == "done\n"
    seconds = time.monotonic() - began
    for process in processes:
        process.communicate()
    return seconds


def train_directly() -> None:
    """Train what standard input says, with the trainer and nothing else."""
    from caviar.trainer.plugin import MLP
    from caviar.trial_settings import trial_settings

    points = json.loads(sys.stdin.readline())
    mlp = MLP()
    mlp.warm()
    data = mlp.load(SEARCH["dataset"], SEARCH["settings"])

    def train(params: dict[str, Any], seed: int) -> None:
        run = mlp.start(trial_settings(SEARCH["settings"], params, None, seed), data, seed)
        while run.status == "running":
            run.advance(0.05)
        run.result()

    for params, seed in points[:10]:
        train(params, seed)
    print("warm", flush=True)
    sys.stdin.readline()
    for params, seed in points:
        train(params, seed)
    print("done", flush=True)


if __name__ == "__main__":
    main()
