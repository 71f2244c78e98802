"""What a proposal of coarse_to_fine costs in searches of several kinds: python -m benchmarks.proposal_speed.

Each search has so many results; from then on every proposal sees one result more than the one before, as in
a search that goes on, so the models made anew for each round are paid for. Printed is the mean of processor
time in milliseconds, and in brackets the longest.
"""

import argparse
import os
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # as in the server
    os.environ.setdefault(_name, "1")

import numpy as np

from caviar.search.encoding import encoding_of
from caviar.search.evidence import frozen
from caviar.search.history import Floats, History
from caviar.search.settings import Evidence
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose

SIZES = (100, 1_000, 10_000)
CONDITIONAL = {
    "model": {"choices": ["network", "trees", "kernel"]},
    "l2": {"scale": "log", "low": 1e-6, "high": 10, "zero": 0.2},
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0, "when": {"model": ["network", "trees"]}},
    "layers": {"type": "int", "low": 1, "high": 3, "when": {"model": "network"}},
    "units": {"type": "int", "low": 16, "high": 256, "each": "layers"},
    "depth": {"type": "int", "low": 1, "high": 12, "when": {"model": "trees"}},
    "gamma": {"scale": "log", "low": 1e-4, "high": 10.0, "when": {"model": "kernel"}},
}


def numbers(count: int) -> dict[str, Any]:
    """Return a space of so many numbers."""
    return {f"x{place}": {"low": 0.0, "high": 1.0} for place in range(count)}


EIGHT = {**numbers(6), "optimizer": {"choices": ["momentum", "adam", "rmsprop"]}, "on": {"choices": [0, 1]}}
SMALL = {name: {"type": "int", "low": 0, "high": 9} for name in "abc"}


@dataclass(frozen=True)
class Kind:
    """A kind of search."""

    space: dict[str, Any]
    lag: int = 1
    noise: float = 0.0
    failing: float = 0.0  # share of the trials that fail
    objectives: int = 1
    earlier: int = 0  # searches as evidence


KINDS = {
    "2 parameters": Kind(numbers(2)),
    "8 parameters": Kind(EIGHT),
    "30 parameters": Kind(numbers(30)),
    "conditional": Kind(CONDITIONAL),
    "1,000 points": Kind(SMALL),
    "noise": Kind(EIGHT, noise=0.1),
    "a fifth fails": Kind(EIGHT, failing=0.2),
    "delay 32": Kind(EIGHT, lag=32),
    "2 objectives": Kind(EIGHT, objectives=2),
    "3 objectives": Kind(EIGHT, objectives=3),
    "2 earlier searches": Kind(EIGHT, earlier=2),
    "10 earlier searches": Kind(EIGHT, earlier=10),
}


def spec_of(kind: Kind, seed: int = 0) -> SearchSpec:
    """Return a search of a kind."""
    asked = {"space": kind.space, "budget": {"trials": 20_000}, "lag": kind.lag, "seed": seed}
    if kind.objectives > 1:
        asked["objective"] = [{"metric": f"f{place}"} for place in range(kind.objectives)]
    if kind.earlier:
        evidence = [_earlier(kind, place) for place in range(kind.earlier)]
        asked["warm_start"] = {"searches": [one.search for one in evidence], "evidence": evidence}
    return SearchSpec.parse(asked)


def _earlier(kind: Kind, place: int) -> Evidence:
    search = spec_of(replace(kind, earlier=0))
    results = history_of(search, replace(kind, noise=0.1), 64, place + 1)
    points = map(search.space.from_unit, results.units)
    return frozen(place + 1, list(zip(points, results.values, strict=True)), search.space.names)


def history_of(search: SearchSpec, kind: Kind, count: int, seed: int = 0) -> History:
    """Return results, half of them spread over the space, half near its best point, in any order.

    Values are those of a valley along the first axis, which the fourth and the last have a say in too.
    """
    rng, encoding = np.random.default_rng(seed), encoding_of(search.space)
    units = rng.random((count, encoding.dimensions))
    close = rng.random(count) < 0.5
    units[close] = np.clip(0.4 + 0.1 * rng.standard_normal((int(close.sum()), encoding.dimensions)), 0, 1)
    units = encoding.snap(units)
    last, fourth = units[:, -1], units[:, min(3, encoding.dimensions - 1)]
    values = (units[:, 0] - 0.6) ** 2 + 0.3 * (fourth - 0.2) ** 2 + 0.1 * last
    values = values + kind.noise * rng.standard_normal(count)
    failed = rng.random(count) < kind.failing * 2 * last  # where the last parameter is large
    others = [np.abs(units[:, place] - 0.3) + 0.1 * last for place in range(1, kind.objectives)]
    return History.of(
        range(count),
        units,
        np.where(failed, np.inf, values),
        np.where(failed, "failed", "completed"),
        objectives=np.column_stack([values, *others]) if others else None,
    )


def milliseconds(kind: Kind, size: int, proposals: int) -> Floats:
    """Return what each of some proposals took, each of which sees one result more than the one before."""
    search, times = spec_of(kind), []
    everything = history_of(search, kind, size + proposals + kind.lag)
    for number in range(size + kind.lag, size + kind.lag + proposals):
        seen = search.horizon(number)
        history = replace(everything.select(slice(seen)), pending=everything.units[seen:number])
        began = process_time()
        propose(search, number, history)
        times.append(1e3 * (process_time() - began))
    return np.array(times)


def main() -> None:
    """Measure, and print a line for each kind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--proposals", type=int, default=160, help="of each kind, at each number of results")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--only", default="", help="kinds whose name contains this")
    arguments = parser.parse_args()
    propose(spec_of(KINDS["8 parameters"]), 0, History.empty(8))  # what is imported once
    print(f"{'results':22}" + "".join(f"{size:>18,}" for size in arguments.sizes))
    for name, kind in KINDS.items():
        if arguments.only in name:
            each = [milliseconds(kind, size, arguments.proposals) for size in arguments.sizes]
            cells = (f"{times.mean():.1f} ({times.max():.0f})" for times in each)
            print(f"{name:22}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
