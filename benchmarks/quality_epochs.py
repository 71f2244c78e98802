"""What is found with so many epochs of training: python -m benchmarks.quality_epochs --seeds 30.

First table: full-length trials, successive halving and rounds coarse in time (`epochs_per_round`), each until
the same number of epochs is used up. Score: mean percentile rank of the best found, as in benchmarks.quality.
Second table: random trials that all run to their end against twice as many under successive halving: how many
epochs are saved, and whether the best dev metric is the same but for noise.
Third table: the same random trials under each stopping rule: the epochs that are left, and how many searches
lose their best trial. All on the curves of the real trainings in benchmarks/tables.
"""

import argparse
import os
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

from benchmarks.quality_problems import Tabulated, tables
from caviar.search.curves import CurveTable
from caviar.search.history import Floats, History
from caviar.search.proposal import Proposal
from caviar.search.spec import SearchSpec
from caviar.search.stopping import verdict
from caviar.search.strategies import propose

METHODS: dict[str, dict[str, Any]] = {
    "full length": {},
    "successive halving": {"stopping": "successive_halving"},
    "epochs_per_round": {},
    "learning curves": {"stopping": "learning_curve"},
    "random, full length": {"strategy": "random"},
    "random, successive halving": {"strategy": "random", "stopping": "successive_halving"},
}
MOST_TRIALS = 1000
RULES = ("learning_curve", "median", "successive_halving", "hyperband")


class Trainings:
    """One search on a table: a proposal gets the nearest training not used yet, or its parent's."""

    def __init__(self, table: Tabulated, spec: SearchSpec) -> None:
        self.table, self.spec = table, spec
        self.rows: list[int] = []
        self.curves: list[Floats] = []
        self.states: list[str] = []
        self.spent = 0

    @property
    def values(self) -> Floats:
        """What every trial had at its end."""
        return np.array([curve[-1] for curve in self.curves])

    @property
    def best(self) -> float:
        """The best value of any epoch of a trial that ran to its end."""
        whole = [c for c, state in zip(self.curves, self.states, strict=True) if state == "completed"]
        return min(float(np.nanmin(np.where(np.isfinite(c), c, np.inf))) for c in whole)

    def run(self, most_epochs: float) -> "Trainings":
        """Train one trial after the other until the budget is used up, of trials or of epochs."""
        for number in range(self.spec.budget.trials):
            proposal = propose(self.spec, number, self._history(number))
            row, begun = self._row(proposal)
            curve = self._train(number, self.table.curves[row][: proposal.epochs])
            if self.spent + len(curve) - begun > most_epochs:
                break
            self.spent += len(curve) - begun
            self.rows.append(row)
            self.curves.append(curve)
            full = proposal.epochs or self.table.curves.shape[1]
            diverged = not np.isfinite(curve[-1])
            self.states.append("diverged" if diverged else "stopped" if len(curve) < full else "completed")
        return self

    def _history(self, number: int) -> History:
        seen, units = self.spec.horizon(number), self.table.units[self.rows]
        epochs = [len(curve) for curve in self.curves[:seen]]
        return History.of(
            range(seen), units[:seen], self.values[:seen], self.states[:seen], epochs, units[seen:]
        )

    def _row(self, proposal: Proposal) -> tuple[int, int]:
        """Row of the table, and the epochs that its parent has trained."""
        if proposal.continue_from is not None:
            return self.rows[proposal.continue_from], len(self.curves[proposal.continue_from])
        return self.table.nearest(proposal.unit, set(self.rows)), 0

    def _train(self, number: int, curve: Floats) -> Floats:
        visible, direction = self.spec.horizon(number), self.spec.objective.direction
        known = CurveTable.of(self.spec.rungs(len(curve)), range(visible), self.curves[:visible], direction)
        rule = self.spec.stop_plan(number, known)
        return next((curve[:n] for n, _ in rule.checks if verdict(rule, curve[:n], direction)), curve)


def search(table: Tabulated, seed: int, trials: int, changes: dict[str, Any]) -> Trainings:
    """Prepare a search on a table."""
    fields = {"space": table.space.model_dump(mode="json", exclude_unset=True), "seed": seed, "lag": 1}
    return Trainings(table, SearchSpec.parse({**fields, "budget": {"trials": trials}, **changes}))


