"""A trial with folds: one training after the other, each judged by the rows that it did not see.

Epochs count on from fold to fold: with E epochs, fold f has those from (f - 1) E + 1 to f E. What a row tells
of epoch e of fold f is the mean over the first f folds at epoch e, so that the last E rows are the mean curve
of all folds, and the last row of each fold is what a stopping rule may compare.
"""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from . import checkpoint
from .folded_data import FoldedData
from .problem import ProblemsError, SettingError
from .run import Run
from .settings import Settings
from .slices import Slice

FORMAT = "caviar-folds-1"
FOLD, DEVIATION, OF_FOLD = "fold", "{}_deviation", "{}_fold_{}"
_OF_ALL = ("epoch", "step", "seconds")  # not averaged
_ADDED = ("train_seconds",)
_FIRST_MODEL = "first_model"

Row = dict[str, float]


@dataclasses.dataclass(frozen=True)
class FinishedFold:
    """What a fold leaves: its rows, the measurements of its network, and the mini-batches it took."""

    rows: list[Row]
    result: dict[str, float]
    steps: int


class FoldedRun:
    """Trainings of one trial in turn; to agents it is one run."""

    def __init__(self, settings: Settings, data: FoldedData, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        self._folds = data
        self._finished: list[FinishedFold] = []
        self._current: list[Row] = []  # of the fold in training
        self._run = Run(settings, data.fold(0), seed)
        self._first_model: bytes | None = None

    @property
    def data(self) -> Any:
        """The data of the fold in training."""
        return self._run.data

    @property
    def measures(self) -> bool:
        """Whether it needs the kernels of named metrics or weights."""
        return self._run.measures

    @property
    def step(self) -> int:
        """Mini-batches trained so far, of all folds."""
        return self._steps_before + (0 if self._between else self._run.step)

    @property
    def epoch(self) -> int:
        """Epochs so far: those of a finished fold count as all that it could have had."""
        return len(self._finished) * self.settings.epochs + len(self._current)

    @property
    def status(self) -> str:
        """running, completed, diverged or stopped."""
        if self._run.status in ("diverged", "stopped"):
            return self._run.status
        return "completed" if len(self._finished) == self._folds.folds else "running"

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest dev error of the fold in training."""
        return self._run.best_epoch

    def advance(
        self, seconds: float = 0.05, until_step: int | None = None, until_epoch: int | None = None
    ) -> Slice:
        """Train for about `seconds`, never past a step or an epoch's end if given; see `Run.advance`."""
        deadline, piece = time.perf_counter() + seconds, Slice()
        while self.status == "running" and not self._reached(until_step, until_epoch):
            self._begin_next()
            before, done = self._steps_before, self.epoch - len(self._current)
            inner = self._run.advance(
                deadline - time.perf_counter(),
                None if until_step is None else until_step - before,
                None if until_epoch is None else until_epoch - done,
            )
            piece.costs.extend((before + step, cost) for step, cost in inner.costs)
            piece.epochs.extend(self._row(row) for row in inner.epochs)
            if self._run.status == "completed":
                piece.epochs.extend(self._close())
            if time.perf_counter() >= deadline:
                break
        return dataclasses.replace(piece, status=self.status, reason=self._reason())

    def change(self, values: Mapping[str, Any]) -> NoReturn:
        """Refuse to change settings: all folds train alike, or their mean would be that of nothing.

        Raises
        ------
        SettingError
            Always.
        """
        field = f"settings.{next(iter(values), '')}".rstrip(".")
        remedy = "submit a search with these settings, or one without folds"
        raise SettingError.of(field, "cannot change in a trial with folds", remedy)

    def stop(self) -> None:
        """End the trial now, by a person's will."""
        if self.status == "running":
            self._begin_next()
            self._run.stop()

    def result(self) -> dict[str, float]:
        """Return means over the finished folds, deviations, and what each fold's dev set says.

        Before the end of the first fold they are of that one.
        """
        results = [one.result for one in self._finished] or [self._run.result()]
        found: dict[str, float] = {}
        for name in (name for name in results[0] if name != "best_epoch"):
            values = [one[name] for one in results]
            found[name] = float(sum(values)) if name in _ADDED else _mean(values)
            if name.startswith("dev_"):
                found[DEVIATION.format(name)] = _deviation(values)
                found |= {OF_FOLD.format(name, fold): value for fold, value in enumerate(values, 1)}
        return {**found, "folds": len(self._finished), "epoch": self.epoch, "step": self.step}

    def model(self) -> bytes:
        """Return the network of the first fold as a model file."""
        return self._run.model() if self._first_model is None else self._first_model

    def save(self) -> bytes:
        """Return a checkpoint: the state of the fold in training, and what those before it left."""
        from safetensors.numpy import save as write

        metadata, tensors = checkpoint.read(self._run.save(), checkpoint.FORMAT)
        told = {
            "format": FORMAT,
            "inner": metadata,
            "finished": [dataclasses.asdict(one) for one in self._finished],
            "current": self._current,
            "between": self._between,
            "seed": self.seed,
        }
        if self._first_model is not None:
            tensors = {**tensors, _FIRST_MODEL: np.frombuffer(self._first_model, dtype=np.uint8)}
        return write(tensors, metadata={"caviar": json.dumps(told)})

    @classmethod
    def restore(cls, saved: bytes, data: FoldedData) -> FoldedRun:
        """Go on from a checkpoint, between folds or within one.

        Raises
        ------
        ProblemsError
            The bytes are no checkpoint of a trial with folds, or the data is not that of the trial.
        """
        from safetensors.numpy import save as write

        told, tensors = checkpoint.read(saved, FORMAT)
        first = tensors.pop(_FIRST_MODEL, None)
        finished = [FinishedFold(**one) for one in told["finished"]]
        place = len(finished) - bool(told["between"])
        if place >= data.folds:
            raise ProblemsError.of("dataset.folds", "the checkpoint has more folds", "use its own data set")
        inner = write(tensors, metadata={"caviar": json.dumps(told["inner"])})
        run = cls.__new__(cls)
        run._run = Run.restore(inner, data.fold(place))
        run.settings, run.seed, run._folds = run._run.settings, int(told["seed"]), data
        run._finished, run._current = finished, told["current"]
        run._first_model = None if first is None else first.tobytes()
        return run

    @property
    def _steps_before(self) -> int:
        return sum(one.steps for one in self._finished)

    @property
    def _between(self) -> bool:
        """Whether the run is that of a fold which has ended: the next one has not begun."""
        return self._run.status == "completed" and not self._current and bool(self._finished)

    def _reached(self, last_step: int | None, last_epoch: int | None) -> bool:
        at_step = last_step is not None and self.step >= last_step
        return at_step or (last_epoch is not None and self.epoch >= last_epoch)

    def _begin_next(self) -> None:
        if self._between and len(self._finished) < self._folds.folds:
            fold = len(self._finished)
            self._run = Run(self.settings, self._folds.fold(fold), _seed_of(self.seed, fold))

    def _row(self, row: Row) -> Row:
        """Take in an epoch of the fold in training; return what it tells of all folds so far."""
        self._current.append(dict(row))
        place = len(self._current) - 1
        alike = [one.rows[place] for one in self._finished] + [row]
        found: Row = {}
        for name in row:
            if name in _OF_ALL:
                continue
            values = [one.get(name, math.nan) for one in alike]
            found[name] = _mean(values)
            if name.startswith("dev_"):
                found[DEVIATION.format(name)] = _deviation(values)
        found |= {"epoch": self.epoch, "step": self._steps_before + int(row["step"])}
        return {**found, "seconds": row.get("seconds", 0.0), FOLD: len(self._finished) + 1}

    def _close(self) -> list[Row]:
        """End a fold; where it ended early, its restored weights stand for the epochs that are left."""
        more: list[Row] = []
        if self._current and len(self._current) < self.settings.epochs:
            kept = {**self._current[(self._run.best_epoch or len(self._current)) - 1], "seconds": 0.0}
            kept["step"] = self._run.step
            more = [self._row(kept) for _ in range(self.settings.epochs - len(self._current))]
        if not self._finished:
            self._first_model = self._run.model()
        self._finished.append(FinishedFold(self._current, self._run.result(), self._run.step))
        self._current = []
        return more

    def _reason(self) -> str | None:
        reason = self._run.advance(0.0).reason if self.status in ("diverged", "stopped") else None
        return None if reason is None else f"fold {len(self._finished) + 1}: {reason}"


def _seed_of(seed: int, fold: int) -> int:
    """Return the seed of a fold; the first has that of the trial."""
    return (seed + fold * 0x9E3779B1) & 0x7FFF_FFFF if fold else seed


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if all(map(math.isfinite, values)) else float(np.mean(values))


def _deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample; of a single fold nothing is known of it."""
    known = len(values) > 1 and all(map(math.isfinite, values))
    return statistics.stdev(map(float, values)) if known else math.nan
