"""Which strategy finds more: python -m benchmarks.quality --seeds 60 --budget 24,48,96.

Score: the percentile rank of the best point found among a large random sample of the space (0: better than
all of it), the mean over seeds. On noisy problems the best is the one that looked best, and its rank is that
of its noiseless value. Every strategy waits for results alike: `--lag` trials are still running when the next
is asked for.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

from benchmarks import quality_peers
from benchmarks.quality_problems import Outcome, Problem, problems
from caviar.search.history import History
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose

OURS = ("coarse_to_fine", "random", "sobol")


def run_ours(name: str, problem: Problem, seed: int, trials: int, lag: int) -> list[Outcome]:
    """Search with a strategy of this project."""
    spec = SearchSpec.parse(
        {
            "space": problem.space.model_dump(mode="json", exclude_unset=True),
            "strategy": name,
            "budget": {"trials": trials},
            "lag": lag,
            "seed": seed,
        }
    )
    train, outcomes = problem.start(seed), list[Outcome]()
    for number in range(trials):
        units = np.array([outcome.unit for outcome in outcomes]).reshape(-1, spec.space.dimensions)
        seen = spec.horizon(number)
        values = [outcome.observed for outcome in outcomes[:seen]]
        history = History.of(range(seen), units[:seen], values, pending=units[seen:])
        outcomes.append(train(propose(spec, number, history).unit))
    return outcomes


def rank(problem: Problem, outcomes: list[Outcome]) -> float:
    """Share of the reference that is better than what looks best; half of what is equal."""
    worth = min(outcomes, key=lambda outcome: outcome.observed).worth
    reference = problem.reference
    below, upto = np.searchsorted(reference, worth, "left"), np.searchsorted(reference, worth, "right")
    return float(below + upto) / 2 / len(reference)


_PROBLEMS: dict[str, Problem] = {}


def ranks(task: tuple[str, str, int, tuple[int, ...], int]) -> list[float]:
    """Ranks of one search at each budget."""
    name, strategy, seed, budgets, lag = task
    if not _PROBLEMS:
        _PROBLEMS.update({problem.name: problem for problem in problems()})
    run = run_ours if strategy in OURS else quality_peers.run
    outcomes = run(strategy, _PROBLEMS[name], seed, max(budgets), lag)
    return [rank(_PROBLEMS[name], outcomes[:budget]) for budget in budgets]


def measure(strategy: str, names: list[str], arguments: argparse.Namespace) -> dict[str, np.ndarray]:
    """Ranks (seeds, budgets) by problem; remembered in a folder if one is given."""
    budgets, found = tuple(map(int, arguments.budget.split(","))), {}
    with ProcessPoolExecutor(arguments.processes) as pool:
        for name in names:
            memory = (
                Path(arguments.remember or ".") / f"{strategy}-{name}-{arguments.budget}-{arguments.lag}.npy"
            )
            known = np.load(memory) if arguments.remember and memory.exists() else np.empty((0, len(budgets)))
            seeds = range(len(known), arguments.seeds)
            fresh = list(
                pool.map(
                    ranks, [(name, strategy, seed, budgets, arguments.lag) for seed in seeds], chunksize=2
                )
            )
            found[name] = np.vstack([known, np.array(fresh).reshape(-1, len(budgets))])[: arguments.seeds]
            if arguments.remember and fresh:
                np.save(memory, found[name])
    return found


def show(found: dict[str, dict[str, np.ndarray]], names: list[str], budgets: list[str]) -> None:
    """Print the mean rank of each strategy in percent, its standard error, and ratios."""
    print(f"{'mean percentile rank in %':28s}" + "".join(f"{f'at {budget}':>18s}" for budget in budgets))
    for strategy, by_problem in found.items():
        per_seed = 100 * np.mean([by_problem[name] for name in names], axis=0)
        error = per_seed.std(axis=0, ddof=1) / np.sqrt(len(per_seed))
        cells = "".join(
            f"{mean:>10.3f} ± {one:5.3f}" for mean, one in zip(per_seed.mean(axis=0), error, strict=True)
        )
        print(f"{strategy:28s}{cells}")
    ours = np.mean([found["coarse_to_fine"][name] for name in names], axis=(0, 1))
    for strategy, by_problem in found.items():
        if strategy != "coarse_to_fine":
            ratio = ours / np.mean([by_problem[name] for name in names], axis=(0, 1))
            print(f"{'coarse_to_fine / ' + strategy:28s}" + "".join(f"{one:>18.2f}" for one in ratio))


def show_each(found: dict[str, dict[str, np.ndarray]], names: list[str], budgets: list[str]) -> None:
    """Print every problem, and whether coarse_to_fine is worse than random by over two standard errors."""
    print(f"\n{'':24s}" + "".join(f"{strategy[-14:]:>27s}" for strategy in found))
    for name in names:
        cells = "".join(
            f"{'  '.join(f'{100 * one:6.3f}' for one in by_problem[name].mean(axis=0)):>27s}"
            for by_problem in found.values()
        )
        line = f"{name:24s}{cells}"
        if "random" in found:
            difference = found["coarse_to_fine"][name] - found["random"][name]
            error = difference.std(axis=0, ddof=1) / np.sqrt(len(difference))
            worse = [b for b, d, e in zip(budgets, difference.mean(axis=0), error, strict=True) if d > 2 * e]
            line += f"  worse than random at {', '.join(worse)}" if worse else ""
        print(line)


def main() -> None:
    """Measure, and print a table for the held-out half, for the design half, for trainings and for all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--budget", default="24,48,96")
    parser.add_argument("--lag", type=int, default=1, help="trials still running when one is proposed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--strategies", default="coarse_to_fine,optuna_tpe,random,sobol")
    parser.add_argument("--half", choices=["design", "held-out", "all"], default="all")
    parser.add_argument("--only", default="", help="problems whose name contains this")
    parser.add_argument("--remember", default="", help="folder for the results of earlier runs")
    arguments = parser.parse_args()
    chosen = [
        problem
        for problem in problems()
        if arguments.half in ("all", "design" if problem.design else "held-out")
        and arguments.only in problem.name
    ]
    names, budgets = [problem.name for problem in chosen], arguments.budget.split(",")
    found = {}
    for strategy in arguments.strategies.split(","):
        start = time.perf_counter()
        found[strategy] = measure(strategy, names, arguments)
        print(f"{strategy}: {time.perf_counter() - start:.0f} s", flush=True)
    groups = {
        "held-out half": [one.name for one in chosen if not one.design],
        "design half": [one.name for one in chosen if one.design],
        "real trainings": [one.name for one in chosen if hasattr(one, "curves")],
        "all": names,
    }
    for title, group in groups.items():
        if group:
            print(f"\n{title}: {len(group)} problems, {arguments.seeds} seeds")
            show(found, group, budgets)
    show_each(found, names, budgets)


if __name__ == "__main__":
    main()
