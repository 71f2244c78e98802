"""What named metrics cost per epoch: python -m benchmarks.metrics_cost [--rounds 15].

The cases of benchmarks.trainer_cases, with three metrics of the dev set, of the training set, and of both.
Prints the time of an epoch as a ratio to that of a run that names none: rounds alternate in one process and
the fastest of each counts, in processor time.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from benchmarks.trainer_cases import Case, cases, ours
from benchmarks.trainer_speed import EPOCHS, fastest

NAMED = {
    "decisions": ("f1", "recall", "balanced_accuracy"),
    "probabilities": ("log_loss", "brier", "calibration_error"),
    "one of each": ("f1", "log_loss", "roc_auc"),
}
OF_ALL_CLASSES = {"f1": "f1_macro", "recall": "recall_macro"}
MOST = 1.05


def main() -> int:
    """Print the table; the exit code says whether every ratio is at most `MOST`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dev", action="store_true", help="a dev set of a fifth of the rows, not one row")
    rounds, real = (arguments := parser.parse_args()).rounds, arguments.dev
    wanted = [(kind, parts) for kind in NAMED for parts in (("dev",), ("train",), ("dev", "train"))]
    titles = [f"{kind}, {' and '.join(parts)}" for kind, parts in wanted]
    print(f"| case | none again | {' | '.join(titles)} |")
    print("|---|" + "---|" * (len(wanted) + 1))
    worst = 0.0
    for case in cases():
        trainers: dict[str, Any] = {"none": _run(case, real), "again": _run(case, real)}
        for kind, parts in wanted:
            trainers[f"{kind} {parts}"] = _run(case, real, metrics=_names(case, kind, parts))
        best = fastest({name: (train, EPOCHS[case.name[0]]) for name, train in trainers.items()}, rounds)
        ratios = [best[name] / best["none"] for name in trainers if name != "none"]
        worst = max(worst, *ratios)
        print(f"| {case.name} | {' | '.join(f'{ratio:.3f}' for ratio in ratios)} |", flush=True)
    return int(worst > MOST)


def _run(case: Case, real: bool, **settings: Any) -> Any:
    return ours(case, len(case.X) // 5 if real else 1, **settings)


def _names(case: Case, kind: str, parts: tuple[str, ...]) -> list[str]:
    several = case.sizes[-1] > 1
    measures = [OF_ALL_CLASSES.get(name, name) if several else name for name in NAMED[kind]]
    return [f"{part}_{measure}" for part in parts for measure in measures]


if __name__ == "__main__":
    raise SystemExit(main())
