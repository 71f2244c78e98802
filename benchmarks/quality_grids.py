"""Grids of real trainings, several of each point with seeds of their own: trees, kernel machines, noise.

A proposal gets exactly the point that it asked for, so nobody is told a neighbour. A point that is tried
again gives another of its trainings.
"""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality_problems import Outcome, Trainings
from caviar.search.encoding import encoding_of
from caviar.search.history import Floats
from caviar.search.space import Space

GRIDS = Path(__file__).parent / "tables" / "grids"


def grid_of(space: Space) -> Floats:
    """Return all points of a space whose axes are all counted (n, d), in a fixed order.

    Axes that others hang on are laid out first, so that a space of many branches stays small.
    """
    encoding = encoding_of(space)
    counted = [centres for centres in encoding.centres if centres is not None]
    assert len(counted) == encoding.dimensions, "a grid needs counted axes"
    deciding, blocks = encoding.deciding, []
    for levels in product(*(counted[place] for place in deciding)):
        row = np.full((1, encoding.dimensions), 0.5)
        row[0, deciding] = levels
        row = encoding.snap(row)
        active = encoding.space.active_at(row)[0]
        free = [
            centres if active[place] and place not in deciding else row[0, place : place + 1]
            for place, centres in enumerate(counted)
        ]
        blocks.append(np.array(list(product(*free))))
    return np.unique(np.vstack(blocks), axis=0)


@dataclass(frozen=True, eq=False)
class Grid:
    """All points of a space, each trained several times; NaN where a training fails."""

    name: str
    design: bool
    family: str
    space: Space
    values: Floats  # (n, r) in the order of grid_of, lower is better
    noisy: bool = False  # a trial is one of the trainings; otherwise their mean, without noise

    @cached_property
    def worths(self) -> Floats:
        """What each point (n,) is really worth; infinite where it fails."""
        mean = self.values.mean(axis=1)
        return np.where(np.isnan(mean), np.inf, mean)

    @cached_property
    def reference(self) -> Floats:
        """Worths of all points that work, ascending; of those that fail, infinite ones."""
        return np.sort(self.worths)

    @cached_property
    def draws(self) -> Floats:
        """Values (n, r) without what all points have in common: a cut of the data may be an easy one."""
        working = ~np.isnan(self.values).any(axis=1)
        common = np.median(self.values[working], axis=0)
        return np.asarray(self.values - common + common.mean())

    @cached_property
    def _row_of(self) -> dict[bytes, int]:
        return {key: row for row, key in enumerate(map(_key, grid_of(self.space)))}

    def start(self, seed: int) -> Trainings:
        """Begin a search of its own: which training of a point comes first is drawn."""
        rng, encoding = np.random.default_rng(seed), encoding_of(self.space)
        order = rng.permuted(np.tile(np.arange(self.values.shape[1]), (len(self.values), 1)), axis=1)
        tried: dict[int, int] = {}

        def train(unit: Floats) -> Outcome:
            snapped = encoding.snap(unit[None])[0]
            row = self._row_of[_key(snapped)]
            worth = float(self.worths[row])
            if not self.noisy or np.isinf(worth):
                return Outcome(snapped, worth, worth)
            again = tried[row] = tried.get(row, -1) + 1
            return Outcome(snapped, float(self.draws[row, order[row, again % self.values.shape[1]]]), worth)

        return train

    def part(self, name: str, family: str, fixed: dict[str, Any], design: bool, noisy: bool) -> "Grid":
        """Return the part of the grid at which some parameters have given values."""
        points, rest = grid_of(self.space), dict(self.space.model_dump(mode="json", exclude_unset=True))
        kept = np.ones(len(points), dtype=np.bool_)
        for axis_name, value in fixed.items():
            place = self.space.names.index(axis_name)
            kept &= np.abs(points[:, place] - self.space.axes[place].to_unit(value)) < 1e-9
            del rest[axis_name]
        return Grid(name, design, family, Space.model_validate(rest), self.values[kept], noisy)

    def failing(self, name: str, fails: Any, design: bool) -> "Grid":
        """Return the grid with points that fail because of what they ask for."""
        broken = np.array([fails(self.space.from_unit(unit)) for unit in grid_of(self.space)])
        values = np.where(broken[:, None], np.nan, self.values)
        return replace(self, name=name, design=design, family="failing", values=values)


def _key(unit: Floats) -> bytes:
    return np.round(unit * 2**20).astype(np.int32).tobytes()


def load(name: str, design: bool, family: str, noisy: bool = False) -> Grid:
    """Read a table that benchmarks.quality_tabulate made."""
    with np.load(GRIDS / f"{name}.npz") as table:
        about, values = json.loads(str(table["about"])), table["values"].astype(np.float64)
    return Grid(
        f"{family}: {about['title']}", design, family, Space.model_validate(about["space"]), values, noisy
    )


def grids() -> list[Grid]:
    """All problems that are made of grids."""
    trees = {name: load(f"trees_{name}", name == "diabetes", "trees") for name in ("diabetes", "cancer")}
    kernels = {name: load(f"kernels_{name}", name == "digits", "kernels") for name in ("digits", "diabetes")}
    few = {"min_samples_leaf": 10, "max_features": 0.3}
    return [
        *trees.values(),
        *kernels.values(),
        load("models_cancer", True, "conditional"),
        load("models_digits", False, "conditional"),
        replace(trees["diabetes"], name="noisy: trees, diabetes", family="noisy", noisy=True, design=True),
        replace(kernels["diabetes"], name="noisy: kernels, diabetes", family="noisy", noisy=True),
        replace(
            load("models_digits", False, "noisy", noisy=True), name="noisy: models, digits", design=False
        ),
        load("failing_cancer", False, "failing"),
        trees["cancer"].failing("failing: large trees, cancer", _large, True),
        kernels["digits"].part(
            "small: kernels, digits", "small", {"kernel": "rbf", "scaling": "none"}, True, True
        ),
        trees["diabetes"].part("small: trees, diabetes", "small", {**few, "iterations": 50}, False, True),
        trees["cancer"].part("small: trees, cancer", "small", {**few, "learning_rate": 0.12}, False, True),
    ]


def _large(point: dict[str, Any]) -> bool:
    """Tell whether an ensemble has more leaves than there is memory for."""
    return point["iterations"] * point["leaves"] > 400
