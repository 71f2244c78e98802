"""Several objectives: hypervolume of coarse_to_fine against that of Optuna's samplers told the same.

python -m benchmarks.several_objectives --seeds 30 --trials 60 120 --into found.jsonl

Test functions of Zitzler et al. (2000) and Deb et al. (2002), and real trainings: error against parameters.
The table gives the mean over the seeds of the share of the best hypervolume that any search reached, in %,
and how far the strategy lies above coarse_to_fine, with the standard error over the seeds that both have.
With `--into` each search is kept as a line, and what is kept already is not searched again.
"""

import argparse
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from caviar.search.history import Floats
from caviar.search.pareto import hypervolume
from caviar.search.proposal import Proposal
from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec

# Space, objectives of a proposal, reference point.
Problem = tuple[dict[str, Any], Callable[[Proposal], list[float]], list[float]]
STRATEGIES = ("coarse_to_fine", "tpe", "gp", "nsga2", "sobol")
AXES = {"zdt1": 6, "zdt2": 6, "zdt3": 6, "dtlz2": 5}


def function(name: str, x: Floats) -> list[float]:
    """Return the objectives of a test function at a point of the unit cube."""
    if name == "dtlz2":
        g = 1 + float(((x[2:] - 0.5) ** 2).sum())
        a, b = x[0] * np.pi / 2, x[1] * np.pi / 2
        return [g * np.cos(a) * np.cos(b), g * np.cos(a) * np.sin(b), g * np.sin(a)]
    g = 1 + 9 * float(x[1:].mean())
    share = x[0] / g
    lost = {"zdt1": np.sqrt(share), "zdt2": share**2}.get(
        name, np.sqrt(share) + share * np.sin(10 * np.pi * x[0])
    )
    return [float(x[0]), float(g * (1 - lost))]


def of_function(name: str) -> Problem:
    """Make a problem of a test function."""
    space = {f"x{axis}": {"low": 0.0, "high": 1.0} for axis in range(AXES[name])}
    return space, lambda proposal: function(name, proposal.unit), [1.1] * (3 if name == "dtlz2" else 2)


def of_trainings() -> Problem:
    """Make a problem of trainings of `mlp` on the digits: dev error against the number of parameters."""
    from caviar.trainer.plugin import MLP

    trainer = MLP()
    data = trainer.load({"name": "digits"}, {})
    space = {
        "hidden_units": {"type": "int", "scale": "log", "low": 4, "high": 256},
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 0.3},
        "l2": {"scale": "log", "low": 1e-6, "high": 1.0},
    }

    @cache
    def trained(point: tuple[tuple[str, Any], ...]) -> list[float]:
        settings = {"epochs": 6, "metrics": ["parameters"], **dict(point)}
        run = trainer.start(settings, data, seed=1)
        while run.status == "running":
            run.advance(1.0)
        found = run.result()
        return [found["dev_error"] if run.status == "completed" else 1.0, found["parameters"]]

    return space, lambda proposal: trained(tuple(sorted(proposal.point.items()))), [0.5, 20_000.0]


def reached(problem: Problem, strategy: str, seed: int, trials: list[int]) -> list[float]:
    """Return the hypervolume after so many trials of one search."""
    space, objectives, reference = problem
    metrics = [{"metric": f"f{place}"} for place in range(len(reference))]
    fields = {"space": space, "objective": metrics, "strategy": strategy, "seed": seed, "lag": 1}
    spec = SearchSpec.parse({**fields, "budget": {"trials": max(trials)}})
    found = simulate(
        spec,
        lambda _number, proposal: [objectives(proposal)[0]],
        measure=lambda _number, proposal: {f"f{k}": v for k, v in enumerate(objectives(proposal))},
    ).objectives
    return [hypervolume(found[:count], np.array(reference)) for count in trials]


Found = dict[tuple[str, str, int], list[float]]  # hypervolumes by problem, strategy and seed


def kept(path: Path | None, trials: list[int]) -> Found:
    """Read the searches of a file that were made for these numbers of trials."""
    lines = path.read_text().splitlines() if path is not None and path.exists() else []
    rows = [json.loads(line) for line in lines]
    return {
        (row["problem"], row["strategy"], row["seed"]): row["reached"]
        for row in rows
        if row["trials"] == trials
    }


def search(given: argparse.Namespace) -> Found:
    """Search whatever is missing, seed by seed, so that all problems are known equally well."""
    found = kept(given.into, given.trials)
    problems = {name: of_trainings() if name == "digits" else of_function(name) for name in given.problems}
    for seed in range(given.seeds):
        for name, problem in problems.items():
            for strategy in given.strategies:
                if (name, strategy, seed) in found:
                    continue
                volumes = reached(problem, strategy, seed, given.trials)
                found[name, strategy, seed] = volumes
                if given.into is not None:
                    row = {"problem": name, "strategy": strategy, "seed": seed}
                    row |= {"trials": given.trials, "reached": volumes}
                    with given.into.open("a") as file:
                        file.write(json.dumps(row) + "\n")
    return found


def row_of(found: Found, name: str, strategy: str) -> str | None:
    """Return the row of a strategy on a problem; None where it has not searched."""
    most = max(max(volumes) for (problem, _, _), volumes in found.items() if problem == name)
    mine = {
        seed: np.array(volumes) / most
        for (problem, who, seed), volumes in found.items()
        if (problem, who) == (name, strategy)
    }
    if not mine:
        return None
    means = np.mean(list(mine.values()), axis=0)
    cells = [name, strategy, str(len(mine)), " / ".join(f"{100 * mean:.1f}" for mean in means)]
    both = [seed for seed in mine if (name, "coarse_to_fine", seed) in found]
    if strategy == "coarse_to_fine" or len(both) < 2:
        return f"| {' | '.join(cells)} | |"
    apart = 100 * np.array(
        [mine[seed] - np.array(found[name, "coarse_to_fine", seed]) / most for seed in both]
    )
    error = apart.std(axis=0, ddof=1) / np.sqrt(len(both))
    cells.append(" / ".join(f"{a:+.1f} ± {e:.1f}" for a, e in zip(apart.mean(axis=0), error, strict=True)))
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Compare the strategies and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--trials", type=int, nargs="+", default=[60, 120])
    parser.add_argument("--problems", nargs="+", default=[*AXES, "digits"])
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES)
    parser.add_argument("--into", type=Path, help="a file that keeps the searches")
    given = parser.parse_args()
    found = search(given)
    print("| problem | strategy | seeds | share of the best | above coarse_to_fine by |")
    print("|---|---|---|---|---|")
    for name in given.problems:
        for strategy in given.strategies:
            row = row_of(found, name, strategy)
            if row is not None:
                print(row)


if __name__ == "__main__":
    main()
