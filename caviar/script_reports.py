"""What a script tells of a trial, checked where it is told, and judged by the stopping rule."""

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any, SupportsIndex

from caviar.errors import CaviarError
from caviar.exchange.assigned_trial import AssignedTrial

MOST_METRICS, LONGEST_NAME = 200, 64  # of one report
MOST_STEPS = 100_000  # of a learning curve, which has a place for each
OF_CURVES = ("epoch", "branch", "parent", "from_epoch")  # what curves hold besides metrics


def as_numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as numbers, NaN for one that is missing.

    Raises CaviarError that names the metric which is no number or has no name that can be kept, and for more
    metrics than can be told at once.
    """
    if len(metrics) > MOST_METRICS:
        raise CaviarError(f"one epoch has {len(metrics)} metrics: at most {MOST_METRICS} are allowed")
    told = {}
    for name, value in metrics.items():
        if not name or name in OF_CURVES:
            raise CaviarError(
                f"a metric cannot be called {name!r}: curves use the names {', '.join(OF_CURVES)}"
            )
        if len(name) > LONGEST_NAME:
            raise CaviarError(
                f"the name of the metric {name!r} is too long: at most {LONGEST_NAME} characters"
            )
        try:
            told[name] = math.nan if value is None else float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise CaviarError(f"the metric {name!r} is not a number: {error}") from None
    return told


def as_step(step: SupportsIndex, least: int = 1) -> int:
    """Return the number of a step. Raises CaviarError for what is none."""
    try:
        number = operator.index(step)
    except TypeError:
        raise CaviarError(f"step {step!r:.100} is not an integer") from None
    if not least <= number <= MOST_STEPS:
        remedy = "count from 1" if number < least else "count in larger steps, such as thousands"
        raise CaviarError(f"step {number} is not from {least} to {MOST_STEPS}: {remedy}")
    return number


class ScriptCurve:
    """The objective of a trial by epoch, as its stopping rule sees it: NaN where none was told."""

    def __init__(self, assignment: AssignedTrial) -> None:
        self._metric, self._direction, self._how = assignment.metric, assignment.direction, assignment.how
        self._plan = assignment.stop_plan()
        self._values: list[float] = []

    def begin_with(self, known: Sequence[float | None]) -> None:
        """Take the course behind a state that training goes on from."""
        self._values = [math.nan if value is None else float(value) for value in known]

    def judge(self, epoch: int, told: Mapping[str, float], last: int) -> str | None:
        """Add what was told of an epoch, the next after `last`; return why the rule stops the trial there."""
        if self._plan is None:
            return None
        from caviar.search.stopping import as_stored, verdict  # brings NumPy, which a script may not need

        del self._values[epoch - 1 :]
        self._values += [math.nan] * (epoch - 1 - len(self._values))
        self._values.append(as_stored(told.get(self._metric, math.nan)))
        return verdict(self._plan, self._values, self._direction, self._how, min(last, epoch - 1))
