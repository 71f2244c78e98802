"""Observations: the results that a model is made of, and what it makes of them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from caviar.search.encoding import SpaceEncoding
from caviar.search.history import LARGEST, Floats, History, Integers
from caviar.search.surrogate import Kernel, Surrogate, fit, warp

WINDOW = 96  # results in a model: if there are more, two thirds the best and one third the latest
MOST_PENDING = 32  # running trials that a model heeds, the latest


@dataclass(frozen=True, eq=False)
class Observations:
    """Results of a window, their values warped.

    Where trials differ in length on purpose, the length is one more axis: what a long training would give is
    learnt from short ones.
    """

    encoding: SpaceEncoding
    numbers: Integers  # (n,)
    units: Floats  # (n, d)
    lengths: Floats | None  # (n,) logarithm of the epochs, 1 for the longest; None: all alike
    targets: Floats  # (n,) lower is better

    def columns(self, units: Floats, length: float | Floats = 1.0) -> Floats:
        """Columns of the model at some points (m, f), trained for some length."""
        columns = self.encoding.features(units)
        if self.lengths is None:
            return columns
        return np.column_stack([columns, np.broadcast_to(length, len(units))])

    @cached_property
    def axis_of_column(self) -> Integers:
        """Axis of each column; the length comes last."""
        axes = self.encoding.axis_of_feature
        return axes if self.lengths is None else np.append(axes, self.encoding.dimensions)

    @cached_property
    def known(self) -> Floats:
        """Columns of the results."""
        return self.columns(self.units, 1.0 if self.lengths is None else self.lengths)

    @cached_property
    def kernel(self) -> Kernel:
        """Which axes matter and how noisy the values are."""
        return fit(self.known, self.axis_of_column, self.targets)

    def model(self, kernel: Kernel, pending: Floats | None = None, length: float = 1.0) -> Surrogate:
        """Model of these results and of the latest pending points, which train for some length."""
        running = self.known[:0] if pending is None else self.columns(pending[-MOST_PENDING:], length)
        return Surrogate(kernel, self.axis_of_column, self.known, self.targets, running)

    @cached_property
    def leaders(self) -> Integers:
        """Rows of the results, the best first: what the model takes them for, the noise taken off."""
        mean, _ = self.model(self.kernel).predict(self.columns(self.units))
        return np.argsort(np.round(mean, 9), kind="stable")


def gather_observations(
    encoding: SpaceEncoding, history: History, below: int | None, longest: int | None
) -> Observations | None:
    """Observations of the trials below a number (None: of all); None if it cannot tell good from bad.

    `longest`: the epochs of the longest trials where their lengths differ on purpose.
    """
    count = len(history) if below is None else int(np.searchsorted(history.numbers, below))
    values = history.values[:count]
    rows = np.flatnonzero(~np.isnan(values))
    if len(rows) > WINDOW:
        latest, older = rows[-WINDOW // 3 :], rows[: -WINDOW // 3]
        best = np.argpartition(values[older], WINDOW - len(latest))[: WINDOW - len(latest)]
        rows = np.concatenate([np.sort(older[best]), latest])
    values = np.where(values[rows] == np.inf, np.inf, np.clip(values[rows], -LARGEST, LARGEST))
    if len(values) < 3 or values.min() == values.max():
        return None
    epochs = b"" if longest is None else history.epochs[rows].tobytes()
    content = (history.numbers[rows].tobytes(), history.units[rows].tobytes(), epochs, values.tobytes())
    return _remembered(encoding, *content, longest)


@lru_cache(maxsize=256)
def _remembered(
    encoding: SpaceEncoding, numbers: bytes, units: bytes, epochs: bytes, values: bytes, longest: int | None
) -> Observations:
    """Observations by content, so that the trials of a round share its kernel and its box."""
    lengths, seen = None, np.frombuffer(values)
    if longest is not None:
        lengths = length_of(np.where(np.isinf(seen), longest, np.frombuffer(epochs, dtype=np.int64)), longest)
    return Observations(
        encoding,
        np.frombuffer(numbers, dtype=np.int64),
        encoding.snap(np.frombuffer(units).reshape(-1, encoding.dimensions)),
        lengths,
        warp(seen),
    )


def length_of(epochs: Integers | int, longest: int) -> Floats:
    """Length of a training as a coordinate: equal ratios of epochs are equal steps."""
    return np.asarray(np.log1p(np.minimum(epochs, longest)) / np.log1p(longest))
