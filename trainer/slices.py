"""What a run tells about a slice of training, and how long the next call to the kernels may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .kernels import structs
from .metrics import LAYER_NORM, SECONDS, EpochMetric

_COLUMNS = tuple(column.name for column in sorted(EpochMetric))
_COUNTED = (EpochMetric.epoch.name, EpochMetric.step.name)
_COMPILING = 0.05  # seconds: a first call that takes longer may have compiled and tells nothing of the pace


@dataclass(frozen=True, slots=True)
class Slice:
    """What happened in one call of `Run.advance`.

    Attributes
    ----------
    status : {"running", "completed", "stopped", "diverged"}
    reason : str or None
        Why a run ended other than by its last epoch.
    epochs : list of dict
        One per finished epoch, in order; see `Run.advance`.
    costs : list of (step, cost)
        Of every mini-batch, regulariser included.
    """

    status: str = "running"
    reason: str | None = None
    epochs: list[dict[str, float]] = field(default_factory=list)
    costs: list[tuple[int, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """What `Run.change` did: from step + 1 on the new values hold."""

    step: int
    before: dict[str, Any]
    after: dict[str, Any]


class Pace:
    """Measures how long an example takes in each phase, and so how many fit into the time that is left."""

    def __init__(self, examples_per_epoch: float):
        self._per_example: dict[int, float] = {}  # seconds, by phase
        self._budget = 0.0
        self._epoch = examples_per_epoch
        self._begun = 0.0  # examples and seconds of the epoch that is not finished
        self._seconds = 0.0

    def budget(self, seconds: float, phase: int) -> float:
        """Return how many examples to ask for; the first call is the shortest, growth at most eightfold."""
        per_example = self._of(phase)
        if per_example == 0.0:
            return 1.0
        self._budget = min(8 * self._budget, max(1.0, 0.9 * seconds / per_example))
        return self._budget

    def fits(self, examples: float, seconds: float, phase: int) -> bool:
        """Is there time for so many examples, or most of them?"""
        return seconds > 0.5 * examples * self._of(phase)

    def _of(self, phase: int) -> float:
        """Seconds per example; those of training where evaluation was not measured yet, 0 if nothing was."""
        return self._per_example.get(phase, self._per_example.get(structs.TRAINING, 0.0))

    def measured(self, examples: float, seconds: float, finished: int, phase: int) -> list[float]:
        """Take note of a call that began in a phase; return the seconds of each epoch that it finished."""
        self._budget = max(self._budget, examples)
        first, per_example = self._of(phase) == 0.0, seconds / examples
        if not first or seconds < _COMPILING:
            self._per_example[phase] = per_example
        shares = []
        for _ in range(finished):
            used = self._epoch - self._begun
            shares.append(self._seconds + used * per_example)
            examples -= used
            self._begun = self._seconds = 0.0
        self._begun += examples
        self._seconds += examples * per_example
        return shares


def read_records(
    records: structs.Records,
    step: int,
    pace: Pace,
    examples: float,
    seconds: float,
    phase: int,
    slice_: Slice,
    names: Sequence[str] = (),
    more: Sequence[Sequence[float]] = (),
) -> None:
    """Move what a call has recorded into a slice; `more` gives further metrics, named so, of each epoch."""
    count, finished = (int(number) for number in records.counts)
    slice_.costs.extend(zip(range(step - count + 1, step + 1), records.costs[:count].tolist(), strict=True))
    durations = pace.measured(examples, seconds, finished, phase)
    rows = records.rows[:finished].tolist()
    norms = records.rows.shape[1] - structs.NORMS
    every = (*_COLUMNS, *(LAYER_NORM.format(layer) for layer in range(1, norms + 1)), SECONDS, *names)
    for row, duration, further in zip(rows, durations, more or [()] * finished, strict=True):
        values = dict(zip(every, (*row, duration, *further), strict=True))
        for counted in _COUNTED:
            values[counted] = int(values[counted])
        slice_.epochs.append(values)
    records.counts[:] = 0


def layer_norms(network: Any, gradient: np.ndarray[Any, Any]) -> dict[str, float]:
    """Return the norm of each dW[l], for a run that has diverged."""
    tensors = network.tensors(gradient).items()
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            name: float(np.sqrt(np.sum(np.square(dW, dtype=np.float64))))
            for name, dW in tensors
            if name[0] == "W"
        }
