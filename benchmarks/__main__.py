"""`make bench`: every part in one run on this machine. Quote ratios; absolute times drift.

python -m benchmarks [part ...]
python -m benchmarks peers [--make] [name ...]     environments of other people's samplers
"""

import subprocess
import sys
import time

from benchmarks import peer_environments

PARTS = {
    "service": (
        "the service against the same trainings direct",
        ["benchmarks.service_ratio", "--trials", "1000"],
    ),
    "bookkeeping": (
        "bookkeeping alone against Optuna's storage, SQLite and Postgres; 100,000 trials; memory",
        ["benchmarks.bookkeeping", "--large", "100000"],
    ),
    "cluster": (
        "1,000 short and 100 longer trials against Ray Tune and Optuna on Postgres, equal resources",
        ["benchmarks.cluster"],
    ),
    "scaling": (
        "costs of exchanges, claims through two servers, and simulated sizes",
        ["benchmarks.scaling"],
    ),
    "large": ("reading a search of 100,000 trials while another trains", ["benchmarks.large_search"]),
    "trainer": ("time per epoch against JAX, PyTorch and scikit-learn", ["benchmarks.trainer_speed"]),
    "metrics": ("what named metrics cost per epoch", ["benchmarks.metrics_cost"]),
    "learning": ("what the trainer learns against scikit-learn", ["benchmarks.trainer_quality"]),
    "retests": ("alarms of re-tests, without drift and with planted drift", ["benchmarks.retests", "200"]),
    "imbalanced": ("winners by metrics of rare classes, by error", ["benchmarks.imbalanced"]),
    "dashboard": ("how fast a search opens, beside optuna-dashboard", ["benchmarks.dashboard"]),
    "steering": ("from a command to its effect", ["benchmarks.steering_latency", "--commands", "500"]),
    "rewind": ("from a rewind to its effect, and the disk for it", ["benchmarks.rewind_latency"]),
    "search": ("proposals, waiting and savings", ["benchmarks.search_speed"]),
    "proposals": ("what a proposal of coarse_to_fine costs", ["benchmarks.proposal_speed"]),
    "quality": ("which strategy finds more", ["benchmarks.quality", "--seeds", "20", "--budget", "24,48"]),
    "epochs": (
        "what is found with so many epochs",
        ["benchmarks.quality_epochs", "--seeds", "5", "--full", "16"],
    ),
    "population": (
        "populations against fixed settings and Ray Tune's PBT",
        ["benchmarks.population", "--seeds", "3"],
    ),
    "race": ("how often the race over folds ends the winner, and what it saves", ["benchmarks.race"]),
    "finalists": ("whether retrained leaders name a better winner", ["benchmarks.finalists"]),
    "advice": ("whether advice names what is wrong, and mends it", ["benchmarks.advice"]),
    "defaults": ("whether every optimiser trains with its defaults", ["benchmarks.default_settings"]),
    "halving": ("what successive halving saves on live trainings", ["benchmarks.quality_live"]),
}


def main() -> int:
    """Run the parts that were named, or all; the exit code says whether all could be measured."""
    if sys.argv[1:2] == ["peers"]:
        return peer_environments.main(sys.argv[2:])
    wanted = sys.argv[1:] or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"There is no part {unknown[0]!r}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted:
        title, arguments = PARTS[name]
        print(f"\n== {name}: {title}", flush=True)
        began = time.monotonic()
        if subprocess.run([sys.executable, "-m", *arguments], check=False).returncode:
            failed.append(name)
        print(f"== {name}: {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        print(f"\nCould not be measured: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
