"""One training run: advance in slices, change settings in between, save and restore bit for bit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from . import buffers, checkpoint, evaluation, model_file
from .data.types import Data
from .defaults import with_defaults
from .initialization import initial_weights
from .kernels import epoch, measured_epoch, structs
from .kernels.structs import Status
from .measuring import Measuring, Named
from .metrics import CLEAN_TRAIN, ResultMetric, named, result_metrics
from .network import Network
from .problem import SettingError
from .settings import Settings, changed
from .slices import Change, Pace, Slice, layer_norms, read_records
from .transfer import SETTLED, carry_over
from .watching import Watching
from .weighing import weights_of

_SHOWN = {Status.early: Status.completed, Status.diverged_dev: Status.diverged}
_FOREVER = int(np.iinfo(np.int64).max)


class Run:
    """A network in training. Not safe for use by several threads at once."""

    def __init__(
        self, settings: Settings, data: Data, seed: int, weights: np.ndarray[Any, Any] | None = None
    ):
        """Begin; `weights` replaces the drawn initial weights, laid out as `network.tensors` tells.

        Raises
        ------
        SettingError
            The settings do not fit the data or the network does not fit into memory.
        """
        self.settings = settings = with_defaults(settings, data)
        self.seed = seed
        self.data = data
        self.network = Network.of(settings, data)
        buffers.refuse_what_does_not_fit(settings, data, self.network)
        self._shape = self.network.shape()
        self._hyper = buffers.hyper_of(settings, data)
        self._measuring = Measuring(settings, data)
        self._examples = buffers.examples_of(data)
        if bool(settings.init_from) != (data.start is not None):
            raise SettingError.of(
                "settings.init_from", "the data was not loaded for this model", "load it with these settings"
            )
        begins = weights is None
        if weights is None:
            weights = initial_weights(self.network, settings, seed, data.dtype)
        if begins and data.start is not None:
            carry_over(self.network, settings, weights, data.start)
        self._state = buffers.state_of(self.network, weights, seed)
        if begins and data.start is not None:
            self._state.counters[structs.AVERAGED] = SETTLED
        self._scratch = buffers.scratch_of(self.network, self._hyper.batch_size, self._examples.m, data.dtype)
        self._extras, rows = buffers.extras_of(settings, data, self.network, self._measuring.kept)
        self._records = buffers.records_of(self.network, rows)
        self._watching = Watching(data, self.network)
        self._waiting = Slice()  # what ended between two slices
        self._seconds = 0.0
        self._pace = Pace(self._examples.m + self._examples.dev_m / 3.0)

    @property
    def measures(self) -> bool:
        """Whether it needs the kernels of named metrics or weights."""
        return self._extras is not None

    @property
    def step(self) -> int:
        """Mini-batches trained so far."""
        return int(self._state.counters[structs.STEP])

    @property
    def epoch(self) -> int:
        """Epochs finished so far."""
        return int(self._state.counters[structs.EPOCH]) - 1

    @property
    def between_epochs(self) -> bool:
        """Whether no mini-batch of the next epoch has been trained yet."""
        counters = self._state.counters
        return bool(counters[structs.POSITION] == 0 and counters[structs.PHASE] == structs.TRAINING)

    @property
    def status(self) -> str:
        """running, completed, diverged or stopped."""
        status = Status(int(self._state.counters[structs.STATUS]))
        return _SHOWN.get(status, status).name

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest dev error so far, 0 before the first."""
        return int(self._state.counters[structs.BEST_EPOCH])

    @property
    def weights(self) -> np.ndarray[Any, Any]:
        """The flat buffer that the result describes: the best weights after a stop, else the last ones."""
        weights: np.ndarray[Any, Any] = self._state.best if self._describes_best() else self._state.weights
        return weights

    @property
    def last_weights(self) -> np.ndarray[Any, Any]:
        """The flat buffer as the last mini-batch left it."""
        weights: np.ndarray[Any, Any] = self._state.weights
        return weights

    def advance(
        self, seconds: float = 0.05, until_step: int | None = None, until_epoch: int | None = None
    ) -> Slice:
        """Train for about `seconds`, at least one mini-batch; never past a step or an epoch's end if given.

        Each dict of `Slice.epochs` holds what metrics.py lists: the columns of `EpochMetric`,
        gradient_norm_1 .. gradient_norm_L, and seconds.
        """
        piece, self._waiting = self._waiting, Slice()
        deadline = time.perf_counter() + seconds
        last_step = _FOREVER if until_step is None else until_step
        last_epoch = _FOREVER if until_epoch is None else until_epoch
        singly = bool(self._measuring.passed) or self.settings.clean_train_cost
        while self.status == "running" and not self._reached(last_step, last_epoch):
            # after which whole parts are passed through, or the layers are looked at
            until = self.epoch + 1 if singly else self._watching.next_look(self.epoch, self.settings)
            self._work(deadline - time.perf_counter(), last_step, min(until, last_epoch), piece)
            if not self._pace.fits(self._hyper.batch_size, deadline - time.perf_counter(), self._phase):
                break
        return dataclasses.replace(piece, status=self.status, reason=self._reason())

    def change(self, values: Mapping[str, Any]) -> Change:
        """Change settings from the next mini-batch on. A run that was stopped stays so.

        All others keep their values, also the defaults of `learning_rate`, `batch_size` and `l2`, which were
        chosen when the run began. None chooses anew.

        Raises
        ------
        SettingError
            A setting that does not exist, cannot change in a run, or is out of range; nothing was changed.
        """
        after = with_defaults(changed(self.settings, values), self.data)
        hyper = buffers.hyper_of(after, self.data)
        if after.epochs < self.epoch:
            raise SettingError.of(
                "settings.epochs", f"{after.epochs} is less than the {self.epoch} epochs done",
                "give a larger number, or stop the trial",
            )  # fmt: skip
        self._finish_evaluation()
        if hyper.batch_size > self._scratch.rows:
            buffers.refuse_what_does_not_fit(after, self.data, self.network)
        if hyper.batch_size != self._hyper.batch_size:
            self._scratch = self._scratch_for(hyper)  # a smaller one too: a restored run has that one
        if hyper.optimizer != self._hyper.optimizer:
            for average in (self._state.v, self._state.s):
                average[:] = 0
            self._state.counters[structs.MOMENTS] = 0
        before, now = self.settings.as_dict(), after.as_dict()
        self.settings, self._hyper = after, hyper
        self._watching.begin_anew(self.epoch)
        self._reconsider_end()
        return Change(
            self.step, {name: before[name] for name in values}, {name: now[name] for name in values}
        )

    def stop(self) -> None:
        """End the run now, by a person's will; the best weights so far are what it leaves."""
        self._finish_evaluation()
        if self.status == "running":
            self._state.counters[structs.STATUS] = Status.stopped

    def describe_last(self) -> None:
        """Have `model` and `result` describe the last weights of a run that has ended, not its best ones."""
        if self.status in ("completed", "stopped"):
            self._state.counters[structs.STATUS] = Status.running

    def save(self) -> bytes:
        """Return a checkpoint: all that `MLP.restore` needs to go on bit for bit, in another process too."""
        begun = checkpoint.Begun(
            self._seconds if "train_seconds" in self.settings.metrics else None,
            self._of_epoch_begun(),
            self._watching.told(),
        )
        return checkpoint.save(self.settings, self.seed, self.data, self._state, begun)

    @classmethod
    def restore(cls, saved: bytes, data: Data) -> Run:
        """Go on from a checkpoint, from that of a stopped run too.

        Raises
        ------
        ProblemsError
            The bytes are no checkpoint, or the data is not that of the run.
        """
        settings, seed, arrays, begun = checkpoint.load(saved, data)
        run = cls(settings, data, seed, weights=np.zeros(Network.of(settings, data).total, data.dtype))
        for name, array in arrays.items():
            getattr(run._state, name)[...] = array
        for name, array in run._of_epoch_begun().items():
            if name in begun.outputs:
                array[...] = begun.outputs[name]
        run._seconds = begun.seconds or 0.0
        run._watching.recall(begun.watching)
        if run.status == "stopped":
            run._state.counters[structs.STATUS] = Status.running
        run._scratch = run._scratch_for(run._hyper)
        return run

    def model(self) -> bytes:
        """Return the network as a model file: safetensors, with mu and sigma and the classes in it."""
        return model_file.save(
            self.network, self.weights, self._correction(), self.settings, self.data, self.seed, self._limit()
        )

    def result(self) -> dict[str, float]:
        """Return final metrics of `weights`: full passes over train, dev and train-dev set, never test."""
        metrics: dict[str, float] = {"epoch": self.epoch, "step": self.step, "best_epoch": self.best_epoch}
        parts = ("train", "dev", "train_dev")
        there = [part for part in parts if getattr(self.data, f"X_{part}") is not None]
        asked = [found for name in self._measuring.names if (found := named(name))]
        metrics |= self.measure([*result_metrics(there).values(), *asked])
        if 0 < self.data.own_rows < len(self.data.X_train):
            metrics["train_error_own"] = self._error_of_own_rows()
        if self._measuring.per_trial:
            learned = sum(tensor.size for tensor in self.network.tensors(self._state.v).values())
            metrics |= self._measuring.of_trial(self.model(), learned, self._seconds)
        return metrics

    def measure(self, asked: Iterable[ResultMetric]) -> dict[str, float]:
        """Return these metrics of `weights` by name, with one pass through each part that any is of.

        Others than error and cost are those that the settings name.
        """
        by_part: dict[str, list[ResultMetric]] = {}
        for metric in asked:
            by_part.setdefault(metric.part, []).append(metric)
        metrics: dict[str, float] = {}
        for part, wanted in by_part.items():
            more = [metric.name for metric in wanted if not metric.always]
            outputs, limit = self._outputs(part) if more else None, self._limit()
            always = self.evaluate(part) if outputs is None else self._evaluate(part, limit, outputs)
            found = {f"{part}_{measure}": number for measure, number in always._asdict().items()}
            if outputs is not None:
                found |= self._measuring.of_part(part, outputs, limit) | found
            names = {metric.name for metric in wanted}
            metrics |= {name: number for name, number in found.items() if name in names}
        return metrics

    def evaluate(self, part: str) -> evaluation.Evaluation:
        """Return the mean loss and the error of `weights` on "train", "dev", "train_dev" or "test".

        No dropout, no regulariser; batch norm by its averages.
        """
        return self._evaluate(part, self._limit())

    def _evaluate(
        self,
        part: str,
        limit: float,
        outputs: np.ndarray[Any, Any] | None = None,
        rows: int | None = None,
    ) -> evaluation.Evaluation:
        X, Y = (getattr(self.data, f"{name}_{part}")[:rows] for name in "XY")
        state = self._state._replace(weights=self.weights, counters=self._state.counters.copy())
        state.counters[structs.AVERAGED] = self._steps_averaged()
        weights = weights_of(self.data, part)[:rows]
        weights = weights if rows is None or not weights.any() else weights / weights.mean()
        return evaluation.evaluate(
            self._shape, state, self._scratch, self._examples, X, Y, weights, limit, outputs
        )

    def _error_of_own_rows(self) -> float:
        """Return the error of `weights` on the training rows that are of the data set itself."""
        return self._evaluate("train", self._limit(), rows=self.data.own_rows).error

    def _outputs(self, part: str) -> np.ndarray[Any, Any]:
        """Return room for Z[L] of a part."""
        rows = len(getattr(self.data, f"X_{part}"))
        return np.empty(rows * self.network.sizes[-1], self.data.dtype)

    def _limit(self) -> float:
        """Return the limit of z between two classes; where the dev set decides, that of `weights`."""
        if not self._measuring.chooses:
            return self._measuring.limit
        outputs = self._outputs("dev")
        self._evaluate("dev", 0.0, outputs)
        return self._measuring.limit_of(outputs)

    def _reached(self, last_step: int, last_epoch: int) -> bool:
        ended = self.step >= last_step or self.epoch >= last_epoch
        return ended and self._phase == structs.TRAINING

    @property
    def _phase(self) -> int:
        return int(self._state.counters[structs.PHASE])

    def _work(self, seconds: float, last_step: int, last_epoch: int, piece: Slice) -> None:
        """Make one call to the kernels and note what it did."""
        begin, phase = time.perf_counter(), self._phase
        done = self._work_kernel(self._pace.budget(seconds, phase), last_step, last_epoch)
        used = time.perf_counter() - begin
        self._seconds += used
        buffers.refuse_unknown_codes(self._state)
        named, before = self._measured(), len(piece.epochs)
        read_records(self._records, self.step, self._pace, done, used, phase, piece, named.names, named.rows)
        if len(piece.epochs) > before and self.status != "diverged":
            rows = piece.epochs[before:]
            rows[-1] |= self._watching.look(rows, self.epoch, self.settings, self._hyper, self._state)

    def _measured(self) -> Named:
        """Return the named metrics of each epoch that a call finished; keep what belongs to the next one."""
        finished = int(self._records.counts[1])
        named, limits = Named([], []), [self._measuring.limit] * finished
        if self._extras is not None and finished:
            named, limits = self._measuring.of_epochs(self._extras, finished)
            buffers.begin_again(self._extras, self._records)
        more: dict[str, float] = {}
        if finished:  # one epoch, wherever there is more: none was begun after it
            for part in self._measuring.passed:
                outputs = self._outputs(part)
                self._pass_through(part, limits[-1], outputs)
                more |= self._measuring.of_part(part, outputs, limits[-1])
            if self.settings.clean_train_cost:
                clean = self._pass_through("train", limits[-1])
                more |= {CLEAN_TRAIN.format(name): number for name, number in clean._asdict().items()}
        if more:
            named = Named([*named.names, *more], [[*(named.rows or [[]])[-1], *more.values()]])
        return named

    def _pass_through(
        self, part: str, limit: float, outputs: np.ndarray[Any, Any] | None = None
    ) -> evaluation.Evaluation:
        """Pass a part through the network as it is now, at the end of an epoch."""
        X, Y = getattr(self.data, f"X_{part}"), getattr(self.data, f"Y_{part}")
        weights = weights_of(self.data, part)
        return evaluation.evaluate(
            self._shape, self._state, self._scratch, self._examples, X, Y, weights, limit, outputs
        )

    def _finish_evaluation(self) -> None:
        """End an epoch whose dev set is being passed: a change comes after it; its row waits."""
        while self.status == "running" and self._phase == structs.EVALUATING:
            self._work(np.inf, self.step, self.epoch + 1, self._waiting)

    def _work_kernel(self, budget: float, last_step: int, last_epoch: int) -> float:
        examples, extras = self._examples, self._extras
        rest = (self._hyper, self._state, self._scratch, self._records, budget, last_step, last_epoch)
        if extras is None:
            return float(epoch.work(self._shape, examples, *rest))
        return float(measured_epoch.work(self._shape, examples, extras, *rest))

    def _of_epoch_begun(self) -> dict[str, np.ndarray[Any, Any]]:
        return buffers.of_epoch_begun(self._extras, len(self._records.rows))

    def _reconsider_end(self) -> None:
        """More epochs or more patience wake a completed run; fewer epochs end one."""
        counters = self._state.counters
        if self.status in ("diverged", "stopped"):
            return
        impatient = self._hyper.patience and self.epoch - self.best_epoch >= self._hyper.patience
        if self.epoch >= self._hyper.epochs and counters[structs.POSITION] == 0:
            counters[structs.STATUS] = Status.completed
        elif impatient and self.status == "completed":
            counters[structs.STATUS] = Status.early
        else:
            counters[structs.STATUS] = Status.running

    def _scratch_for(self, hyper: structs.Hyper) -> structs.Scratch:
        """Return new room to work in, with the examples in the order of the epoch under way."""
        scratch = buffers.scratch_of(self.network, hyper.batch_size, self._examples.m, self.data.dtype)
        epoch.restore_order(self._state.counters, scratch.order)
        return scratch

    def _correction(self) -> float:
        """1 - momentum^t, by which the averages of batch norm in `weights` are divided."""
        return 1.0 - self._shape.batch_norm_momentum ** max(1, self._steps_averaged())

    def _steps_averaged(self) -> int:
        which = structs.BEST_AVERAGED if self._describes_best() else structs.AVERAGED
        return int(self._state.counters[which])

    def _describes_best(self) -> bool:
        stopped = self.settings.patience is not None or self.status == "stopped"
        return stopped and self.best_epoch > 0 and self.status != "running"

    def _reason(self) -> str | None:
        status = self._state.counters[structs.STATUS]
        if status == Status.early:
            return (
                f"no lower dev error in the {self._hyper.patience} epochs after epoch {self.best_epoch}; "
                f"its weights are restored"
            )
        if status == Status.stopped:
            return f"stopped by a person at step {self.step}" + (
                f"; the weights of epoch {self.best_epoch} are kept" if self.best_epoch else ""
            )
        if status not in (Status.diverged, Status.diverged_dev):
            return None
        what = "cost" if status == Status.diverged else "dev cost"
        norms = layer_norms(self.network, self._scratch.gradient)
        return (
            f"the {what} is not finite after step {self.step} (epoch {self.epoch + 1}); last finite cost "
            f"{self._state.sums[structs.LAST_COST]:.6g}; gradient norms "
            + ", ".join(f"{name} {norm:.3g}" for name, norm in norms.items())
        )
