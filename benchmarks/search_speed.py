"""How long a proposal takes, how long workers wait for results, and what stopping rules save.

Run it as `python -m benchmarks.search_speed`; it takes about a minute.
"""

import os
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from time import perf_counter, process_time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # as in the server
    os.environ.setdefault(_name, "1")

import numpy as np

from caviar.search.history import History
from caviar.search.proposal import Proposal
from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec
from caviar.search.strategies import propose

SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
    "beta1": {"scale": "one_minus_log", "low": 0.9, "high": 0.999},
    "hidden_units": {"type": "int", "low": 50, "high": 100},
    "l2": {"scale": "log", "low": 1e-6, "high": 10, "zero": 0.2},
    "optimizer": {"choices": ["momentum", "adam"]},
    "beta2": {"scale": "one_minus_log", "low": 0.9, "high": 0.9999, "when": {"optimizer": "adam"}},
}
SIZES = (100, 1_000, 10_000, 100_000)
GOALS = {"random": "0.05", "sobol": "0.05", "coarse_to_fine": "1 at 100,000", "tpe": "5 at 10,000"}


def spec(**changes: object) -> SearchSpec:
    return SearchSpec.parse({"space": SPACE, "budget": {"trials": 1_000_000}, "parallel": 2, **changes})


def history(search: SearchSpec, count: int) -> History:
    """Results with a best region, a dead dimension and a few divergences."""
    rows = np.random.default_rng(0).random((count + 3, search.space.dimensions))
    units = np.array([search.space.to_unit(search.space.from_unit(row)) for row in rows])
    values = (units[:, 0] - 0.6) ** 2 + 0.3 * (units[:, 3] - 0.2) ** 2 + 0.1 * units[:, 4]
    values[::17] = np.inf
    return History.of(range(count), units[:count], values[:count], pending=units[count:])


def milliseconds(call: Callable[[int], Proposal], first: int) -> float:
    """Median over calls of different numbers, after one to warm up; of processor time."""
    times, started = [], perf_counter()
    call(first)
    for number in range(first + 1, first + 201):
        before = process_time()
        call(number)
        times.append(process_time() - before)
        if perf_counter() - started > 3:
            break
    return 1e3 * float(np.median(times))


def offer(search: SearchSpec, seen: History, number: int) -> Proposal:
    return propose(search, number, seen)


def proposal_times() -> None:
    print("\nMilliseconds per proposal, six parameters, by number of visible results")
    print(f"{'strategy':16}" + "".join(f"{size:>10,}" for size in SIZES) + "   goal")
    names = ["random", "sobol", "grid", "coarse_to_fine", "tpe", "cmaes"]
    names += ["gp"] if find_spec("torch") else []
    histories = [history(spec(strategy="random"), size) for size in SIZES]
    for name in names:
        times = [milliseconds(partial(offer, spec(strategy=name), seen), len(seen) + 3) for seen in histories]
        print(f"{name:16}" + "".join(f"{time:10.3f}" for time in times) + f"   {GOALS.get(name, '')}")


LENGTHS: dict[str, Callable[[np.random.Generator], float]] = {
    "log-uniform 1 to 10": lambda random: float(10 ** random.random()),
    "half 1, half 10": lambda random: 10.0 if random.random() < 0.5 else 1.0,
    "a tenth 10, the rest 1": lambda random: 10.0 if random.random() < 0.1 else 1.0,
}


def waiting() -> None:
    print("\nShare of the workers' time spent waiting for results, 300 trials, by lag")
    print(f"{'lengths':26}{'workers':>8}" + "".join(f"{f'{m}(p-1)':>9}" for m in (1, 2, 3, 6)))
    for name, length in LENGTHS.items():
        for workers in (2, 8, 32):
            shares = []
            for factor in (1, 2, 3, 6):
                lag = factor * (workers - 1)
                search = spec(strategy={"name": "tpe", "startup": 10_000}, lag=lag, budget={"trials": 300})
                run = simulate(
                    search,
                    lambda number, proposal: [0.0],
                    workers,
                    lambda number, epochs, length=length: length(np.random.default_rng([7, number])),
                )
                shares.append(run.idle)
            print(f"{name:26}{workers:>8}" + "".join(f"{share:9.1%}" for share in shares))


def curve(number: int, proposal: Proposal) -> list[float]:
    """Thirty epochs that fall towards a value which depends on the point; noise of the seed."""
    point = proposal.point
    final = 0.05 + 0.02 * (np.log10(point["learning_rate"]) + 2) ** 2 + 0.1 * (point["beta1"] - 0.95) ** 2
    noise = np.random.default_rng(number).normal(0, 0.005, 30)
    return [float(value) for value in final + 0.5 * np.exp(-0.25 * np.arange(1, 31)) + noise]


def savings() -> None:
    print(
        "\nStopping rules on simulated curves of 30 epochs, 100 random trials, mean of 5 seeds, default lag"
    )
    print(f"{'rule':22}{'workers':>8}{'epochs saved':>14}{'waiting':>9}{'true value of the best':>24}")
    for rule in ("none", "median", "successive_halving", "hyperband"):
        for workers in (1, 4):
            saved, idle, best = [], [], []
            for seed in range(5):
                search = spec(
                    strategy="random", stopping=rule, parallel=workers, budget={"trials": 100}, seed=seed
                )
                run = simulate(search, curve, workers)
                whole = [n for n in range(100) if run.states[n] == "completed"]
                chosen = run.proposals[min(whole, key=lambda n: run.values[n])].point
                saved.append(3000 / run.epochs)
                idle.append(run.idle)
                best.append(0.05 + 0.02 * (np.log10(chosen["learning_rate"]) + 2) ** 2)
            row = f"{np.mean(saved):13.1f}x{np.mean(idle):9.1%}{np.mean(best):24.4f}"
            print(f"{rule:22}{workers:>8}{row}")


def main() -> None:
    proposal_times()
    waiting()
    savings()


if __name__ == "__main__":
    main()
