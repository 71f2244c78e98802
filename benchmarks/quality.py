"""Which strategy finds more: python -m benchmarks.quality --seeds 30 --budget 24,48,96.

Score: the percentile rank of the best point found among a large random sample of the space (0: better than
all of it), the mean over seeds. On noisy problems the best is the point that looked best, by the mean of
its trials, and its rank is that of its noiseless value. Every strategy waits for results alike: `--lag`
trials are still running when the next is asked for. Peers need `python -m benchmarks peers --make`;
`hebo:5` among the strategies takes five seeds of a slow one.
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
from benchmarks.quality_all import FAMILIES, problems
from benchmarks.quality_problems import Outcome, Problem
from benchmarks.quality_report import OURS, Found, show, show_each
from caviar.search.history import History
from caviar.search.repeats import Tried
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose


def run_ours(
    name: str, problem: Problem, seed: int, trials: int, lag: int
) -> tuple[list[Outcome], list[float]]:
    """Search with a strategy of this project; return outcomes and seconds of each proposal."""
    spec = SearchSpec.parse(
        {
            "space": problem.space.model_dump(mode="json", exclude_unset=True),
            "strategy": name,
            "budget": {"trials": trials},
            "lag": lag,
            "seed": seed,
        }
    )
    train, outcomes, seconds = problem.start(seed), list[Outcome](), list[float]()
    for number in range(trials):
        units = np.array([outcome.unit for outcome in outcomes]).reshape(-1, spec.space.dimensions)
        seen = spec.horizon(number)
        values = [outcome.observed for outcome in outcomes[:seen]]
        states = ["completed" if np.isfinite(value) else "failed" for value in values]
        history = History.of(range(seen), units[:seen], values, states, pending=units[seen:])
        began = time.process_time()
        unit = propose(spec, number, history).unit
        seconds.append(time.process_time() - began)
        outcomes.append(train(unit))
    return outcomes, seconds


def rank(problem: Problem, outcomes: list[Outcome]) -> float:
    """Share of the reference that is better than what looks best; half of what is equal, itself apart."""
    units = np.array([outcome.unit for outcome in outcomes])
    tried = Tried.of(History.of(range(len(units)), units, [outcome.observed for outcome in outcomes]))
    worth = outcomes[tried.rows[np.argmin(tried.expected)]].worth
    reference = problem.reference
    below, upto = (np.searchsorted(reference, worth, side) for side in ("left", "right"))
    return float(below + max(upto - below - 1, 0) / 2) / len(reference)


_PROBLEMS: dict[str, Problem] = {}


def ranks(task: tuple[str, str, int, tuple[int, ...], int]) -> list[float]:
    """Ranks of one search at each budget; at last the mean seconds of a proposal."""
    name, strategy, seed, budgets, lag = task
    if not _PROBLEMS:
        _PROBLEMS.update({problem.name: problem for problem in problems()})
    run = run_ours if strategy in OURS else quality_peers.run
    outcomes, seconds = run(strategy, _PROBLEMS[name], seed, max(budgets), lag)
    return [*(rank(_PROBLEMS[name], outcomes[:budget]) for budget in budgets), float(np.mean(seconds))]


def measure(
    strategy: str, names: list[str], seeds: int, arguments: argparse.Namespace
) -> dict[str, np.ndarray]:
    """Ranks and seconds (seeds, budgets + 1) by problem; remembered in a folder if one is given."""
    budgets = tuple(map(int, arguments.budget.split(",")))
    memories = {
        name: Path(arguments.remember or ".")
        / f"{strategy}-{name.replace('/', ' ')}-{arguments.budget}-{arguments.lag}.npy"
        for name in names
    }
    found = {
        name: np.load(path) if arguments.remember and path.exists() else np.empty((0, len(budgets) + 1))
        for name, path in memories.items()
    }
    with ProcessPoolExecutor(arguments.processes) as pool:
        running = {
            name: [
                pool.submit(ranks, (name, strategy, seed, budgets, arguments.lag))
                for seed in range(len(found[name]), seeds)
            ]
            for name in names
        }
        for name, tasks in running.items():
            for task in tasks:
                found[name] = np.vstack([found[name], task.result()])
                if arguments.remember:
                    np.save(memories[name], found[name])
    return {name: rows[:seeds] for name, rows in found.items()}


def chosen(arguments: argparse.Namespace) -> list[Problem]:
    """Return the problems that the command line asks for."""
    families = arguments.families.split(",") if arguments.families else list(FAMILIES)
    unknown = sorted(set(families) - set(FAMILIES))
    if unknown:
        raise SystemExit(f"There is no family {unknown[0]!r}; there are {', '.join(FAMILIES)}")
    return [
        problem
        for problem in problems()
        if arguments.half in ("all", "design" if problem.design else "held-out")
        and problem.family in families
        and any(part in problem.name for part in arguments.only)
    ]


def main() -> None:
    """Measure, and print a table for each family, for each half and for all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--budget", default="24,48,96")
    parser.add_argument("--lag", type=int, default=1, help="trials still running when one is proposed")
    parser.add_argument("--processes", type=int, default=2)
    known = ", ".join([*OURS, *quality_peers.PROGRAMS])
    parser.add_argument("--strategies", default="coarse_to_fine,optuna_tpe,random,sobol", help=f"of {known}")
    parser.add_argument("--half", choices=["design", "held-out", "all"], default="all")
    parser.add_argument("--families", default="", help=f"some of {', '.join(FAMILIES)}")
    parser.add_argument("--only", nargs="+", default=[""], help="problems whose name contains one of these")
    parser.add_argument("--remember", default="", help="folder for the results of earlier runs")
    arguments = parser.parse_args()
    asked = chosen(arguments)
    names, budgets = [problem.name for problem in asked], arguments.budget.split(",")
    found: Found = {}
    for one in arguments.strategies.split(","):
        strategy, _, seeds = one.partition(":")
        start = time.perf_counter()
        found[strategy] = measure(strategy, names, int(seeds or arguments.seeds), arguments)
        print(f"{strategy}: {time.perf_counter() - start:.0f} s", flush=True)
    groups = {family: [one.name for one in asked if one.family == family] for family in FAMILIES}
    groups |= {
        "held-out half": [one.name for one in asked if not one.design],
        "design half": [one.name for one in asked if one.design],
        "all": names,
    }
    for title, group in groups.items():
        if group:
            print(f"\n{title}: {len(group)} problems")
            show(found, group, budgets)
    show_each(found, names, budgets)


if __name__ == "__main__":
    main()
