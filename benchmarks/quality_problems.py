"""What strategies are measured on: functions with known traps, and tables of real trainings.

Half of the problems (`design`) may be looked at while a strategy is designed; the others are held out.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from caviar.search.encoding import encoding_of
from caviar.search.history import Floats
from caviar.search.space import Space

TABLES = Path(__file__).parent / "tables"


class Problem(Protocol):
    """A space, and something to be made small in it."""

    name: str
    design: bool
    family: str

    @property
    def space(self) -> Space:
        """What is searched."""

    @property
    def reference(self) -> Floats:
        """Noiseless values of many random points, ascending."""

    def start(self, seed: int) -> "Trainings":
        """Begin a search of its own."""


@dataclass(frozen=True)
class Outcome:
    """A training: where it really was, what was seen, and what it is really worth."""

    unit: Floats
    observed: float
    worth: float


Trainings = Callable[[Floats], Outcome]  # coordinates proposed -> what came of them


@dataclass(frozen=True, eq=False)
class Formula:
    """A function of unit coordinates (n, d), observed with normal noise."""

    name: str
    design: bool
    space: Space
    formula: Callable[[Floats], Floats]
    noise: float = 0.0
    family: str = "functions"

    @cached_property
    def reference(self) -> Floats:
        """Values of 20,000 random points, ascending."""
        encoding = encoding_of(self.space)
        points = encoding.snap(np.random.default_rng(0).random((20_000, encoding.dimensions)))
        return np.sort(self.formula(points))

    def start(self, seed: int) -> Trainings:
        """Noise of its own."""
        rng = np.random.default_rng(seed)

        def train(unit: Floats) -> Outcome:
            worth = float(self.formula(unit[None])[0])
            return Outcome(unit, worth + self.noise * float(rng.standard_normal()), worth)

        return train


@dataclass(frozen=True, eq=False)
class Tabulated:
    """Real trainings. A proposal gets the nearest one that this search has not had, and is told which it was.

    Near is measured in unit coordinates among those with the same choices (if any are left). In a full grid
    a proposal gets exactly what it asked for.
    """

    name: str
    design: bool
    space: Space
    units: Floats
    curves: Floats  # (n, epochs) dev metric, lower is better
    family: str = "networks"

    @cached_property
    def reference(self) -> Floats:
        """Final values of the whole table."""
        return np.sort(self.curves[:, -1])

    def nearest(self, unit: Floats, used: set[int]) -> int:
        """Row that stands for a proposal."""
        categorical = encoding_of(self.space).categorical
        distance = ((self.units - unit) ** 2).sum(axis=1)
        distance += 100.0 * (np.abs(self.units - unit) > 1e-6)[:, categorical].sum(axis=1)
        distance[list(used)] = np.inf
        return int(np.argmin(distance))

    def start(self, seed: int) -> Trainings:
        """Nothing used yet."""
        used: set[int] = set()

        def train(unit: Floats) -> Outcome:
            row = self.nearest(unit, used)
            used.add(row)
            value = float(self.curves[row, -1])
            return Outcome(self.units[row], value, value)

        return train


DESIGN_TABLES = ("digits", "breast_cancer", "wine_grid", "digits_grid")


def tables() -> list[Tabulated]:
    """All tables there are."""
    found = []
    for path in sorted(TABLES.glob("*.npz")):
        with np.load(path) as table:
            about = json.loads(str(table["about"]))
            space = Space.model_validate(about["space"])
            units = encoding_of(space).snap(table["units"].astype(np.float64))
            curves = table["curves"].astype(np.float64)
        found.append(Tabulated(about["name"], about["name"] in DESIGN_TABLES, space, units, curves))
    return found


def _space(*kinds: Any) -> Space:
    """Axes x0, x1, ...: None is a range, n > 0 the integers 1..n, n < 0 so many unordered choices."""
    axes: dict[str, Any] = {}
    for place, kind in enumerate(kinds):
        if kind is None:
            axes[f"x{place}"] = {"low": 0.0, "high": 1.0}
        elif isinstance(kind, dict):
            axes[f"x{place}"] = kind
        elif kind > 0:
            axes[f"x{place}"] = {"type": "int", "low": 1, "high": kind}
        else:
            axes[f"x{place}"] = {"choices": [f"c{choice}" for choice in range(-kind)]}
    return Space.model_validate(axes)


_HARTMANN_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(units: Floats) -> Floats:
    """Four bumps in six dimensions."""
    squares = (_HARTMANN_A * (units[:, None, :6] - _HARTMANN_P) ** 2).sum(axis=2)
    return -np.exp(-squares) @ np.array([1.0, 1.2, 3.0, 3.2])


def branin(units: Floats) -> Floats:
    """Three equal valleys on two axes; any other axis is dead."""
    x, y = 15 * units[:, 0] - 5, 15 * units[:, 1]
    bowl = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


def valley(units: Floats) -> Floats:
    """Rosenbrock's bent narrow valley."""
    x = units * 2.4 - 1.2
    return 100 * (x[:, 1] - x[:, 0] ** 2) ** 2 + (1 - x[:, 0]) ** 2 + 0.5 * (units[:, 2] - 0.3) ** 2


