"""The leading points, and their second chance: trained again before a winner is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import ttest_ind

from caviar.search.history import Floats, History, finite_values
from caviar.search.proposal import Proposal
from caviar.search.rounds import longest
from caviar.search.spec import SearchSpec


@dataclass(frozen=True)
class Standing:
    """One point and all trainings it had."""

    numbers: tuple[int, ...]  # trials of this point, the first one first
    mean: float  # of their values, lower is better
    spread: float  # standard deviation between trainings, NaN for a single one


def standings(history: History, most: int | None = None) -> list[Standing]:
    """Points by their mean value, best first; the oftener tried first among equals.

    A point that was trained once is only as good as its luck: with re-evaluations, name the winner among the
    points that had them. Trials without a finite value do not count; stopped ones come after completed ones.
    """
    groups: dict[bytes, list[int]] = {}
    for row in np.flatnonzero(np.isfinite(history.values)):
        groups.setdefault(history.units[row].tobytes(), []).append(int(row))
    ranked = []
    for rows in groups.values():
        completed = [row for row in rows if history.states[row] == "completed"]
        values = finite_values(history.values[completed or rows])
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
        numbers = tuple(int(history.numbers[row]) for row in rows)
        ranked.append(
            (
                not completed,
                float(np.mean(values)),
                -len(rows),
                Standing(numbers, float(np.mean(values)), spread),
            )
        )
    ranked.sort(key=lambda entry: (*entry[:3], entry[3].numbers))
    return [entry[3] for entry in ranked[:most]]


def chance_of_ties(groups: Sequence[Floats]) -> list[float | None]:
    """Return for each group after the first how likely its distance from the first one is by mere chance.

    Welch's t-test of each pair, doi:10.1093/biomet/34.1-2.28, corrected for the number of all pairs as by
    S. Holm (1979), for the first group is the best of them. So of the differences whose chance is below 5 %,
    in at least 95 of 100 cases all are real.

    Parameters
    ----------
    groups : sequence of ndarray(float64, (k,))
        Values of the trainings of each point.

    Returns
    -------
    list of float or None
        None where it cannot be told: a single value, or values without any spread.
    """
    usable = [place for place, values in enumerate(groups) if len(values) > 1 and np.ptp(values) > 0]
    pairs = list(combinations(usable, 2))
    raw = [float(ttest_ind(groups[one], groups[other], equal_var=False).pvalue) for one, other in pairs]
    chances: list[float | None] = [None] * (len(groups) - 1)
    highest = 0.0
    for rank, at in enumerate(sorted(range(len(pairs)), key=raw.__getitem__)):
        highest = max(highest, min(1.0, (len(pairs) - rank) * raw[at]))
        if pairs[at][0] == 0:
            chances[pairs[at][1] - 1] = highest
    return chances


def propose(spec: SearchSpec, number: int, history: History) -> Proposal | None:
    """Train a leader again with the seed of this trial's number; None if there is no leader."""
    epochs = longest(spec)
    ranked = standings(history if epochs is None else _as_continued(history), spec.reevaluate.leaders)
    if not ranked:
        return None
    leader = ranked[(number - spec.budget.trials) % len(ranked)]
    parent = leader.numbers[0]
    unit = history.units[int(np.flatnonzero(history.numbers == parent)[0])]
    why = f"trial {parent} once more with another seed, so that luck does not name the winner"
    return Proposal(spec.space.from_unit(unit), unit, "reevaluation", why, parent=parent, epochs=epochs)


def _as_continued(history: History) -> History:
    """Of each point the longest training: the shorter ones are the same one, earlier."""
    known = history.select(np.flatnonzero(~np.isnan(history.values)))
    longest_first = np.lexsort((known.numbers, -known.epochs))
    _, first = np.unique(known.units[longest_first], axis=0, return_index=True)
    return known.select(np.sort(longest_first[first]))
