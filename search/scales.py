"""Scales: how the unit interval is laid over a range. The only place of this mathematics.

Each scale is two functions, inverse to each other, increasing, and exact at both ends:
`from_unit(0) == low`, `from_unit(1) == high`, `to_unit(low) == 0`, `to_unit(high) == 1`.
"""

import math
from typing import Literal

ScaleName = Literal["linear", "log", "one_minus_log"]
OTHER_NAMES = {  # what people and other tools call them
    "1-beta": "one_minus_log",
    "1-log": "one_minus_log",
    "1-x": "one_minus_log",
    "reverse_log": "one_minus_log",
    "log10": "log",
    "loguniform": "log",
    "uniform": "linear",
}


def _clip(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value


class Linear:
    """Equal widths get equal shares: value = low + u (high - low)."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high, self.width = low, high, high - low

    def from_unit(self, unit: float) -> float:
        """Value at a unit coordinate."""
        if unit >= 1.0:
            return self.high
        return _clip(self.low + unit * self.width, self.low, self.high)

    def to_unit(self, value: float) -> float:
        """Unit coordinate of a value."""
        return _clip((value - self.low) / self.width, 0.0, 1.0)


class Log:
    """Equal ratios get equal shares: value = 10^r with r uniform from log10 low to log10 high."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high
        self.start = math.log(low)
        self.width = math.log(high) - self.start

    def from_unit(self, unit: float) -> float:
        """Value at a unit coordinate."""
        if unit <= 0.0:
            return self.low
        if unit >= 1.0:
            return self.high
        return _clip(math.exp(self.start + unit * self.width), self.low, self.high)

    def to_unit(self, value: float) -> float:
        """Unit coordinate of a value."""
        if value <= self.low:
            return 0.0
        if value >= self.high:
            return 1.0
        return _clip((math.log(value) - self.start) / self.width, 0.0, 1.0)


class OneMinusLog:
    """The distance to 1 is on a log scale: value = 1 - 10^r, so .9, .99 and .999 are equally far apart.

    A coordinate of 0 is `low`: r runs from log10(1 - low) down to log10(1 - high).
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high
        self.start = math.log1p(-low)
        self.width = math.log1p(-high) - self.start

    def from_unit(self, unit: float) -> float:
        """Value at a unit coordinate."""
        if unit <= 0.0:
            return self.low
        if unit >= 1.0:
            return self.high
        return _clip(-math.expm1(self.start + unit * self.width), self.low, self.high)

    def to_unit(self, value: float) -> float:
        """Unit coordinate of a value."""
        if value <= self.low:
            return 0.0
        if value >= self.high:
            return 1.0
        return _clip((math.log1p(-value) - self.start) / self.width, 0.0, 1.0)


Scale = Linear | Log | OneMinusLog
SCALES: dict[ScaleName, type[Scale]] = {"linear": Linear, "log": Log, "one_minus_log": OneMinusLog}