def at_equal_epochs(table: Tabulated, method: str, seed: int, full_trials: int) -> float:
    """Percentile rank of the best that a method finds in the epochs of so many full-length trials."""
    longest, changes = table.curves.shape[1], METHODS[method]
    most, trials = float(full_trials * longest), MOST_TRIALS
    if method == "epochs_per_round":
        rounds = [max(1, longest // 9), max(1, longest // 3), longest]
        changes = {"strategy": {"name": "coarse_to_fine", "epochs_per_round": rounds}}
        trials = round(most * sum(1 / epochs for epochs in rounds) / len(rounds))
        # Rounds are sized by trials. What continued ones save is known after a first run of the search.
        trials = round(trials * most / search(table, seed, trials, changes).run(most).spent)
    best = search(table, seed, trials, changes).run(most).values.min()
    return 100 * float(np.searchsorted(table.reference, best)) / len(table.reference)


def compare_methods(chosen: list[Tabulated], seeds: int, full_trials: int) -> None:
    """Print the first table."""
    print(f"\nMean percentile rank in %, epochs of {full_trials} full-length trials, {seeds} seeds")
    print(f"{'':16}" + "".join(f"{method:>28}" for method in METHODS))
    everything = []
    for table in chosen:
        ranks = np.array(
            [
                [at_equal_epochs(table, method, seed, full_trials) for method in METHODS]
                for seed in range(seeds)
            ]
        )
        everything.append(ranks)
        print(f"{table.name:16}" + "".join(f"{rank:28.3f}" for rank in ranks.mean(axis=0)), flush=True)
    per_seed = np.mean(everything, axis=0)
    error = per_seed.std(axis=0, ddof=1) / np.sqrt(seeds)
    cells = [f"{mean:.3f} ± {one:.3f}" for mean, one in zip(per_seed.mean(axis=0), error, strict=True)]
    print(f"{'mean':16}" + "".join(f"{cell:>28}" for cell in cells))


def savings(chosen: list[Tabulated], seeds: int, trials: int) -> None:
    """Print the second table; noise is how much the best differs from one full search to the next."""
    print(f"\n{trials} random trials to the end, {2 * trials} under successive halving, {seeds} seeds")
    print(f"{'':16}{'saved':>8}{'best, to the end':>20}{'halving':>12}{'worse by':>20}{'noise':>12}")
    for table in chosen:
        saved, full, halved = [], [], []
        for seed in range(seeds):
            whole = search(table, seed, trials, METHODS["random, full length"]).run(np.inf)
            short = search(table, seed, 2 * trials, METHODS["random, successive halving"]).run(np.inf)
            saved.append(whole.spent / short.spent)
            full.append(whole.values.min())
            halved.append(short.values.min())
        worse = np.array(halved) - np.array(full)
        error = worse.std(ddof=1) / np.sqrt(seeds)
        print(
            f"{table.name:16}{np.mean(saved):7.1f}x{np.mean(full):20.4f}{np.mean(halved):12.4f}"
            f"{f'{worse.mean():.4f} ± {error:.4f}':>20}{np.std(full, ddof=1):12.4f}",
            flush=True,
        )


def risks(chosen: list[Tabulated], seeds: int, trials: int) -> None:
    """Print the third table."""
    print(f"\n{trials} random trials, {seeds} seeds: epochs left / searches that lose their best trial")
    print(f"{'':16}" + "".join(f"{rule:>22}" for rule in RULES))
    everything = []
    for table in chosen:
        found = np.zeros((len(RULES), 2))
        for seed in range(seeds):
            whole = search(table, seed, trials, {"strategy": "random"}).run(np.inf)
            for place, rule in enumerate(RULES):
                short = search(table, seed, trials, {"strategy": "random", "stopping": rule}).run(np.inf)
                lost = not short.best <= whole.best
                found[place] += short.spent / whole.spent, lost
        everything.append(found / seeds)
        print(f"{table.name:16}" + _shares(everything[-1]), flush=True)
    print(f"{'mean':16}" + _shares(np.mean(everything, axis=0)))


def _shares(found: Floats) -> str:
    return "".join(f"{f'{100 * left:.0f} % / {100 * lost:.0f} %':>22}" for left, lost in found)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--trials", type=int, default=60, help="random trials of the second table")
    parser.add_argument("--full", default="16,32", help="full-length trials whose epochs may be used")
    parser.add_argument("--only", default="", help="tables whose name contains this")
    parser.add_argument("--part", choices=["methods", "savings", "risks"], help="one of the tables alone")
    arguments = parser.parse_args()
    chosen = [table for table in tables() if arguments.only in table.name]
    if arguments.part in (None, "methods"):
        for full_trials in map(int, arguments.full.split(",")):
            compare_methods(chosen, arguments.seeds, full_trials)
    if arguments.part in (None, "savings"):
        savings(chosen, arguments.seeds, arguments.trials)
    if arguments.part in (None, "risks"):
        risks(chosen, arguments.seeds, arguments.trials)


if __name__ == "__main__":
    main()
