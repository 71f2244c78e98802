"""Axes: one unit coordinate each, and the value that stands at it."""

import math
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeGuard

from caviar.search.parameters import Choice, Range, Value, identity
from caviar.search.problem import written
from caviar.search.scales import SCALES, Scale


@dataclass(frozen=True)
class Axis:
    """One coordinate of a space: of a parameter, or of one entry of a per-layer parameter."""

    name: str  # "beta1", or "hidden_units.2"
    parameter: str
    index: int | None
    domain: "Numbers | Choices"

    def from_unit(self, unit: float) -> Value:
        """Value at a unit coordinate."""
        return self.domain.from_unit(unit)

    def to_unit(self, value: Any) -> float:
        """Unit coordinate of a value; that of the nearest one where the value is not in the domain."""
        return self.domain.to_unit(value)

    def entries(self, value: Any) -> list[Any] | None:
        """Entries of a value of the parameter, as another space may have it; None for what cannot be read."""
        entries = [value] if self.index is None else value
        return entries if isinstance(entries, list) and all(map(self.domain.readable, entries)) else None

    @property
    def levels(self) -> int | None:
        """How many distinct values there are, None if that is a continuum."""
        return self.domain.levels

    @property
    def ordered(self) -> bool:
        """Whether neighbouring coordinates have neighbouring values."""
        return self.domain.ordered

    @property
    def even(self) -> bool:
        """Whether every level has an equal part of the unit interval."""
        return self.domain.even

    @property
    def zero(self) -> float:
        """Share at the low end that is exactly zero."""
        return self.domain.zero


@dataclass(frozen=True)
class Numbers:
    """A range: continuous, or the grid that an integer type or a step makes of it."""

    definition: Range
    ordered: bool = field(default=True, init=False)

    @cached_property
    def zero(self) -> float:
        """Share at the low end that is exactly zero."""
        return self.definition.zero or 0.0

    @cached_property
    def step(self) -> float | None:
        """Distance of the grid values, None for a continuum."""
        if self.definition.step is None:
            return 1.0 if self.definition.type == "int" else None
        return self.definition.step

    @cached_property
    def steps(self) -> int:
        """Index of the last grid value."""
        if self.step is None:
            return 0
        # A tenth of a millionth of a step forgives 0.1 + 0.2 != 0.3.
        return math.floor((self.definition.high - self.definition.low) / self.step + 1e-7)

    @cached_property
    def levels(self) -> int | None:
        """How many distinct values there are, None if that is a continuum."""
        if self.step is None:
            return None
        return self.steps + 1 + (1 if self.zero and not self._holds_zero else 0)

    @cached_property
    def even(self) -> bool:
        """Whether every level has an equal part of the unit interval."""
        return self.step is not None and SCALES[self.definition.scale].even and not self.zero

    @cached_property
    def _holds_zero(self) -> bool:
        return self.step is not None and self._grid(self._nearest(0.0)) == 0.0

    @cached_property
    def _scale(self) -> Scale:
        """The scale over the range; for a grid over the cells around its values, half a step to each side.

        So integers on a linear scale are equally likely, both ends included, and on a log scale an integer
        has the share of the values that round to it.
        """
        scale, low, high = SCALES[self.definition.scale], self.definition.low, self.definition.high
        if self.step is None:
            return scale(low, high)
        return scale(scale.cell_start(low, self.step), low + self.steps * self.step + self.step / 2)

    def _grid(self, index: int) -> int | float:
        value = self.definition.low + index * (self.step or 0.0)
        if self.definition.type == "int":
            return round(value)
        return min(float(f"{value:.12g}"), self.definition.high) if index else value

    def _nearest(self, value: float) -> int:
        # floor(x + 1/2) rather than round: halves must not go to even numbers.
        place = (value - self.definition.low) / (self.step or 1.0) + 0.5
        return math.floor(min(max(place, 0.0), self.steps))  # clipped first: it may be infinite

    def from_unit(self, unit: float) -> int | float:
        """Value at a unit coordinate."""
        if self.zero:
            if unit < self.zero:
                return 0 if self.definition.type == "int" else 0.0
            unit = (unit - self.zero) / (1.0 - self.zero)
        value = self._scale.from_unit(unit)
        return value if self.step is None else self._grid(self._nearest(value))

    def to_unit(self, value: Any) -> float:
        """Unit coordinate of a value: the middle of its cell where values are counted."""
        number = float(value)
        if self.zero and number == 0.0:
            return self.zero / 2
        unit = self._scale.to_unit(number) if self.step is None else self._middle(self._nearest(number))
        return self.zero + (1.0 - self.zero) * unit if self.zero else unit

    def _middle(self, index: int) -> float:
        value = self.definition.low + index * (self.step or 0.0)
        half = (self.step or 0.0) / 2
        return (self._scale.to_unit(value - half) + self._scale.to_unit(value + half)) / 2

    def readable(self, value: Any) -> TypeGuard[float]:
        """Return whether a value, in the range or not, has a nearest one in it: whether it is a number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return abs(value) <= sys.float_info.max  # not true of nan, and safe with whole numbers of any size

    def contains(self, value: Any) -> bool:
        """Return whether a value is one that from_unit can give."""
        if not self.readable(value):
            return False
        if self.zero and value == 0:
            return True
        if self.step is None:
            return self.definition.low <= value <= self.definition.high
        near = self._grid(self._nearest(value))
        return abs(near - value) <= 1e-9 * max(abs(near), self.step)

    def canonical(self, value: Any) -> int | float:
        """Value in its own type: whole numbers as int, grid values exactly on the grid."""
        if self.zero and value == 0:
            return 0 if self.definition.type == "int" else 0.0
        if self.step is None:
            return float(value)
        return self._grid(self._nearest(value))

    def describe(self) -> str:
        """Say in words what is allowed."""
        definition = self.definition
        kind = "an integer" if definition.type == "int" else "a number"
        text = f"{kind} from {definition.low:.12g} to {definition.high:.12g}"
        if definition.step is not None:
            text += f" in steps of {definition.step:.12g}"
        return text + (", or 0" if self.zero else "")


@dataclass(frozen=True)
class Choices:
    """A list of values, each with an equal part of the unit interval."""

    definition: Choice
    zero: float = field(default=0.0, init=False)
    even: bool = field(default=True, init=False)

    @cached_property
    def ordered(self) -> bool:
        """Whether neighbours in the list resemble each other."""
        return self.definition.ordered

    @cached_property
    def levels(self) -> int:
        """How many choices there are."""
        return len(self.definition.choices)

    @cached_property
    def _index(self) -> dict[Any, int]:
        return {identity(value): index for index, value in enumerate(self.definition.choices)}

    def from_unit(self, unit: float) -> Value:
        """Choice at a unit coordinate."""
        return self.definition.choices[min(int(unit * self.levels), self.levels - 1)]

    def to_unit(self, value: Any) -> float:
        """Middle of the part that a choice has; the middle of all for what is no choice."""
        index = self._index.get(identity(value))
        return 0.5 if index is None else (index + 0.5) / self.levels

    def contains(self, value: Any) -> bool:
        """Return whether a value is one of the choices."""
        return identity(value) in self._index

    readable = contains  # no choice is nearer than another to what is none

    def canonical(self, value: Any) -> Value:
        """Choice as it stands in the definition."""
        return self.definition.choices[self._index[identity(value)]]

    def describe(self) -> str:
        """Say in words what is allowed."""
        return "one of " + ", ".join(map(written, self.definition.choices))
