"""The metrics of `mlp`, each once: what an epoch reports, and what the result of a run holds.

`MLP.metrics`, the rows of the kernels, epochs of slices, results, tables of docs/trainer and the service's
checks follow from it. To add a column of epochs, write a member of `EpochMetric` and its number in
`write_row` of kernels/epoch.py; to add a measure, an entry of `MEASURES` and a field of `Evaluation` in
evaluation.py. A part of the data is passed through only if a metric of it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Literal, Self

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an epoch's row: its place in the kernels' rows, what it is, and which way is better."""

    place: int
    meaning: str
    direction: Direction | None = None


@unique
class EpochMetric(IntEnum):
    """What the kernels write of every epoch; the norms of the layers follow these."""

    column: Column

    def __new__(cls, column: Column) -> Self:
        """Make a member: a place in a row that carries its column."""
        member = int.__new__(cls, column.place)
        member._value_ = column.place
        member.column = column
        return member

    epoch = Column(0, "epochs finished")
    step = Column(1, "mini-batches trained")
    train_cost = Column(2, "J of the mini-batches as they were trained, regulariser included", "minimize")
    train_error = Column(3, "error of the mini-batches as they were trained, dropout included", "minimize")
    dev_cost = Column(4, "mean loss of the dev set, passed through whole", "minimize")
    dev_error = Column(5, "error of the dev set", "minimize")
    learning_rate = Column(6, "alpha of the last step")
    near_zero_weights = Column(7, "share of |W| < 1e-3")
    gradient_norm = Column(8, "norm of the loss's gradient at the last step, without the regulariser")


LAYER_NORM = "gradient_norm_{}"  # the same of dW[l], for each layer l = 1 .. L
SECONDS = "seconds"  # time spent in the epoch, measured outside the kernels
COUNTS = ("epoch", "step", "best_epoch")  # in a result, beside what is measured
PARTS = ("dev", "train", "train_dev")  # of the data that results are measured on; never the test set


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that a full pass over a part of the data gives."""

    meaning: str
    direction: Direction


MEASURES = {
    "error": Measure("share of wrong classes, or root mean squared error in standard deviations", "minimize"),
    "cost": Measure("mean loss, without regulariser", "minimize"),
}


@dataclass(frozen=True, slots=True)
class ResultMetric:
    """A measure of one part of the data, as dev_error."""

    part: str
    measure: str

    @property
    def name(self) -> str:
        """The name in results and objectives."""
        return f"{self.part}_{self.measure}"


def result_metrics(parts: Iterable[str]) -> dict[str, ResultMetric]:
    """Return by name what results measure on these parts of the data, the most usual objective first."""
    found = [ResultMetric(part, measure) for part in parts for measure in MEASURES]
    return {metric.name: metric for metric in found}


def direction_of(name: str) -> Direction | None:
    """Return which way a metric of results is better; None where neither is, or there is no such metric."""
    metric = result_metrics(PARTS).get(name)
    return MEASURES[metric.measure].direction if metric else None
