"""Stopping rules: when a trial may be ended early, decided before it starts.

A rule compares a trial with the visible ones only, and those have all ended. So its whole decision can be
written down with the proposal: a table of bounds that the agent obeys without asking anybody, the same
however many workers there are.

A rule is a class in `RULES`. Checks, error messages, forms, the REST document and the table in
docs/strategies.md follow from it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import count, takewhile
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, Union

import numpy as np
from pydantic import Field

from caviar.search import curve_prediction, race
from caviar.search.curves import CurveTable
from caviar.search.history import Floats
from caviar.search.methods import Method, by_name
from caviar.search.stopping import StopPlan

MOST_RUNGS = 100
Bound = Callable[[Floats], float | None]  # of the values seen at a rung, ascending


class StoppingRule(Method):
    """Ends trials early. What it compares are the trials' best values at its rungs."""

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs at which trials that train for `epochs` are compared; none by default."""
        return ()

    def rungs_of(self, epochs: int, trainings: int) -> tuple[int, ...]:
        """Return the rungs of trials with folds: `trainings` in turn, of `epochs` in all."""
        return self.rungs(epochs)

    def plan(self, number: int, curves: CurveTable, direction: str) -> StopPlan:
        """Fix the bounds of trial `number`; a pure function of its arguments.

        The table holds the trials below `spec.horizon(number)`, at the rungs of this rule.
        """
        return StopPlan()


class NoStopping(StoppingRule):
    """Every trial runs to its end."""

    title = "never"

    name: Literal["none"] = "none"


class WarmedUp(StoppingRule):
    """What all rules that stop anything have."""

    warmup: int = Field(default=0, ge=0, description="Epochs before which nothing is stopped.")


class Median(WarmedUp):
    """Stop below the median of the others at the same epoch."""

    uses_results = True

    name: Literal["median"] = "median"
    interval: int = Field(default=1, ge=1, description="Epochs between checks.")
    least: int = Field(default=4, ge=1, description="Curves needed for a comparison.")

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return every epoch of the interval, at most 100."""
        interval = max(self.interval, -(-epochs // MOST_RUNGS))
        return _ladder(count(interval, interval), self.warmup, epochs)

    def plan(self, number: int, curves: CurveTable, direction: str) -> StopPlan:
        """Bound a trial by the median of those before it."""
        why = "the median of the trials before"
        return StopPlan(_checks(curves.rungs, curves.values, _median(self.least), direction), why=why)


class SuccessiveHalving(WarmedUp):
    """Only the best 1/factor at a rung goes on to the next, which is factor times further; asynchronous."""

    uses_results = True

    name: Literal["successive_halving"] = "successive_halving"
    factor: int = Field(default=3, ge=2, le=10, description="One of so many goes on.")
    first: int | None = Field(
        default=None, ge=1, description="Epoch of the first rung; default: epochs // factor^3, at least 1."
    )

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the first rung and those that are factor times further each."""
        return _geometric(self.first, self.factor, self.warmup, epochs)

    def plan(self, number: int, curves: CurveTable, direction: str) -> StopPlan:
        """Bound a trial by the best share of those before it."""
        why = f"the best 1/{self.factor} of the trials before go on"
        return StopPlan(_checks(curves.rungs, curves.values, _best_share(self.factor), direction), why=why)


class Hyperband(WarmedUp):
    """Successive halving with several first rungs, in turn."""

    uses_results = True
    title = "Hyperband"

    name: Literal["hyperband"] = "hyperband"
    factor: int = Field(default=3, ge=2, le=10, description="One of so many goes on.")
    first: int | None = Field(
        default=None, ge=1, description="Epoch of the lowest rung; default: epochs // factor^3, at least 1."
    )

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the lowest rung and those that are factor times further each."""
        return _geometric(self.first, self.factor, self.warmup, epochs)

    def plan(self, number: int, curves: CurveTable, direction: str) -> StopPlan:
        """Halve inside a bracket; bracket s begins at rung s, the last one runs every trial to its end."""
        factor, rungs = self.factor, curves.rungs
        bracket = bracket_of(number, len(rungs), factor)
        if bracket == len(rungs):
            return StopPlan(why="bracket without halving")
        same = [bracket_of(int(other), len(rungs), factor) == bracket for other in curves.numbers]
        values = curves.values[np.array(same, dtype=np.bool_), bracket:]
        checks = _checks(rungs[bracket:], values, _best_share(factor), direction)
        return StopPlan(checks, why=f"the best 1/{factor} of bracket {bracket} go on")


class Patience(WarmedUp):
    """Stop a trial that has not improved on itself for some epochs."""

    name: Literal["patience"] = "patience"
    epochs: int = Field(default=10, ge=1, description="Epochs without improvement.")

    def plan(self, number: int, curves: CurveTable, direction: str) -> StopPlan:
        """Give every trial the same patience."""
        return StopPlan((), self.epochs, self.warmup, f"patience of {self.epochs} epochs")


class Threshold(WarmedUp):
    """Stop a trial that is not as good as this by the end of the warm-up."""

    name: Literal["threshold"] = "threshold"
    bound: float = Field(description="What the metric must reach.")

    def plan(self, number: int, curves: CurveTable, direction: str) -> StopPlan:
        """Give every trial the same bound."""
        return StopPlan(((max(self.warmup, 1), self.bound),), None, self.warmup, "the threshold")


class LearningCurve(WarmedUp):
    """Stop a trial that, by the curves of those before it, has no hope of becoming the best."""

    uses_results = True

    name: Literal["learning_curve"] = "learning_curve"
    risk: float = Field(
        default=0.05, gt=0, le=0.5, description="Chance of ending a trial that would become the best."
    )
    least: int = Field(default=8, ge=4, description="Trials that ran to their end before any is ended.")

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return a 27th, a ninth, a third, two thirds and all of the epochs."""
        checked = sorted({max(1, round(epochs * share)) for share in (1 / 27, 1 / 9, 1 / 3, 2 / 3)})
        return (*_ladder(iter(checked), self.warmup, epochs), epochs)

    def plan(self, number: int, curves: CurveTable, direction: str) -> StopPlan:
        """Bound a trial by the way that a trial as good as the leader would have come."""
        limits = curve_prediction.bounds(curves.values, self.risk, self.least)
        checks = _signed(curves.rungs, limits, direction)
        return StopPlan(checks, why="by the curves of the trials before it cannot become the best")


class Race(StoppingRule):
    """End a trial with folds once the first ones show that it cannot be the best."""

    uses_results = True
    title = "race over folds"

    name: Literal["race"] = "race"
    chance: float = Field(
        default=0.003,
        gt=0,
        le=0.5,
        description="Chance per fold of ending a trial that is as good as the leader.",
    )
    least: int = Field(default=3, ge=2, description="Trials through all folds before any is compared.")

    def rungs_of(self, epochs: int, trainings: int) -> tuple[int, ...]:
        """Return the end of each fold."""
        return tuple(epochs * fold // trainings for fold in range(1, trainings + 1)) if trainings > 1 else ()

    def plan(self, number: int, curves: CurveTable, direction: str) -> StopPlan:
        """Bound a trial after each fold by the leader so far and the noise of the folds."""
        if len(curves.rungs) < 2:
            return StopPlan()
        limits = race.bounds(curves.values, self.chance, self.least)
        checks = _signed(curves.rungs, limits, direction)
        return StopPlan(checks, why="its first folds show that it cannot be the best")


RULES: tuple[type[StoppingRule], ...] = (
    NoStopping,
    Median,
    SuccessiveHalving,
    Hyperband,
    Patience,
    Threshold,
    LearningCurve,
    Race,
)
if TYPE_CHECKING:
    AnyStoppingRule: TypeAlias = StoppingRule
else:
    AnyStoppingRule = Annotated[
        Annotated[Union[RULES], Field(discriminator="name")],  # noqa: UP007
        by_name(RULES),
    ]


def _ladder(epochs: Iterator[int], warmup: int, end: int) -> tuple[int, ...]:
    """Return the epochs from the warm-up on and before the end."""
    return tuple(epoch for epoch in takewhile(lambda epoch: epoch < end, epochs) if epoch >= warmup)


def _geometric(first: int | None, factor: int, warmup: int, end: int) -> tuple[int, ...]:
    start = first or max(1, end // factor**3)
    return _ladder((start * factor**k for k in count()), warmup, end)


def _checks(
    rungs: tuple[int, ...], values: Floats, bound: Bound, direction: str
) -> tuple[tuple[int, float], ...]:
    """Bound at each rung where enough trials can be compared."""
    return _signed(rungs, [bound(np.sort(column[~np.isnan(column)])) for column in values.T], direction)


def _signed(
    rungs: Sequence[int], limits: Sequence[float | None], direction: str
) -> tuple[tuple[int, float], ...]:
    """Return the limits that are finite numbers, in the metric's own sign, with their epochs."""
    sign = -1.0 if direction == "maximize" else 1.0
    pairs = zip(rungs, limits, strict=False)  # nothing is checked at the end
    return tuple(
        (epoch, sign * limit) for epoch, limit in pairs if limit is not None and math.isfinite(limit)
    )


def _median(least: int) -> Bound:
    def bound(ascending: Floats) -> float | None:
        # The lower one of two medians: the mean of a number and an infinity bounds nothing.
        return float(ascending[(len(ascending) - 1) // 2]) if len(ascending) >= least else None

    return bound


def _best_share(factor: int) -> Bound:
    """Asynchronous successive halving (Li et al. 2020): belong to the best share of those seen here."""

    def bound(ascending: Floats) -> float | None:
        keep = (len(ascending) + 1) // factor
        return float(ascending[keep - 1]) if keep else None

    return bound


def bracket_of(number: int, rungs: int, factor: int) -> int:
    """Bracket of a trial: spread evenly over the numbers, in the proportions of Li et al. (2018)."""
    shares = np.cumsum([factor**level / (level + 1) for level in range(rungs, -1, -1)])
    place = (number * _GOLDEN) % 1.0 * shares[-1]
    return int(np.searchsorted(shares, place, side="right"))


_GOLDEN = (math.sqrt(5) - 1) / 2  # multiples of it modulo 1 are spread as evenly as can be
