"""The metrics of `mlp`, each once: what an epoch reports, and what the result of a run holds.

`MLP.metrics`, the rows of the kernels, epochs of slices, results, tables of docs/trainer and the service's
checks follow from it. To add a column of epochs, write a member of `EpochMetric` and its number in
`write_row` of kernels/epoch.py; to add a measure, an entry of `MEASURES` and its code in
kernels/measures.py. `error` and `cost` are in every result; the others are computed where they are named.
A part of the data is passed through only if a metric of it is asked for.
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
CLEAN_TRAIN = "clean_train_{}"  # what a pass over the training set measures, where it is asked for
SECONDS = "seconds"  # time spent in the epoch, measured outside the kernels
COUNTS = ("epoch", "step", "best_epoch")  # in a result, beside what is measured
PARTS = ("dev", "train", "train_dev")  # of the data that results are measured on; never the test set


ALL = ("binary", "multiclass", "regression")  # kinds of data
CLASSES = ALL[:2]
QUANTITIES = ALL[2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number that a full pass over a part of the data gives.

    Attributes
    ----------
    meaning : str
        One line; a = probability, w = weight of a row, 1 without `dataset.weights`.
    direction : {"minimize", "maximize"}
    code : int or None
        What kernels/measures.py compares; None for what the pass itself adds up.
    kinds : tuple of str
        The kinds of data that have it.
    positive : bool
        It is of one class, and with more than two that has to be named: setting positive_class.
    decides : bool
        It depends on the decision threshold of a binary model.
    slow : bool
        It takes exponentials or sorts rows: an epoch measures it on a sample of the training set.
    hits : bool
        Without a row of the positive class it tells nothing, though it has a value: a group of two classes
        without one does not count.
    """

    meaning: str
    direction: Direction
    code: int | None = None
    kinds: tuple[str, ...] = ALL
    positive: bool = False
    decides: bool = False
    hits: bool = False
    slow: bool = False


def _decided(code: int, meaning: str, positive: bool = False, direction: Direction = "maximize") -> Measure:
    return Measure(
        meaning=meaning,
        direction=direction,
        code=code,
        kinds=CLASSES,
        positive=positive,
        decides=True,
        hits=positive,
    )


def _probable(code: int, meaning: str, direction: Direction, hits: bool = False) -> Measure:
    return Measure(meaning=meaning, direction=direction, code=code, kinds=CLASSES, hits=hits, slow=True)


def _distance(code: int, meaning: str, direction: Direction = "minimize", slow: bool = False) -> Measure:
    return Measure(meaning=meaning, direction=direction, code=code, kinds=QUANTITIES, slow=slow)


MEASURES = {
    "error": Measure(
        meaning="share of wrong classes, or root mean squared error in standard deviations",
        direction="minimize",
        code=0,
        decides=True,
    ),
    "cost": Measure(meaning="mean loss, without regulariser", direction="minimize"),
    "accuracy": _decided(1, "share of right classes, 1 - error"),
    "balanced_accuracy": _decided(2, "mean over the classes that occur of the share found of each"),
    "precision": _decided(3, "TP/(TP + FP) of the positive class; 0 if it is never predicted", True),
    "recall": _decided(4, "TP/(TP + FN) of the positive class; 0 if there is none", True),
    "f1": _decided(5, "2 TP/(2 TP + FP + FN) of the positive class; 0 if that is 0/0", True),
    "precision_macro": _decided(6, "mean precision of the classes that occur or are predicted"),
    "recall_macro": _decided(7, "mean recall of the classes that occur or are predicted"),
    "f1_macro": _decided(8, "mean F1 of the classes that occur or are predicted"),
    "precision_weighted": _decided(9, "mean precision, each class by its share of the rows"),
    "recall_weighted": _decided(10, "mean recall, each class by its share of the rows"),
    "f1_weighted": _decided(11, "mean F1, each class by its share of the rows"),
    "price": _decided(12, "mean of the setting price[actual][predicted]", direction="minimize"),
    "log_loss": _probable(20, "mean of -log a of the class that is right", "minimize"),
    "brier": _probable(21, "mean of (a - y)^2 for two classes, of sum_j (a_j - y_j)^2 for more", "minimize"),
    "calibration_error": _probable(
        22, "sum over ten bins of their share |mean probability - share that is right|", "minimize"
    ),
    "roc_auc": _probable(
        30, "area under the ROC curve; of several classes the mean, one against the rest", "maximize"
    ),
    "average_precision": _probable(
        31, "sum of (R_n - R_n-1) P_n over all thresholds; of several classes the mean", "maximize", True
    ),
    "mse": _distance(40, "mean (z - y)^2, in the target's own units, as all that follow"),
    "rmse": _distance(41, "root of it"),
    "mae": _distance(42, "mean |z - y|"),
    "median_absolute_error": _distance(43, "median |z - y|", slow=True),
    "r2": _distance(44, "1 - sum (z - y)^2/sum (y - mean y)^2", "maximize"),
    "mape": _distance(45, "mean |z - y|/|y|"),
}
ALWAYS = ("error", "cost")  # in every result
OVER_GROUPS = {"_group_mean": "mean over the groups", "_worst_group": "the worst group's"}  # by their ending
PER_TRIAL = {
    "parameters": Measure(meaning="numbers that are learned: all W, b, gamma, beta", direction="minimize"),
    "predict_ms": Measure(
        meaning="median milliseconds to predict `predict_rows` rows with the model file",
        direction="minimize",
    ),
    "train_seconds": Measure(meaning="time spent in the kernels, evaluation included", direction="minimize"),
    "model_bytes": Measure(meaning="size of the model file", direction="minimize"),
}
TIMINGS = ("predict_ms", "train_seconds")  # differ from run to run


@dataclass(frozen=True, slots=True)
class ResultMetric:
    """A measure of one part of the data, as dev_error, or of its groups, as dev_error_worst_group."""

    part: str
    measure: str
    over: str = ""  # one of OVER_GROUPS

    @property
    def name(self) -> str:
        """The name in results and objectives."""
        return f"{self.part}_{self.measure}{self.over}"

    @property
    def always(self) -> bool:
        """Whether every result has it."""
        return self.measure in ALWAYS and not self.over


def result_metrics(
    parts: Iterable[str], measures: Iterable[str] = ALWAYS, groups: bool = False
) -> dict[str, ResultMetric]:
    """Return by name these measures of these parts of the data, the most usual objective first.

    With `groups` also those over the groups of a part.
    """
    wanted = tuple(measures)
    found = [ResultMetric(part, measure) for part in parts for measure in wanted]
    if groups:
        grouped = [one for one in found if MEASURES[one.measure].code is not None]
        found += [ResultMetric(one.part, one.measure, over) for one in grouped for over in OVER_GROUPS]
    return {metric.name: metric for metric in found}


_NAMED = result_metrics(PARTS, MEASURES, groups=True)


def named(name: str) -> ResultMetric | None:
    """Return the measure of a part of the data that has this name."""
    return _NAMED.get(name)


def only_asked(names: Iterable[str]) -> list[str]:
    """Return those of these names that are computed only where they are named, each once."""
    found = [name for name in names if name in PER_TRIAL or (name in _NAMED and not _NAMED[name].always)]
    return list(dict.fromkeys(found))


def direction_of(name: str) -> Direction | None:
    """Return which way a metric of results is better; None where neither is, or there is no such metric."""
    metric = _NAMED.get(name)
    measure = MEASURES[metric.measure] if metric else PER_TRIAL.get(name)
    return measure.direction if measure else None
