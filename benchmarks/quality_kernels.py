"""Kernel machines with a weight for every column of real data: 15 to 31 parameters, most without much effect.

Kernel ridge regression judged by leaving each row out in turn, which has a closed form (Rasmussen and
Williams 2006, equation 5.12), so a training takes milliseconds and needs no table.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import lapack
from sklearn import datasets

from benchmarks.quality_grids import GRIDS
from benchmarks.quality_problems import Outcome, Trainings
from caviar.search.encoding import encoding_of
from caviar.search.history import Floats
from caviar.search.space import Space

ROWS, SAMPLE = 160, 2000


@dataclass(frozen=True, eq=False)
class WeightedKernel:
    """A ridge, and a weight per column in the distance that the kernel sees."""

    name: str
    design: bool
    data: str
    columns: int
    family: str = "many parameters"

    @cached_property
    def space(self) -> Space:
        """Ridge and weights, on log scales; the kernel's form."""
        weight = {"scale": "log", "low": 1e-3, "high": 3.0}
        axes: dict[str, Any] = {f"weight{place}": weight for place in range(self.columns)}
        return Space.model_validate(
            {
                "ridge": {"scale": "log", "low": 1e-4, "high": 10.0},
                "form": {"choices": ["smooth", "rough"]},
                **axes,
            }
        )

    @cached_property
    def _rows(self) -> tuple[Floats, Floats]:
        loaded = getattr(datasets, f"load_{self.data}")()
        rows = np.random.default_rng(0).permutation(len(loaded.target))[:ROWS]
        X, y = loaded.data[rows, : self.columns], loaded.target[rows].astype(np.float64)
        deviation = X.std(axis=0)
        X = (X - X.mean(axis=0)) / np.where(deviation > 0.0, deviation, 1.0)
        return X, (y - y.mean()) / y.std()

    def value(self, unit: Floats) -> float:
        """Mean squared error of the rows left out, in units of the variance."""
        point = self.space.from_unit(unit)
        X, y = self._rows
        scaled = X * np.sqrt([point[f"weight{place}"] for place in range(self.columns)])
        squares = np.square(scaled).sum(axis=1)
        squared = np.maximum(squares[:, None] + squares - 2.0 * (scaled @ scaled.T), 0.0)
        kernel = np.exp(-squared) if point["form"] == "smooth" else np.exp(-np.sqrt(squared))
        kernel[np.diag_indices(len(y))] += point["ridge"]
        factor, failed = lapack.dpotrf(kernel, lower=1, clean=1)
        assert not failed
        lower = lapack.dpotri(factor, lower=1)[0]
        inverse = lower + np.tril(lower, -1).T
        return float(np.mean((inverse @ y / np.diag(inverse)) ** 2))

    @cached_property
    def reference(self) -> Floats:
        """Values of random points, ascending; kept in a file."""
        path = GRIDS / f"reference_{self.data}{self.columns}.npy"
        if not path.exists():
            encoding = encoding_of(self.space)
            points = encoding.snap(np.random.default_rng(0).random((SAMPLE, encoding.dimensions)))
            np.save(path, np.sort([self.value(point) for point in points]).astype(np.float32))
        return np.asarray(np.load(path).astype(np.float64))

    def start(self, seed: int) -> Trainings:
        """Every training of a point gives the same value."""

        def train(unit: Floats) -> Outcome:
            value = self.value(unit)
            return Outcome(unit, value, value)

        return train


def weighted_kernels() -> list[WeightedKernel]:
    """All of them."""
    return [
        WeightedKernel("many: kernel, wine (15)", True, "wine", 13),
        WeightedKernel("many: kernel, breast cancer (22)", False, "breast_cancer", 20),
        WeightedKernel("many: kernel, breast cancer (32)", False, "breast_cancer", 30),
    ]
