"""Grid search, for comparison: every combination of a few values per axis."""

from functools import lru_cache
from math import prod

import numpy as np

from caviar.search.history import History
from caviar.search.proposal import Proposal, propose_at
from caviar.search.spec import SearchSpec


@lru_cache(maxsize=256)
def levels(trials: int, most: tuple[int | None, ...]) -> tuple[int, ...]:
    """Values per axis: as many as the budget pays for, evenly; an axis has at most its own number of values.

    The grid has at most `trials` points. Earlier axes get the values that do not go round.
    """

    def capped(count: int) -> list[int]:
        return [count if limit is None else min(count, limit) for limit in most]

    # Bisection needs an end: no axis can have more values than there are trials.
    low, high = 1, trials
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if prod(capped(middle)) <= trials else (low, middle - 1)
    counts, grown = capped(low), True
    while grown:
        grown = False
        for axis, limit in enumerate(most):
            more = [*counts[:axis], counts[axis] + 1, *counts[axis + 1 :]]
            if (limit is None or counts[axis] < limit) and prod(more) <= trials:
                counts, grown = more, True
    return tuple(counts)


def _inside_cell(turn: int) -> float:
    """Where in each cell the grid stands: in the middle at first, in ever new places after that."""
    place, width = 0.0, 0.5
    turn += 1
    while turn:
        place += width * (turn & 1)
        turn, width = turn >> 1, width / 2
    return place


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Take combination `number`; the history plays no part. A grid used up begins again, moved a little."""
    axes = spec.space.axes
    counts = levels(spec.budget.trials, tuple(axis.levels for axis in axes))
    turn, rest = divmod(number, prod(counts))
    unit = np.empty(len(axes))
    for axis in reversed(range(len(axes))):
        rest, cell = divmod(rest, counts[axis])
        unit[axis] = (cell + _inside_cell(turn)) / counts[axis]
    values = ", ".join(f"{count} of {axis.name}" for axis, count in zip(axes, counts, strict=True))
    return propose_at(spec.space, unit, "grid", f"tries few values per axis: {values or 'one point'}")
