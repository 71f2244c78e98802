"""Is the advice right? 200 trainings with a known trouble, ten kinds of it, and 200 healthy ones.

python -m benchmarks.advice [--each 20] [--healthy 200] [--seed 1000] [--show]

Of each trouble: whether the advice names it, and what following it does to the cost of the training set, by a
whole pass after as many epochs: a command goes on for as many again, or from its epoch; other settings begin
anew and have both. Seeds below 1000 were for tuning; the figures in docs/trainer/diagnosis.md are of others.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import numpy as np

from benchmarks.advice_cases import TROUBLES, Case, go_on, sound, train, troubled
from caviar.trainer.advice import advise
from caviar.trainer.remedies import Advice

LOWER, HIGHER = 0.995, 1.01  # of the cost of the training that was left alone


def curve_of(rows: list[dict[str, float]]) -> dict[str, list[float]]:
    """Return the columns of an agent's report, NaN where an epoch lacks one."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [np.float32(row.get(name, np.nan)) for row in rows] for name in names}


def advised(case: Case) -> tuple[list[Advice], Any]:
    """Return the advice at the end of a training, and the run."""
    run, rows = train(case, case.settings, case.epochs)
    return advise(curve_of(rows), case.settings, run.status == "diverged"), run


def followed(case: Case, one: Advice) -> float:
    """Return the cost after as many epochs again for who follows the advice."""
    if one.settings is not None:
        run, _ = train(case, case.settings | one.settings, 2 * case.epochs)
        return _cost(run)
    if one.command is None:
        return np.nan
    asked, kind = one.command["arguments"], one.command["kind"]
    epoch = case.epochs if kind == "set" else asked["epoch"]
    changes = asked if kind == "set" else asked.get("changes", {})
    if epoch == 0:
        run, _ = train(case, case.settings | changes, 2 * case.epochs)
        return _cost(run)
    run, _ = train(case, case.settings, epoch)
    if changes:
        run.change(changes)
    go_on(run, 2 * case.epochs)
    return _cost(run)


def _cost(run: Any) -> float:
    cost = np.inf if run.status == "diverged" else run.evaluate("train").cost
    return float(cost) if np.isfinite(cost) else np.inf


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--healthy", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--kinds", default=",".join(TROUBLES))
    parser.add_argument("--show", action="store_true", help="what was not right")
    asked = parser.parse_args()
    print("| trouble | trainings | named | cost lower | higher |\n|---|---|---|---|---|")
    whole = np.zeros(4)
    for kind in filter(None, asked.kinds.split(",")):
        counts = np.zeros(4)
        for seed in range(asked.seed, asked.seed + asked.each):
            case = troubled(kind, seed)
            found, run = advised(case)
            go_on(run, 2 * case.epochs)
            alone, then = _cost(run), followed(case, found[0]) if found else np.nan
            named = bool(found) and found[0].kind == kind
            lower, higher = then < LOWER * alone or (then < alone == np.inf), then > HIGHER * alone
            counts += 1, named, lower, higher
            if asked.show and not (named and lower):
                said = (found[0].kind, found[0].command or found[0].settings) if found else None
                print(
                    f"  {seed} {case.table} {case.epochs} {case.settings}: {said}, {alone:.4g} -> {then:.4g}"
                )
        whole += counts
        print(f"| {kind} | {' | '.join(f'{count:.0f}' for count in counts)} |", flush=True)
    if whole[0]:
        print(
            f"| all | {whole[0]:.0f} | {' | '.join(f'{100 * part / whole[0]:.1f} %' for part in whole[1:])} |"
        )
    wrong: Counter[str] = Counter()
    for seed in range(asked.seed, asked.seed + asked.healthy):
        case = sound(seed)
        found, _ = advised(case)
        if found:
            wrong[found[0].kind] += 1
            if asked.show:
                print(f"  {seed} {case.table} {case.epochs} {case.settings}: {found[0].kind} {found[0].text}")
    if asked.healthy:
        right = 100 * (1 - wrong.total() / asked.healthy)
        print(f"Healthy: {asked.healthy}, without advice {right:.1f} %; {dict(wrong)}")


if __name__ == "__main__":
    main()
