"""Several objectives: hypervolume of coarse_to_fine against that of Optuna's samplers told the same.

python -m benchmarks.several_objectives --seeds 30 --trials 60 120

Test functions of Zitzler et al. (2000) and Deb et al. (2002), and real trainings: error against parameters.
Each number is the mean over the seeds of the share of the best hypervolume that any strategy reached.
"""

import argparse
from collections.abc import Callable
from functools import cache
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


def main() -> None:
    """Compare the strategies and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--trials", type=int, nargs="+", default=[60, 120])
    parser.add_argument("--problems", nargs="+", default=[*AXES, "digits"])
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES)
    given = parser.parse_args()
    seeds = range(given.seeds)
    for name in given.problems:
        problem = of_trainings() if name == "digits" else of_function(name)
        volumes = {
            strategy: np.array([reached(problem, strategy, seed, given.trials) for seed in seeds])
            for strategy in given.strategies
        }
        most = max(float(found.max()) for found in volumes.values())
        for strategy, found in volumes.items():
            shares = ", ".join(f"{share:.3f}" for share in found.mean(axis=0) / most)
            print(f"{name:8} {strategy:15} after {given.trials} trials: {shares}", flush=True)


if __name__ == "__main__":
    main()
