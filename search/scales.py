"""Scales: how the unit interval is laid over a range. The only place of this mathematics.

A scale is a class in `SCALES`: two functions, inverse to each other, its name, and what its range must
be. Checks, forms, the REST document and the table in docs/spaces.md follow from it. Both ends are exact:
`from_unit(0) == low`, `from_unit(1) == high`, `to_unit(low) == 0`, `to_unit(high) == 1`.
"""

import math
from abc import ABC, abstractmethod
from inspect import getdoc
from typing import Any, ClassVar

from caviar.search.problem import Problem

FARTHEST = 1e300  # an end of a range: there is room to compute with it


class Scale(ABC):
    """A scale over a range: the unit interval goes evenly over `transform(low)` to `transform(high)`."""

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()  # what people and other tools call it
    title: ClassVar[str] = ""  # as forms write it, where the name itself does not read well
    even: ClassVar[bool] = False  # whether equal widths of values have equal shares
    counts: ClassVar[bool] = True  # whether it is made for whole numbers and steps
    example: ClassVar[tuple[float, float]]  # a usual range, with which forms begin

    @staticmethod
    @abstractmethod
    def transform(value: float, /) -> float:
        """Return what grows or falls evenly with the unit coordinate."""

    @staticmethod
    @abstractmethod
    def inverse(transformed: float, /) -> float:
        """Return the value of which this is the transform."""

    @classmethod
    def help(cls) -> str:
        """Return what it does, in one sentence."""
        return (getdoc(cls) or "").partition("\n")[0]

    @classmethod
    def problem(cls, low: float, high: float) -> Problem | None:
        """Return what is wrong with a range of this scale, low being below high."""
        return None

    @classmethod
    def cell_start(cls, low: float, step: float) -> float:
        """Return where the cell of the lowest counted value begins: half a step below it."""
        return low - step / 2

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high
        self.start = self.transform(low)
        self.width = self.transform(high) - self.start

    def from_unit(self, unit: float) -> float:
        """Return the value at a unit coordinate."""
        if unit <= 0.0:
            return self.low
        if unit >= 1.0:
            return self.high
        return _clip(self.inverse(self.start + unit * self.width), self.low, self.high)

    def times(self, value: float, factor: float) -> float:
        """Return a value whose distance from where the scale has no end is so many times as large."""
        return self.inverse(self.transform(value) + math.log(factor))

    def to_unit(self, value: float) -> float:
        """Return the unit coordinate of a value."""
        if value <= self.low:
            return 0.0
        if value >= self.high:
            return 1.0
        return _clip((self.transform(value) - self.start) / self.width, 0.0, 1.0)


def _clip(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value


class LinearScale(Scale):
    """Equal widths are equally likely: value = low + u (high - low)."""

    name = "linear"
    aliases = ("uniform",)
    even = True
    example = (0.0, 1.0)

    @staticmethod
    def transform(value: float, /) -> float:
        """Return the value itself."""
        return value

    inverse = transform

    def times(self, value: float, factor: float) -> float:
        """Return so many times the value; near 0 it moves like a quarter of the range: 0 is no trap."""
        return value + (factor - 1.0) * max(abs(value), 0.25 * (self.high - self.low))


class LogScale(Scale):
    """Equal ratios are equally likely: value = 10^r, r uniform from log10 low to log10 high."""

    name = "log"
    aliases = ("log10", "loguniform")
    example = (0.001, 1.0)
    transform = staticmethod(math.log)
    inverse = staticmethod(math.exp)

    @classmethod
    def problem(cls, low: float, high: float) -> Problem | None:
        """Return what is wrong with a range: it must begin above 0."""
        if low <= 0:
            remedy = "choose low above 0; for exact zeros add zero: 0.1"
            return Problem("low", f"a log scale cannot begin at {low:g}", remedy)
        if low < 1 / FARTHEST:
            return Problem("low", f"{low:g} is too near to 0", f"choose low from {1 / FARTHEST:g} on")
        return None

    @classmethod
    def cell_start(cls, low: float, step: float) -> float:
        """Return where the cell of the lowest counted value begins: half a step below it, but above 0."""
        return max(low - step / 2, low / 2)


class OneMinusLogScale(Scale):
    """Equal ratios of the distance to 1 are equally likely: value = 1 - 10^r.

    So .9, .99 and .999 are equally far apart. r is uniform from log10(1 - low) down to log10(1 - high).
    """

    name = "one_minus_log"
    title = "one-minus-log"
    aliases = ("1-beta", "1-log", "1-x", "reverse_log")
    counts = False
    example = (0.9, 0.999)

    @staticmethod
    def transform(value: float, /) -> float:
        """Return ln(1 - value), which falls from low to high."""
        return math.log1p(-value)

    @staticmethod
    def inverse(transformed: float, /) -> float:
        """Return 1 - e^transformed."""
        return -math.expm1(transformed)

    @classmethod
    def problem(cls, low: float, high: float) -> Problem | None:
        """Return what is wrong with a range: it must lie from 0 to below 1."""
        if low >= 0 and high < 1:
            return None
        message = "one_minus_log covers values from 0 to below 1"
        return Problem("low" if low < 0 else "high", message, "try low 0.9, high 0.999")


SCALES: dict[str, type[Scale]] = {scale.name: scale for scale in (LinearScale, LogScale, OneMinusLogScale)}
ALIASES = {alias: scale.name for scale in SCALES.values() for alias in scale.aliases}


def describe_scales(schema: dict[str, Any]) -> None:
    """Add the scales to the schema of a field that names one."""
    schema["enum"] = list(SCALES)
    schema["x-scales"] = {
        name: {
            "title": scale.title or name.replace("_", " "),
            "help": scale.help(),
            "counts": scale.counts,
            "example": list(scale.example),
        }
        for name, scale in SCALES.items()
    }
