"""How often the race over folds ends the true winner, and how many trainings it saves: simulated searches."""

import numpy as np

from tests.support.folds import KINDS, raced

SEARCHES = 1000
NOISE = (0.01, 0.03, 0.06)  # of a single fold; errors of trials run from 0.1 to 0.5
CASES = ((3, 1), (5, 1), (5, 2))


def main() -> None:
    """Print the table of docs/strategies.md."""
    print("| folds | noise of a fold | " + " | ".join(KINDS) + " |")
    print("|---" * (2 + len(KINDS)) + "|")
    whole = []
    for folds, repeats in CASES:
        for noise in NOISE:
            cells = []
            for kind in KINDS:
                found = np.array([raced(folds, repeats, noise, seed, kind) for seed in range(SEARCHES)])
                lost, saved = found.mean(axis=0)
                whole.append((folds * repeats, lost, saved))
                cells.append(f"{100 * lost:.1f} %, {100 * saved:.0f} %")
            many = f"{folds} x {repeats}" if repeats > 1 else f"{folds}"
            print(f"| {many} | {noise:.2f} | {' | '.join(cells)} |", flush=True)
    for least in (3, 5):
        part = np.array([row[1:] for row in whole if row[0] >= least])
        lost, saved = part.mean(axis=0)
        print(f"{least} folds or more: lost {100 * lost:.2f} %, saved {100 * saved:.0f} % of the trainings")


if __name__ == "__main__":
    main()
