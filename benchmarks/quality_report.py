"""What the quality bench prints."""

import numpy as np

Found = dict[str, dict[str, np.ndarray]]  # strategy: problem: ranks and seconds (seeds, budgets + 1)
OURS = ("coarse_to_fine", "random", "sobol")


def show(found: Found, names: list[str], budgets: list[str]) -> None:
    """Print mean rank in percent, its standard error, time per proposal, and ratios."""
    head = "".join(f"{f'at {budget}':>18s}" for budget in budgets)
    print(f"{'mean percentile rank in %':34s}{head}{'ms/proposal':>13s}{'seeds':>7s}")
    means = {}
    for strategy, by_problem in found.items():
        rows = np.mean([by_problem[name] for name in names], axis=0)
        ranks = 100 * rows[:, :-1]
        means[strategy] = ranks.mean(axis=0)
        error = (
            ranks.std(axis=0, ddof=1) / np.sqrt(len(ranks))
            if len(ranks) > 1
            else np.full(len(budgets), np.nan)
        )
        cells = "".join(
            f"{mean:>10.3f} ± {one:5.3f}" for mean, one in zip(means[strategy], error, strict=True)
        )
        print(f"{strategy:34s}{cells}{1000 * rows[:, -1].mean():>13.1f}{len(rows):>7d}")
    if "coarse_to_fine" not in found:
        return
    ours = means["coarse_to_fine"]
    for strategy, theirs in means.items():
        if strategy != "coarse_to_fine":
            _print_ratio(f"coarse_to_fine / {strategy}", ours, theirs)
    peers = {strategy: theirs for strategy, theirs in means.items() if strategy not in OURS}
    if len(peers) > 1:
        _print_ratio("coarse_to_fine / best peer", ours, np.min(list(peers.values()), axis=0))


def _print_ratio(title: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    cells = [
        f"{one / other:.2f}" if other > 0 else "1.00" if one == 0 else "inf"
        for one, other in zip(ours, theirs, strict=True)
    ]
    print(f"{title:34s}" + "".join(f"{cell:>18s}" for cell in cells))


def show_each(found: Found, names: list[str], budgets: list[str]) -> None:
    """Print every problem, and whether coarse_to_fine is worse than random by over two standard errors."""
    print(f"\n{'':34s}" + "".join(f"{strategy[-14:]:>27s}" for strategy in found))
    for name in names:
        cells = "".join(
            f"{'  '.join(f'{100 * one:6.3f}' for one in by_problem[name][:, :-1].mean(axis=0)):>27s}"
            for by_problem in found.values()
        )
        line = f"{name:34s}{cells}"
        if {"random", "coarse_to_fine"} <= set(found):
            ours, other = found["coarse_to_fine"][name], found["random"][name]
            common = min(len(ours), len(other))
            difference = (ours[:common] - other[:common])[:, :-1]
            error = (
                difference.std(axis=0, ddof=1) / np.sqrt(common)
                if common > 1
                else np.full(len(budgets), np.inf)
            )
            worse = [b for b, d, e in zip(budgets, difference.mean(axis=0), error, strict=True) if d > 2 * e]
            line += f"  worse than random at {', '.join(worse)}" if worse else ""
        print(line)
