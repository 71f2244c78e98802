"""What earlier searches as evidence are worth: python -m benchmarks.earlier_searches --seeds 20.

Each problem is searched by coarse_to_fine with and without the results of an earlier search of 48 trials:
of the same trainings cut short at a third, of a function moved by a twentieth or of the same algorithm on
other data (related); of values in any order (unrelated); of values upside down (misleading). Printed is how
many trials the search with evidence needs for the mean rank that the one without has after 12, 24 and 48, as
a share of these; and both ranks in percent.
"""

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

from benchmarks.quality import rank
from benchmarks.quality_grids import grids
from benchmarks.quality_problems import Formula, Outcome, Problem, Tabulated, formulas, tables
from caviar.search.evidence import frozen
from caviar.search.history import Floats, History
from caviar.search.settings import Evidence
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose

AT = (12, 24, 48)
TRIALS, EARLIER = 53, 48
TARGETS = (
    *("breast_cancer", "boston", "diabetes", "digits_grid", "cancer_grid", "wine_grid"),
    *("hartmann", "corner"),
)
OTHER_DATA = (
    ("trees: boosted trees, diabetes", "trees: boosted trees, breast cancer"),
    ("trees: boosted trees, breast cancer", "trees: boosted trees, diabetes"),
    ("kernels: support vectors, digits", "kernels: support vectors, diabetes"),
)
KINDS = ("related", "unrelated", "misleading")


@cache
def known() -> dict[str, Problem]:
    """Return all problems by name."""
    return {one.name: one for one in (*tables(), *formulas(), *grids())}


def search(problem: Problem, seed: int, trials: int, evidence: Evidence | None = None) -> list[Outcome]:
    """Search a problem, trial after trial."""
    asked = {
        "space": problem.space.model_dump(mode="json", exclude_unset=True),
        "budget": {"trials": trials},
        "lag": 1,
        "seed": seed,
    }
    if evidence is not None:
        asked["warm_start"] = {"searches": [evidence.search], "evidence": [evidence]}
    spec = SearchSpec.parse(asked)
    train, outcomes = problem.start(seed), list[Outcome]()
    for number in range(trials):
        units = np.array([one.unit for one in outcomes]).reshape(-1, spec.space.dimensions)
        seen = spec.horizon(number)
        values = [one.observed for one in outcomes[:seen]]
        history = History.of(range(seen), units[:seen], values, pending=units[seen:])
        outcomes.append(train(propose(spec, number, history).unit))
    return outcomes


def akin(problem: Problem) -> Problem:
    """Return a problem that resembles another: trained for a third as long, moved, or on other data."""
    other = dict(OTHER_DATA).get(problem.name)
    if other is not None:
        return known()[other]
    if isinstance(problem, Tabulated):
        return replace(problem, curves=problem.curves[:, : max(1, problem.curves.shape[1] // 3)])
    assert isinstance(problem, Formula)
    return replace(problem, formula=_moved(problem.formula))


def _moved(formula: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    return lambda units: formula(np.clip(units + 0.05, 0.0, 1.0))


def evidence_of(problem: Problem, kind: str, seed: int) -> Evidence:
    """Return what an earlier search found: its values as they are, in any order, or upside down."""
    earlier = akin(problem) if kind == "related" else problem
    outcomes = search(earlier, seed + 1000, EARLIER)
    values = np.array([one.observed for one in outcomes])
    if kind == "unrelated":
        values = np.random.default_rng(seed).permutation(values)
    if kind == "misleading":
        finite = values[np.isfinite(values)]
        values = -np.where(np.isfinite(values), values, finite.max())
    points = [earlier.space.from_unit(one.unit) for one in outcomes]
    return frozen(1, list(zip(points, values.tolist(), strict=True)), problem.space.names)


def ranks(task: tuple[str, str, int]) -> list[float]:
    """Return the rank after each trial; kind `none`: without evidence."""
    name, kind, seed = task
    problem = known()[name]
    evidence = None if kind == "none" else evidence_of(problem, kind, seed)
    outcomes = search(problem, seed, TRIALS, evidence)
    return [rank(problem, outcomes[: count + 1]) for count in range(TRIALS)]


def needed(without: Floats, with_evidence: Floats) -> list[float]:
    """Return the share of the trials that mean ranks (trials,) take to be as good; infinite: not reached."""
    found = []
    for count in AT:
        reached = np.flatnonzero(with_evidence <= without[count - 1])
        found.append((int(reached[0]) + 1) / count if len(reached) else np.inf)
    return found


def main() -> None:
    """Measure, and print a line for each problem and kind, and medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="problems whose name contains this")
    arguments = parser.parse_args()
    names = [one for one in (*TARGETS, *dict(OTHER_DATA)) if arguments.only in one]
    tasks = [(n, k, seed) for n in names for k in ("none", *KINDS) for seed in range(arguments.seeds)]
    with ProcessPoolExecutor(arguments.processes) as pool:
        each = np.array(list(pool.map(ranks, tasks, chunksize=2)))
    means = each.reshape(len(names), 1 + len(KINDS), arguments.seeds, TRIALS).mean(axis=2)
    shares = np.array([[needed(one[0], one[1 + place]) for place in range(len(KINDS))] for one in means])
    for place, kind in enumerate(KINDS):
        print(f"\n{kind}: share of trials needed at {AT}; rank without / with, in %")
        for row, name in enumerate(names):
            pairs = [(100 * means[row, 0, c - 1], 100 * means[row, 1 + place, c - 1]) for c in AT]
            cells = "".join(f"{a:8.3f} /{b:7.3f}" for a, b in pairs)
            print(f"{name:36s}" + "".join(f"{one:6.2f}" for one in shares[row, place]) + cells)
        overall = needed(means[:, 0].mean(axis=0), means[:, 1 + place].mean(axis=0))
        print(f"{'median':36s}" + "".join(f"{one:6.2f}" for one in np.median(shares[:, place], axis=0)))
        print(f"{'mean rank of all':36s}" + "".join(f"{one:6.2f}" for one in overall))


if __name__ == "__main__":
    main()