def plateaus(units: Floats) -> Floats:
    """Flat steps, as an error counted on few examples has."""
    return np.floor(10 * np.sqrt(((units[:, :4] - 0.63) ** 2).sum(axis=1))) / 10


def ackley(units: Floats) -> Floats:
    """A funnel full of small pits."""
    x = (units - 0.41) * 10
    pits = np.exp(np.cos(2 * np.pi * x).mean(axis=1))
    return -20 * np.exp(-0.2 * np.sqrt((x**2).mean(axis=1))) - pits + 20 + np.e


def categories(units: Floats) -> Floats:
    """Each of four choices has its own best place, one is better than the others."""
    choice = (units[:, 0] * 4).astype(int)
    place, floor = np.array([0.2, 0.5, 0.8, 0.35])[choice], np.array([0.0, 0.3, 0.1, 0.5])[choice]
    smooth = 4 * (units[:, 2] - place) ** 2 + (units[:, 1] - 0.25) ** 2 + 0.3 * np.abs(units[:, 3] - 0.7)
    return floor + smooth + 0.05 * np.sin(20 * units[:, 4])


def corner(units: Floats) -> Floats:
    """The best lies at the edge of the range on three axes."""
    return np.exp(2 * units[:, 0]) + units[:, 1] ** 2 + np.abs(units[:, 2] - 1) + 0.1 * units[:, 3]


def ellipse(units: Floats) -> Floats:
    """Ten axes whose importance falls by a thousand."""
    return (units - 0.37) ** 2 @ np.geomspace(10, 0.01, 10)


def traps(units: Floats) -> Floats:
    """Styblinski and Tang: sixteen valleys, one the deepest."""
    x = units * 10 - 5
    return 0.5 * (x**4 - 16 * x**2 + 5 * x).sum(axis=1)


def uneven(units: Floats) -> Floats:
    """Five axes of falling importance."""
    return (units[:, :5] - 0.6) ** 2 @ np.array([4, 2, 1, 0.5, 0.1])


def conditions(units: Floats) -> Floats:
    """Two optimisers with axes of their own; an inactive axis is at 0.5."""
    first = units[:, 0] < 0.5
    one = 3 * (units[:, 1] - 0.3) ** 2 + (units[:, 2] - 0.8) ** 2 + 0.1
    two = 5 * np.abs(units[:, 1] - 0.7) + 2 * (units[:, 3] - 0.15) ** 2
    return np.where(first, one, two) + 0.2 * (units[:, 4] - 0.5) ** 2


def cliff(units: Floats) -> Floats:
    """The best lies just below the learning rate at which everything diverges."""
    edge = 0.55 + 0.2 * units[:, 1]
    value = (edge - units[:, 0]) ** 2 + 0.3 * (units[:, 2] - 0.4) ** 2 + 0.05 * units[:, 3]
    return np.where(units[:, 0] > edge, np.inf, value)


_OPTIMIZER = {"choices": ["one", "two"]}
_ONLY_ONE = {"low": 0.0, "high": 1.0, "when": {"x0": "one"}}
_ONLY_TWO = {"low": 0.0, "high": 1.0, "when": {"x0": "two"}}


def formulas() -> list[Formula]:
    """Functions with known traps."""
    return [
        Formula("branin + 4 dead axes", True, _space(*[None] * 6), branin),
        Formula("bent valley", True, _space(*[None] * 4), valley),
        Formula("plateaus", True, _space(*[None] * 5), plateaus),
        Formula("categories", True, _space(-4, 10, None, None, None, -3), categories),
        Formula("ten axes", True, _space(*[None] * 10), ellipse),
        Formula("uneven, noisy", True, _space(*[None] * 5), uneven, 0.05, "noisy"),
        Formula("hartmann", False, _space(*[None] * 6), hartmann),
        Formula("ackley", False, _space(*[None] * 5), ackley),
        Formula("corner", False, _space(None, None, 6, None, None), corner),
        Formula("sixteen valleys", False, _space(*[None] * 4), traps),
        Formula(
            "conditions",
            False,
            _space(_OPTIMIZER, None, _ONLY_ONE, _ONLY_TWO, 8),
            conditions,
            family="conditional",
        ),
        Formula("cliff, noisy", False, _space(None, 8, None, None), cliff, 0.02, "failing"),
        Formula("hartmann, noisy", False, _space(*[None] * 6), hartmann, 0.1, "noisy"),
        # Noise of half the distance from the median to the best.
        Formula("uneven, very noisy", False, _space(*[None] * 5), uneven, 0.31, "noisy"),
        Formula(
            "many: hartmann + 14 dead axes", False, _space(*[None] * 20), hartmann, family="many parameters"
        ),
        Formula("many: uneven + 25 dead axes", True, _space(*[None] * 30), uneven, family="many parameters"),
    ]
