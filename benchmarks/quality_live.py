"""What successive halving saves on real trainings: python -m benchmarks.quality_live [--quick].

Random networks, trained by the built-in trainer for 81 epochs on data sets that scikit-learn carries: all to
the end, against the rule with its default settings. A training is deterministic and a rule only cuts it, so
each network is trained once, to the end, and its curve is cut where the rule stops it. The space is about
that of the examples and the same for all data sets, as is everything else.

Two comparisons, over independent searches. The rule gets a third of the epochs, for as many trials as they
pay for (those of the full search first, then further ones): does it find as good a network? That is the fair
one, because many short trials are what the rule offers in place of few long ones. And the rule gets the very
same trials: then it can only lose, by what it ends, and saves the more.

Reported: how many times fewer epochs; by how much the best dev metric is worse, with the standard error of
the mean difference, among all trials (a stopped one counts with what it had come to, as in the list of the
best trials) and among those that ran to their end; and the noise, how much the best differs from one full
search to the next (standard deviation). 20 searches train 24,000 networks.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

from benchmarks.training_seeds import training_seed
from caviar.search.history import Floats
from caviar.search.random import draw
from caviar.search.simulate import simulate
from caviar.search.spec import SearchSpec
from caviar.trainer.plugin import MLP

DATASETS = ("digits", "breast_cancer", "wine", "iris", "diabetes")
METRICS = ("dev_error", "dev_cost")  # an error counted on a small dev set is coarse, the cost is not
HALVES = {"train": 0.5, "dev": 0.5, "test": 0.0}  # a large dev set
EPOCHS = 81
SETTINGS = {"hidden_layers": 2, "batch_size": 64, "epochs": EPOCHS}
SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
    "beta1": {"scale": "one_minus_log", "low": 0.9, "high": 0.999, "when": {"optimizer": "adam"}},
    "momentum": {"scale": "one_minus_log", "low": 0.9, "high": 0.999, "when": {"optimizer": "momentum"}},
    "hidden_units": {"type": "int", "low": 50, "high": 100},
    "l2": {"scale": "log", "low": 1e-6, "high": 10, "zero": 0.2},
    "optimizer": {"choices": ["momentum", "adam"]},
}
FEWER = 3  # times fewer epochs for the rule
SHORT = 4  # as many trials are trained for the rule; more than a third of the epochs pays for


def search(seed: int, trials: int, rule: str, parallel: int) -> SearchSpec:
    """Prepare a search; one of more trials begins with those of one that has fewer."""
    fields = {"space": SPACE, "strategy": "random", "stopping": rule, "parallel": parallel, "seed": seed}
    return SearchSpec.parse({**fields, "budget": {"trials": trials}})


def train(dataset: str, seed: int, trials: int) -> Floats:
    """Both metrics of a search's trainings after every epoch: (trials, epochs, 2); infinite once diverged."""
    data = MLP().load({"name": dataset, "split": HALVES}, {})
    spec, curves = search(seed, trials, "none", 1), np.full((trials, EPOCHS, len(METRICS)), np.inf)
    for number in range(trials):
        point = spec.space.from_unit(draw(spec, number))
        run = MLP().start({**SETTINGS, **point}, data, training_seed(seed, number))
        while run.status == "running":
            for epoch in run.advance(1.0).epochs:
                values = [epoch[metric] for metric in METRICS]
                curves[number, int(epoch["epoch"]) - 1] = [np.inf if one is None else one for one in values]
    curves[~np.isfinite(curves)] = np.inf
    return curves


def remembered(dataset: str, seed: int, trials: int, folder: str) -> Floats:
    """Train, or read the curves of an earlier run if a folder is given."""
    memory = Path(folder) / f"{dataset}-{trials}-{seed}.npy"
    if folder and memory.exists():
        return np.asarray(np.load(memory))
    curves = train(dataset, seed, trials)
    if folder:
        np.save(memory, curves)
    return curves


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    trials: int
    epochs: int
    best: float  # lowest metric with which a trial ended
    completed: float  # the same, of trials that ran to their end


def found(curves: Floats, spec: SearchSpec, most_epochs: float = np.inf) -> Found:
    """Search along these curves (trials, epochs) until the trials or the epochs are used up."""
    run = simulate(spec, lambda number, proposal: curves[number].tolist(), spec.parallel)
    epochs = np.cumsum([len(curve) for curve in run.curves])
    count = int(np.searchsorted(epochs, most_epochs, "right"))
    if count == len(epochs) and most_epochs < np.inf:
        raise RuntimeError(f"{count} trials did not use up {most_epochs:g} epochs: raise SHORT")
    values, completed = run.values[:count], np.array(run.states[:count]) == "completed"
    return Found(count, int(epochs[count - 1]), values.min(), values[completed].min())


def row(name: str, pairs: list[tuple[Found, Found]]) -> str:
    """Write what the rule found beside what trials found that all ran to their end."""
    full = np.array([one.best for one, _ in pairs])
    cells = f"{np.mean([one.epochs / other.epochs for one, other in pairs]):7.1f}x"
    cells += f"{np.mean([other.trials for _, other in pairs]):8.0f}{full.mean():12.4f}"
    for values in ([other.best for _, other in pairs], [other.completed for _, other in pairs]):
        worse = np.array(values) - full
        cells += f"{f'{worse.mean():.4f} ± {worse.std(ddof=1) / np.sqrt(len(worse)):.4f}':>20}"
    return f"{name:26}{cells}{full.std(ddof=1):10.4f}"


def main() -> None:
    """Train, and print both comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--trials", type=int, default=60, help="random trials that all run to their end")
    parser.add_argument("--parallel", type=int, default=1, help="trials at the same time: the rule sees less")
    parser.add_argument("--only", default="", help="data sets whose name contains this")
    parser.add_argument("--quick", action="store_true", help="three searches, without digits: seconds")
    parser.add_argument("--remember", default="", help="folder for the curves")
    arguments = parser.parse_args()
    trials, searches = arguments.trials, 3 if arguments.quick else arguments.searches
    third: dict[str, list[tuple[Found, Found]]] = {}
    same: dict[str, list[tuple[Found, Found]]] = {}
    for dataset in DATASETS:
        if arguments.only not in dataset or (arguments.quick and dataset == "digits"):
            continue
        for seed in range(searches):
            curves = remembered(dataset, seed, SHORT * trials, arguments.remember)
            few = search(seed, trials, "successive_halving", arguments.parallel)
            many = search(seed, SHORT * trials, "successive_halving", arguments.parallel)
            for place, metric in enumerate(METRICS):
                course, name = curves[:, :, place], f"{dataset}, {metric}"
                full = found(course, search(seed, trials, "none", 1))
                third.setdefault(name, []).append((full, found(course, many, full.epochs / FEWER)))
                same.setdefault(name, []).append((full, found(course, few)))
    titles = {f"as many under the rule as 1/{FEWER} of the epochs pays for": third, "the same under it": same}
    for title, rows in titles.items():
        print(f"\n{trials} random trials of {EPOCHS} epochs to the end, {title}, {searches} searches")
        print(f"{'':26}{'saved':>8}{'trials':>8}{'best, full':>12}", end="")
        print(f"{'worse by':>20}{'completed ones':>20}{'noise':>10}")
        for name, pairs in rows.items():
            print(row(name, pairs))


if __name__ == "__main__":
    main()
