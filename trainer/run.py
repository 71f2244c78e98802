"""One training run: advance in slices, change settings in between, save and restore bit for bit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import buffers, checkpoint
from .data.types import Data
from .defaults import with_defaults
from .kernels import epoch, measured_epoch, structs
from .kernels.structs import Status
from .measuring import Named
from .metrics import CLEAN_TRAIN
from .network import Network
from .problem import SettingError
from .run_state import RunState
from .settings import Settings, changed
from .slices import Change, Pace, Slice, layer_norms, read_records
from .watching import Watching

_FOREVER = int(np.iinfo(np.int64).max)


class Run(RunState):
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
        super().__init__(settings, data, seed, weights)
        kept = self._measuring.kept
        self._extras, rows = buffers.extras_of(self.settings, data, self.network, kept)
        self._records = buffers.records_of(self.network, rows)
        self._watching = Watching(data, self.network)
        self._waiting = Slice()  # what ended between two slices
        self._pace = Pace(self._examples.m + self._examples.dev_m / 3.0)

    @property
    def measures(self) -> bool:
        """Whether it needs the kernels of named metrics or weights."""
        return self._extras is not None

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

    def _reached(self, last_step: int, last_epoch: int) -> bool:
        ended = self.step >= last_step or self.epoch >= last_epoch
        return ended and self._phase == structs.TRAINING

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
