"""Grid search, for comparison: every combination of a few values per axis."""

from functools import lru_cache
from math import prod
from threading import Lock

import numpy as np
from cachetools import LRUCache, cached

from caviar.search.history import Floats, History, Integers
from caviar.search.proposal import Proposal, propose_at
from caviar.search.randomness import generator
from caviar.search.space import NEUTRAL, Space
from caviar.search.spec import SearchSpec

MOST_COMBINATIONS = 2**18  # that are looked at for those which obey relations


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
    if spec.space.region is not None:
        return _obeying(spec, number)
    counts = levels(spec.budget.trials, tuple(axis.levels for axis in axes))
    turn, rest = divmod(number, prod(counts))
    unit = _combinations(counts, turn, np.array([rest]))[0]
    return propose_at(spec.space, unit, "grid", f"tries few values per axis: {_words(spec, counts)}")


def _words(spec: SearchSpec, counts: tuple[int, ...]) -> str:
    values = (f"{count} of {axis.name}" for axis, count in zip(spec.space.axes, counts, strict=True))
    return ", ".join(values) or "one point"


def _combinations(counts: tuple[int, ...], turn: int, places: Integers) -> Floats:
    """Coordinates of combinations (m,), the last axis varying fastest."""
    units = np.empty((len(places), len(counts)))
    rest = places
    for axis in reversed(range(len(counts))):
        rest, cell = np.divmod(rest, counts[axis])
        units[:, axis] = (cell + _inside_cell(turn)) / counts[axis]
    return units


def _obeying(spec: SearchSpec, number: int) -> Proposal:
    """Take combination `number` of those that obey the relations; the others are left out."""
    turn = 0
    while True:
        counts, units, left_out = _turn(spec.space, spec.budget.trials, turn)
        if number < len(units):
            why = f"tries few values per axis: {_words(spec, counts)}; {left_out} of {prod(counts)} points"
            return propose_at(spec.space, units[number], "grid", f"{why} break a relation and are left out")
        number, turn = number - len(units), turn + 1


@cached(LRUCache(64), key=lambda space, *rest: (space.region, *rest), lock=Lock())
def _turn(space: Space, trials: int, turn: int) -> tuple[tuple[int, ...], Floats, int]:
    """Values per axis, the combinations that obey, and the number of the others.

    The grid is the finest of those tried, each twice the last, of which at most `trials` points obey. One
    part of an exact sum has no values of its own: it follows from the others.
    """
    region, solved = space.region, space.region.solved_columns if space.region is not None else []
    assert region is not None
    most = tuple(1 if place in solved else axis.levels for place, axis in enumerate(space.axes))
    best: tuple[tuple[int, ...], Floats, int] | None = None
    size = max(trials, 2)
    while size <= MOST_COMBINATIONS:
        counts = levels(size, most)
        units = _combinations(counts, turn, np.arange(prod(counts)))
        units = region.solved(units)
        kept = units[region.obeyed(units[:, region.columns])]
        if best is not None and len(best[1]) and (len(kept) > trials or len(kept) == len(best[1])):
            break
        best, size = (counts, kept, len(units) - len(kept)), 2 * size
    if best is None or not len(best[1]):
        drawn = np.full((1, space.dimensions), NEUTRAL)  # no grid meets what little the relations leave
        drawn[:, region.columns] = region.draw(generator(0, turn, "grid"), 1)
        return tuple(1 for _ in most), drawn, 0
    return best
