"""Small moves of settings in training: times 1.2 or 0.8, in the unit of a parameter's scale."""

from collections.abc import Sequence

import numpy as np

from caviar.search.axes import Axis, Choices, Numbers
from caviar.search.scales import SCALES
from caviar.search.space import Space, Units

FACTORS = (1.2, 0.8)
JUMP = 0.25  # probability that a choice without an order, or an exact zero, is drawn anew
TRIES = 20  # to find a move that no relation forbids


def perturbed(space: Space, unit: Units, axes: Sequence[int], rng: np.random.Generator) -> Units:
    """Return coordinates (d,) of a point near another one, which differs on some axes alone.

    A move that breaks a relation is drawn again; where none is allowed the point stays as it is.
    """
    if not len(axes):
        return unit
    for _ in range(TRIES):
        moved = unit.copy()
        for axis in axes:
            moved[axis] = moved_on(space.axes[axis], float(unit[axis]), rng)
        settled = obedient(space, moved, unit, axes)
        if settled is not None:
            return settled
    return unit


def obedient(space: Space, moved: Units, unit: Units, axes: Sequence[int]) -> Units | None:
    """Return the coordinates of a point as the space has it, None if a fixed axis would have to move too."""
    settled = space.to_unit(space.from_unit(space.settle(moved)))
    fixed = np.ones(len(unit), dtype=np.bool_)
    fixed[list(axes)] = False
    if not np.allclose(settled[fixed], unit[fixed], rtol=0.0, atol=1e-9):
        return None
    return np.where(fixed, unit, settled)


def moved_on(axis: Axis, unit: float, rng: np.random.Generator) -> float:
    """Return the coordinate of a value near that of another one; it always draws three numbers."""
    up, chance, anew = rng.random() < 0.5, rng.random(), rng.random()
    if isinstance(axis.domain, Choices):
        return _of_choice(axis.domain, unit, up, chance, anew)
    return _of_number(axis.domain, unit, up, chance, anew)


def _of_choice(domain: Choices, unit: float, up: bool, chance: float, anew: float) -> float:
    """Return a neighbour in an ordered list; of another list any choice, now and then."""
    if not domain.ordered and domain.levels > 2:
        return anew if chance < JUMP else unit
    if domain.levels == 2 and not domain.ordered:
        return 1.0 - unit if chance < JUMP else unit
    place = min(int(unit * domain.levels), domain.levels - 1) + (1 if up else -1)
    return (min(max(place, 0), domain.levels - 1) + 0.5) / domain.levels


def _of_number(domain: Numbers, unit: float, up: bool, chance: float, anew: float) -> float:
    """Return a number times a factor; a counted one moves by one value at least."""
    value = domain.from_unit(unit)
    definition = domain.definition
    if domain.zero and value == 0:
        return domain.zero + (1.0 - domain.zero) * anew if chance < JUMP else unit
    scale = SCALES[definition.scale](definition.low, definition.high)
    moved = scale.times(float(value), FACTORS[0] if up else FACTORS[1])
    if domain.zero and moved < definition.low:
        return domain.zero / 2
    moved = min(max(moved, definition.low), definition.high)
    if domain.step is not None and domain.canonical(moved) == value:
        moved = min(
            max(value + (domain.step if moved >= value else -domain.step), definition.low), definition.high
        )
    return domain.to_unit(domain.canonical(moved))
