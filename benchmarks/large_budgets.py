"""What 1,000 trials and more find: python -m benchmarks.large_budgets --seeds 4 --trials 250,1000.

Ranks among random points are all 0 by then. So the score is the gap: how far the best point found is above
the lowest value that there is, as a share of how far the median of random points is; geometric means. Gaps
below a millionth count as one. Peers need `python -m benchmarks peers --make`.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np
from scipy.optimize import minimize

from benchmarks import quality_peers
from benchmarks.quality import run_ours
from benchmarks.quality_problems import Formula, Problem, formulas, tables
from benchmarks.quality_report import OURS

NAMES = (
    *("hartmann", "ackley", "bent valley", "sixteen valleys", "ten axes", "categories", "conditions"),
    *("many: hartmann + 14 dead axes", "digits_grid", "cancer_grid"),
)
LEAST = 1e-6


@cache
def known() -> dict[str, Problem]:
    """Return the problems by name."""
    return {one.name: one for one in (*formulas(), *tables()) if one.name in NAMES}


@cache
def lowest(name: str) -> float:
    """Return the lowest value of a problem: of a table its best row, of a function where descents end."""
    problem = known()[name]
    if not isinstance(problem, Formula):
        return float(problem.reference[0])
    rng, width = np.random.default_rng(0), problem.space.dimensions
    points = rng.random((4_000, width))
    starts = points[np.argsort(problem.formula(points))[:10]]

    def value(unit: np.ndarray) -> float:
        return float(problem.formula(np.clip(unit, 0, 1 - 1e-12)[None])[0])

    asked = {"maxfev": 3_000, "xatol": 1e-9, "fatol": 1e-12}
    return min(float(minimize(value, one, method="Nelder-Mead", options=asked).fun) for one in starts)


def gaps(task: tuple[str, str, int, tuple[int, ...], int]) -> list[float]:
    """Return the gap of one search after each number of trials; at last the milliseconds of a proposal."""
    name, strategy, seed, trials, lag = task
    problem = known()[name]
    run = run_ours if strategy in OURS else quality_peers.run
    outcomes, seconds = run(strategy, problem, seed, max(trials), lag)
    found = np.minimum.accumulate([one.worth for one in outcomes])
    low, middle = lowest(name), float(np.median(problem.reference))
    return [*(float(found[count - 1] - low) / (middle - low) for count in trials), 1e3 * np.mean(seconds)]


def main() -> None:
    """Measure, and print a line for each problem, and means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--trials", default="250,1000")
    parser.add_argument("--lag", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--strategies", default="coarse_to_fine,optuna_tpe,random,sobol")
    parser.add_argument("--only", nargs="+", default=[""], help="problems whose name contains one of these")
    arguments = parser.parse_args()
    trials = tuple(map(int, arguments.trials.split(",")))
    names = [name for name in NAMES if any(part in name for part in arguments.only)]
    strategies = arguments.strategies.split(",")
    print(
        f"{'gap, a share of the median: after ' + arguments.trials:36s}"
        + "".join(f"{s:>34s}" for s in strategies)
    )
    logs: dict[str, list[np.ndarray]] = {strategy: [] for strategy in strategies}
    with ProcessPoolExecutor(arguments.processes) as pool:
        for name in names:
            cells = ""
            for strategy in strategies:
                tasks = [(name, strategy, seed, trials, arguments.lag) for seed in range(arguments.seeds)]
                each = np.array(list(pool.map(gaps, tasks)))
                each[:, :-1] = np.log(np.maximum(each[:, :-1], LEAST))
                logs[strategy].append(each)
                cells += _cell(each)
            print(f"{name:36s}{cells}", flush=True)
    print(f"{'all':36s}" + "".join(_cell(np.vstack(logs[strategy])) for strategy in strategies))


def _cell(each: np.ndarray) -> str:
    means = "  ".join(f"{gap:.1e}" for gap in np.exp(each[:, :-1].mean(axis=0)))
    return f"{means + f'  {each[:, -1].mean():.1f} ms':>34s}"


if __name__ == "__main__":
    main()
