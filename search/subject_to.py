"""Constraints that a trial has to keep to count: `subject_to`, by metric."""

import math
from collections.abc import Mapping
from typing import Self

from pydantic import Field, field_validator, model_validator

from caviar.search.checking import refuse_all, refuse_boolean
from caviar.search.parameters import FrozenModel
from caviar.search.problem import Problem

GAP = "gap"  # how much worse the objective is on the dev set than on the training set
_DEV, _TRAIN = "dev_", "train_"


class Constraint(FrozenModel):
    """What a metric may be at most or at least."""

    max: float | None = Field(default=None, allow_inf_nan=False)
    min: float | None = Field(default=None, allow_inf_nan=False)

    _numbers = field_validator("max", "min", mode="before")(refuse_boolean)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.max is None and self.min is None:
            raise refuse_all([Problem("", "sets no bound", "write {max: 2} or {min: 0.5}")])
        if self.max is not None and self.min is not None and self.min > self.max:
            said = f"min {self.min:g} is above max {self.max:g}: no trial keeps both"
            raise refuse_all([Problem("", said, "swap them")])
        return self

    def slack(self, value: float) -> float:
        """Return by how much a value breaks it: at most 0 where it is kept, infinite for no number."""
        if not math.isfinite(value):
            return math.inf
        above = -math.inf if self.max is None else value - self.max
        below = -math.inf if self.min is None else self.min - value
        return max(above, below)

    def broken(self, name: str, value: float) -> str | None:
        """Say how a value breaks it; None where it is kept."""
        if not math.isfinite(value):
            return f"{name} is not finite"
        if self.max is not None and value > self.max:
            return f"{name} {value:.6g} is above {self.max:g}"
        if self.min is not None and value < self.min:
            return f"{name} {value:.6g} is below {self.min:g}"
        return None


def sources(name: str, objective: str) -> tuple[str, ...]:
    """Return the metrics of a result that a constraint looks at; of a gap those of both parts of the data."""
    if name != GAP or not objective.startswith(_DEV):
        return (name,)
    return objective, _TRAIN + objective.removeprefix(_DEV)


def measured(name: str, objective: str, direction: str, metrics: Mapping[str, float | None]) -> float | None:
    """Return what a constraint looks at, NaN for what is not finite, None where the result lacks it."""
    if name == GAP and GAP in metrics:  # a script may have its own
        return _number(metrics[GAP])
    names = sources(name, objective)
    if not all(one in metrics for one in names):
        return None
    numbers = [_number(metrics[one]) for one in names]
    if len(numbers) == 1:
        return numbers[0]
    return numbers[1] - numbers[0] if direction == "maximize" else numbers[0] - numbers[1]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
