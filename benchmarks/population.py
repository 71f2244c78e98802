"""Populations against the best fixed setting of coarse_to_fine, and Ray Tune's PBT, at equal epochs in all.

Five real data sets: digits, the lower halves of digits from the upper ones, the colours of a photograph from
the place in it, breast cancer, diabetes. 16 trainings of the built-in network of 30 epochs each: a population
of 16 members in 10 turns of 3 epochs, with factors and with the model; coarse_to_fine with 16 trials of 30
epochs, of which the best epoch counts; Ray's PBT with 16 samples, perturbed every 3 epochs. The winner has
the lowest dev cost at the end of any turn; its test cost, which nobody chose by, stands beside it.

python -m benchmarks.population [--seeds 5] [--members 16] [--turns 10] [--no-ray]
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from caviar.search.proposal import Proposal
from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec
from caviar.trainer.plugin import MLP
from caviar.trial_settings import trial_seed

DATA = ("digits", "halves", "flower", "breast_cancer", "diabetes")
FIXED: dict[str, Any] = {"hidden_layers": 1, "hidden_units": 32}
SPACE: dict[str, Any] = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 0.3},
    "beta1": {"scale": "one_minus_log", "low": 0.5, "high": 0.99},
    "l2": {"scale": "log", "low": 1e-3, "high": 10.0},
    "keep_prob": {"low": 0.5, "high": 1.0},
    "batch_size": {"scale": "log", "low": 16, "high": 64, "type": "int"},
}
EPOCHS_PER_TURN = 3
TRAINER = MLP()


@dataclass(frozen=True)
class Size:
    """How much is spent: members times turns times the epochs of a turn."""

    members: int
    turns: int

    @property
    def epochs(self) -> int:
        """Epochs of one training."""
        return self.turns * EPOCHS_PER_TURN


Found = tuple[float, float]  # dev and test cost of the winner


def load(name: str) -> Any:
    """Return a data set, split 60/20/20."""
    arrays = {"halves": _halves, "flower": _flower}.get(name)
    if arrays is None:
        return TRAINER.load({"name": name}, FIXED)
    X, Y = arrays()
    return TRAINER.load({"X": X, "y": Y, "task": "regression"}, FIXED)


def _halves() -> tuple[Any, Any]:
    """Return the upper halves of handwritten digits, and the lower ones that are to be drawn from them."""
    from sklearn.datasets import load_digits

    pixels = load_digits().data
    return pixels[:, :32], pixels[:, 32:]


def _flower() -> tuple[Any, Any]:
    """Return places in a photograph as waves of five lengths, and the colours there."""
    from sklearn.datasets import load_sample_image

    picture = load_sample_image("flower.jpg")[::6, ::6] / 255.0
    rows, columns = picture.shape[:2]
    places = np.stack(np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij"), -1)
    flat = places.reshape(-1, 2)
    waves = [wave(np.pi * 2.0**power * flat) for power in range(5) for wave in (np.sin, np.cos)]
    return np.hstack([flat, *waves]), picture.reshape(-1, 3)


class Trainings:
    """Trainings of one search in this process; ends are kept, so that others can go on from them."""

    def __init__(self, data: Any, seed: int, every_epoch: bool) -> None:
        self._data, self._seed, self._every_epoch = data, seed, every_epoch
        self._ends: dict[int, bytes] = {}
        self._points: dict[int, Mapping[str, Any]] = {}
        self._curves: dict[int, list[float]] = {}
        self._tests: dict[int, float] = {}

    def train(self, number: int, proposal: Proposal, epochs: int) -> list[float]:
        """Train a trial and return the dev costs of its epochs and of those behind it."""
        parent = proposal.continue_from
        if parent is None:
            settings = {**FIXED, **proposal.point, "epochs": epochs}
            run = TRAINER.start(settings, self._data, trial_seed(self._seed, number))
            curve: list[float] = []
        else:
            run = TRAINER.restore(self._ends[parent], self._data)
            before, curve = self._points[parent], list(self._curves[parent])
            changed = {name: value for name, value in proposal.point.items() if value != before[name]}
            run.change({**changed, "epochs": epochs})
        lowest = math.inf
        while run.status == "running":
            told = run.advance(60.0, until_epoch=run.epoch + 1 if self._every_epoch else None).epochs
            curve += [epoch["dev_cost"] for epoch in told]
            if self._every_epoch and curve[-1] < lowest:
                lowest, self._tests[number] = curve[-1], run.evaluate("test").cost
        self._points[number], self._curves[number] = proposal.point, curve
        if run.status == "diverged":
            return [*curve, math.nan] if not curve or math.isfinite(curve[-1]) else curve
        self._ends[number] = run.save()
        if not self._every_epoch:
            self._tests[number] = run.evaluate("test").cost
        return curve

    def winner(self, values: Any) -> Found:
        """Return the costs of the best of all trials."""
        best = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
        return float(values[best]), self._tests[best]


def population(data: Any, seed: int, size: Size, explore: str) -> Found:
    """Train a population."""
    strategy = {"name": "population", "members": size.members, "epochs_per_turn": EPOCHS_PER_TURN}
    spec = search(seed, size.members * size.turns, {**strategy, "explore": explore}, lag=0)
    trainings = Trainings(data, seed, every_epoch=False)
    found = simulate(spec, lambda number, one: trainings.train(number, one, int(one.epochs or 0)))
    return trainings.winner(found.values)


def fixed(data: Any, seed: int, size: Size, strategy: str) -> Found:
    """Train with settings that stay, chosen by a strategy."""
    spec = search(seed, size.members, strategy, lag=1, value="best")
    trainings = Trainings(data, seed, every_epoch=True)
    found = simulate(spec, lambda number, one: trainings.train(number, one, size.epochs))
    return trainings.winner(found.values)


def search(seed: int, trials: int, strategy: Any, lag: int, value: str = "last") -> SearchSpec:
    """Return a search of the space of this benchmark."""
    objective = {"metric": "dev_cost", "direction": "minimize", "value": value}
    fields = {"space": SPACE, "strategy": strategy, "objective": objective, "lag": lag, "seed": seed}
    return SearchSpec.parse({**fields, "budget": {"trials": trials}})


Method = Callable[[str, Any, int, Size], Found]
METHODS: dict[str, Method] = {
    "coarse_to_fine": lambda _name, data, seed, size: fixed(data, seed, size, "coarse_to_fine"),
    "population, perturb": lambda _name, data, seed, size: population(data, seed, size, "perturb"),
    "population, model": lambda _name, data, seed, size: population(data, seed, size, "model"),
}


def compare(methods: Mapping[str, Method], seeds: int, size: Size) -> dict[str, dict[str, list[Found]]]:
    """Return the winners by data set and method, one per seed; printed as they come."""
    found: dict[str, dict[str, list[Found]]] = {name: {one: [] for one in methods} for name in DATA}
    data = {name: load(name) for name in DATA}
    for seed, name in product(range(seeds), DATA):
        for method, run in methods.items():
            began = time.monotonic()
            dev, test = run(name, data[name], seed, size)
            found[name][method].append((dev, test))
            took = time.monotonic() - began
            print(f"# {seed} {name}, {method}: dev {dev:.4f} test {test:.4f} ({took:.1f} s)", flush=True)
    return found


def report(found: Mapping[str, Mapping[str, list[Found]]]) -> None:
    """Print a table of mean costs, and how they stand to those of coarse_to_fine."""
    methods = list(next(iter(found.values())))
    print(f"| data | {' | '.join(methods)} |\n|{'---|' * (1 + len(methods))}")
    for name, by_method in found.items():
        cells = []
        for method in methods:
            dev, test = np.mean(by_method[method], axis=0)
            cells.append(f"{dev:.4f} ({test:.4f})")
        print(f"| {name} | {' | '.join(cells)} |")
    for place, kind in enumerate(("dev", "test")):
        cells = []
        for method in methods:
            logs = np.array([np.log(_ratios(by_method, method, place)) for by_method in found.values()])
            error = np.sqrt(logs.var(axis=1, ddof=1).mean() / logs.size) if logs.shape[1] > 1 else math.nan
            cells.append(f"{np.exp(logs.mean()):.3f} ± {np.exp(logs.mean()) * error:.3f}")
        print(f"| {kind} cost, times that of coarse_to_fine | {' | '.join(cells)} |")


def _ratios(by_method: Mapping[str, list[Found]], method: str, place: int) -> Any:
    return np.array(by_method[method])[:, place] / np.array(by_method["coarse_to_fine"])[:, place]


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--no-ray", action="store_true")
    asked = parser.parse_args()
    methods = dict(METHODS)
    if not asked.no_ray:
        from benchmarks.population_ray import with_ray

        methods["Ray Tune PBT"] = with_ray
    report(compare(methods, asked.seeds, Size(asked.members, asked.turns)))


if __name__ == "__main__":
    main()
