"""The leading points, and their second chance: trained again before a winner is named."""

from dataclasses import dataclass

import numpy as np

from caviar.search.history import History, finite_values
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
