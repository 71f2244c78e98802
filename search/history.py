"""What a proposal may see of the trials before it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LARGEST = 1e100  # of a value that is computed with: its square is still a number
NOBODY, BY_HAND = -1, -2  # of `continues`: the trial began from its seed; a person made it
STATES = ("completed", "stopped", "diverged", "failed", "cancelled")


@dataclass(frozen=True)
class Kept:
    """How the visible trials stand to the constraints of `subject_to`; values of those that break some."""

    slacks: Floats  # (n, k) above 0: broken by so much; NaN: not known
    withheld: Floats  # (n,) lower is better; NaN where no constraint is broken

    @property
    def broken(self) -> npt.NDArray[np.bool_]:
        """Which trials break a constraint."""
        return np.asarray(~np.isnan(self.withheld))


@dataclass(frozen=True)
class History:
    """Columns of the visible trials in ascending order of their numbers, and the points still pending.

    values: lower is better whatever the direction of the search. NaN means no value (cancelled, excluded);
    +inf is worse than every number (diverged, failed, a constraint broken). A stopped trial has the value it
    had reached.
    """

    numbers: Integers  # (n,)
    units: Floats  # (n, d)
    values: Floats  # (n,)
    states: npt.NDArray[np.str_]  # (n,), of STATES
    epochs: Integers  # (n,) epochs trained
    pending: Floats  # (p, d) proposed, result not visible
    kept: Kept | None = None  # of searches with constraints
    objectives: Floats | None = None  # (n, m) of searches with several, `values` first; lower is better
    continues: Integers | None = (
        None  # (n,) of populations: the trial that each one goes on from, NOBODY, or BY_HAND
    )

    @classmethod
    def empty(cls, dimensions: int) -> Self:
        """History of a search in which nothing is visible yet."""
        return cls.of([], np.empty((0, dimensions)), [])

    @classmethod
    def of(
        cls,
        numbers: Sequence[int] | Integers,
        units: Floats,
        values: Sequence[float] | Floats,
        states: Sequence[str] | npt.NDArray[np.str_] | None = None,
        epochs: Sequence[int] | Integers | None = None,
        pending: Floats | None = None,
        kept: Kept | None = None,
        objectives: Floats | None = None,
        continues: Sequence[int] | Integers | None = None,
    ) -> Self:
        """Make a history from columns; states and epochs default to completed trials of one epoch."""
        units = np.asarray(units, dtype=np.float64)
        count, dimensions = len(numbers), units.shape[1]
        return cls(
            numbers=np.asarray(numbers, dtype=np.int64),
            units=units,
            values=np.asarray(values, dtype=np.float64),
            states=np.full(count, "completed") if states is None else np.asarray(states, dtype=np.str_),
            epochs=np.ones(count, dtype=np.int64) if epochs is None else np.asarray(epochs, dtype=np.int64),
            pending=np.empty((0, dimensions)) if pending is None else np.asarray(pending, dtype=np.float64),
            kept=kept,
            objectives=objectives,
            continues=None if continues is None else np.asarray(continues, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def select(self, rows: Integers | slice) -> Self:
        """Keep some of the visible trials, and everything that is pending."""
        columns = ("numbers", "units", "values", "states", "epochs")
        kept = self.kept and Kept(self.kept.slacks[rows], self.kept.withheld[rows])
        objectives = None if self.objectives is None else self.objectives[rows]
        continues = None if self.continues is None else self.continues[rows]
        return replace(
            self,
            kept=kept,
            objectives=objectives,
            continues=continues,
            **{name: getattr(self, name)[rows] for name in columns},
        )

    @property
    def fails(self) -> npt.NDArray[np.bool_]:
        """Which trials teach that something does not work: they failed, or broke a constraint."""
        failed = self.states == "failed"
        taught = failed if self.kept is None else failed | self.kept.broken
        return np.asarray(np.isposinf(self.values) & taught)


def as_of(history: History, seen: int, first: int, begun: int) -> History:
    """Return what trial `first` saw of `seen` results, when `begun` trials from it on have begun.

    What has become visible since was pending then.
    """
    then = int(np.searchsorted(history.numbers, first))
    later = max(begun - (len(history) - then), 0)  # of those pending now, the last ones
    pending = np.vstack([history.units[seen:then], history.pending[: max(len(history.pending) - later, 0)]])
    return replace(history.select(slice(seen)), pending=pending)


def worst_states(failures: str) -> tuple[str, ...]:
    """Name the states whose trials are worse than every number, for a search that does this with failures.

    So strategies see where trials do not work, in the same model as where they are bad.
    """
    return ("diverged", "failed") if failures == "learn" else ("diverged",)


def finite_values(values: Floats) -> Floats:
    """Values with infinities replaced by something a little worse than the worst number.

    Numbers that could not be squared are cut off: samplers compute variances.
    """
    values = np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), values)
    finite = values[np.isfinite(values)]
    if len(finite) == len(values):
        return values
    if not len(finite):
        return np.zeros_like(values)
    worst = finite.max() + max(float(np.ptp(finite)), 1e-3 * abs(float(finite.max())), 1e-9)
    return np.nan_to_num(values, nan=worst, posinf=worst, neginf=float(finite.min()))


def checksum(values: Floats) -> tuple[int, int]:
    """Length and checksum of a column, an order of magnitude faster than a hash of its bytes."""
    bits = np.ascontiguousarray(values).view(np.int64)
    return len(bits), int(bits @ _factors(1 << len(bits).bit_length())[: len(bits)])


@lru_cache(maxsize=8)
def _factors(count: int) -> Integers:
    return np.random.default_rng(0).integers(-(2**63), 2**63 - 1, count) | 1
