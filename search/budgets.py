"""What ends a search, and when: the first budget that is used up, decided in the order of the trials.

A search that is to be the same for any number of workers cannot end at whichever trial happens to come
first. Trials are taken in by number, each once all below it have ended; the one at which a budget is used up
decides, and those above it do not count. Seconds are no such thing: the server measures them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from caviar.search.checking import refuse_all, refuse_boolean
from caviar.search.parameters import FrozenModel
from caviar.search.problem import Problem

SETTLED = ("epochs", "target", "stale")  # decided by the trials, beside `trials` itself


class Budget(FrozenModel):
    """How much may be spent; the first one used up ends the search."""

    trials: int = Field(
        ge=1, le=10_000_000, description="Trials at most. Always needed: strategies plan by it."
    )
    seconds: float | None = Field(
        default=None,
        gt=0,
        le=1e9,
        description="Seconds from the first trial on, pauses left out. Such a search cannot be repeated.",
    )
    epochs: int | None = Field(default=None, ge=1, le=10**12, description="Epochs of all trials together.")
    target: float | None = Field(default=None, description="A value of the objective that is good enough.")
    stale: int | None = Field(
        default=None, ge=1, le=10_000_000, description="Trials in a row without a better value."
    )
    at_end: Literal["finish", "stop"] = Field(
        default="finish",
        description="What happens to trials in training at that moment: they finish, or stop there.",
    )

    _numbers = field_validator("trials", "seconds", "epochs", "target", "stale", mode="before")(
        refuse_boolean
    )

    @model_validator(mode="before")
    @classmethod
    def _trials_are_needed(cls, value: object) -> object:
        if isinstance(value, dict) and value and "trials" not in value:
            remedy = "add the most trials that you expect: strategies plan by it"
            raise refuse_all([Problem("trials", "is missing", remedy)])
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = []
        if self.stale is not None and self.stale >= self.trials:
            remedy = f"give less than {self.trials}, or more trials"
            message = f"{self.trials} trials cannot have {self.stale} in a row without a better value"
            problems.append(Problem("stale", message, remedy))
        if self.at_end == "stop" and not self.others:
            message = "has no effect here: a budget of trials trains each one to its end"
            remedy = "leave it out, or add seconds, epochs, target or stale"
            problems.append(Problem("at_end", message, remedy))
        if problems:
            raise refuse_all(problems)
        return self

    @property
    def others(self) -> tuple[str, ...]:
        """Name the budgets that are set beside the number of trials."""
        return tuple(name for name in ("seconds", *SETTLED) if getattr(self, name) is not None)

    @cached_property
    def settled(self) -> bool:
        """Return whether results of trials may end the search."""
        return any(getattr(self, name) is not None for name in SETTLED)


@dataclass(frozen=True)
class Ended:
    """A trial as budgets see it, once it has ended."""

    number: int
    value: float | None  # of the objective; None: it has none
    epochs: int  # trained by itself, not by a trial that it goes on from
    counts: bool = True  # False: cancelled, or excluded by a person


@dataclass(frozen=True)
class Decision:
    """Which budget is used up, and by which trial."""

    budget: str
    number: int
    text: str


class Ledger:
    """What a search has spent, trial after trial; `decision` is there once a budget is used up."""

    def __init__(self, budget: Budget, direction: str) -> None:
        self._budget = budget
        self._sign = -1.0 if direction == "maximize" else 1.0
        self._best: float | None = None
        self.epochs = 0
        self.stale = 0  # trials since the best value
        self.decision: Decision | None = None

    def take(self, ended: Iterable[Ended]) -> None:
        """Take in the next trials, in the order that decides; those after the deciding one are ignored."""
        for one in ended:
            if self.decision is not None:
                return
            self._take(one)

    def _take(self, one: Ended) -> None:
        self.epochs += one.epochs
        if one.counts:
            better = one.value is not None and (
                self._best is None or self._sign * one.value < self._sign * self._best
            )
            self._best, self.stale = (one.value, 0) if better else (self._best, self.stale + 1)
        self.decision = self._decided(one)

    def _decided(self, one: Ended) -> Decision | None:
        budget = self._budget
        if one.counts and self._good_enough(one.value):
            text = f"trial {one.number} reached the target {budget.target:.6g} with {one.value:.6g}"
            return Decision("target", one.number, text)
        if budget.epochs is not None and self.epochs >= budget.epochs:
            text = f"{self.epochs} epochs were trained, of a budget of {budget.epochs}"
            return Decision("epochs", one.number, text)
        if budget.stale is not None and self.stale >= budget.stale:
            text = f"{self.stale} trials in a row brought no better value"
            return Decision("stale", one.number, text)
        return None

    def _good_enough(self, value: float | None) -> bool:
        target = self._budget.target
        return target is not None and value is not None and self._sign * value <= self._sign * target


def epochs_left(
    budget: Budget, used: int, planned: int | None, settled: bool
) -> int | Literal["wait"] | None:
    """Return how many epochs a new trial may train; None: all that it plans.

    `used` are the epochs of the trials below it: those trained where it is known, else those planned.
    While one that ends early could still give some back, it has to "wait"; `settled` says that none can.
    """
    if budget.epochs is None:
        return None
    left = budget.epochs - used
    if planned is not None and planned <= left:
        return None
    if not settled or left <= 0:
        return "wait"
    return left if budget.at_end == "stop" else None
