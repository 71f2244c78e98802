"""One trial in training: slice after slice, with an ear for commands in between."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from threading import Event
from typing import Any, Literal

from caviar.agents.best_epoch import BestEpoch
from caviar.agents.limit_watch import LimitWatch
from caviar.agents.run_factory import RunFactory
from caviar.agents.steering import NO_CHANGES, CommandOutcome, Steering
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.checkpoint_content import packed
from caviar.exchange.checkpoint_uploads import CheckpointUpload, CheckpointUploads
from caviar.exchange.command import ReceivedCommand
from caviar.exchange.exchange import Exchange
from caviar.exchange.outbox import Outbox
from caviar.exchange.result import result_of
from caviar.exchange.wire import Acknowledgement, EndState, Resume, RewindState
from caviar.search.stopping import as_stored, judged_after, verdict

logger = logging.getLogger(__name__)

SLICE_SECONDS = 0.05
CHECKPOINT_SECONDS = float(os.environ.get("CAVIAR_CHECKPOINT_SECONDS") or 10.0)
LEAST_CHECKPOINT_SECONDS = 0.25
PANDA_CHECKPOINT_SECONDS = 1.0  # in a trial that a person watches, and may send back
COSTS_AFTER_SECONDS = 0.5  # nobody can watch the mini-batches of a trial that is over before
KEPT_AFTER_SECONDS = 1.0  # of training, from which on a checkpoint costs less than training anew
KEPT_IN_POPULATION = 0.05  # most trials are gone on from there, one after the other


@dataclass(frozen=True)
class Rewind:
    """A rewind on its way: the command, and where the trial was."""

    command: ReceivedCommand
    before: dict[str, Any]

    @property
    def parent(self) -> int:
        """The branch that it leads to a point of: until that is reached, all states on the way are of it."""
        return int(self.command.arguments["parent"])


class TrialRunner:
    """The trial in hand; `train` returns when the agent has nothing more to do with it."""

    def __init__(
        self,
        assignment: AssignedTrial,
        runs: RunFactory,
        exchange: Exchange,
        uploads: CheckpointUploads,
        stopping: Event,
    ) -> None:
        self._assignment = assignment
        self._key = assignment.key
        self._runs = runs
        self._metric, self._direction, self._how = assignment.metric, assignment.direction, assignment.how
        position = self._open(assignment.resume)
        self._exchange = exchange
        self._uploads = uploads
        self._stopping = stopping
        log = assignment.change_log or NO_CHANGES
        self._branch = log.branch
        self._steering = Steering(log, position)
        self._rewind: Rewind | None = None
        self._plan = assignment.stop_plan()
        self._curve = _course(assignment, self._run.epoch)
        self._began = self._saved = time.monotonic()
        self._saving = 0.0  # seconds that the last checkpoint took
        self._written = 0
        self._seconds: float | None = None  # what the trial took, once it has ended
        self.limits: LimitWatch | None = None
        self.model_due: Callable[[float, float], bool] = lambda _value, _seconds: False

    def _open(self, resume: Resume | None) -> int:
        """Take up a run where it can be; give how many logged changes it contains."""
        opened = self._runs.open(resume)
        self._run = opened.run
        self._best = BestEpoch(self._direction, opened.best) if self._how == "best" else None
        return opened.position

    def train(self) -> None:
        """Train until the trial ends, is paused, is dropped, or the agent is told to stop."""
        try:
            self._train()
        finally:
            self._exchange.training_ended(self._key, self._seconds)

    def _train(self) -> None:
        while True:
            if self._exchange.news(self._key) and self._dropped():
                return
            if self._exchange.silent():
                self._wait_for_server()
                continue
            if self._stopping.is_set():
                self._hand_back("released")
                return
            if self._listen():
                return
            repeated = self._steering.catching_up(self._run)
            began = time.monotonic()
            piece = self._run.advance(SLICE_SECONDS, *self._bounds())
            self._steering.observe(piece.epochs)
            reason = self._judge(piece.epochs)
            if not repeated:  # else the server has it already
                self._tell(piece)
            self._exchange.let_through(time.monotonic() - began)
            self._keep_limits(piece)
            if reason is None and piece.status != "running" and self._listen():
                return  # the very end of the last epoch is a moment too
            if reason is not None or self._run.status != "running":
                self._end("stopped" if reason else piece.status, reason or piece.reason)
                return
            if time.monotonic() - self._saved > self._checkpoint_seconds():
                self._checkpoint("schedule")

    def _keep_limits(self, piece: Any) -> None:
        """Raise TrialLimitError when the trial has broken one of its limits."""
        if piece.epochs:
            self._exchange.note.epoch_ended()
        if self.limits is not None and self._assignment.limits is not None and piece.status == "running":
            self.limits.check()

    def _dropped(self) -> bool:
        """Take in news; say whether it was that nobody wants this attempt any more."""
        why = self._exchange.dropped(self._key)
        if why is None:
            self._steering.receive(self._exchange.commands(self._key), self._run)
            return False
        trial, attempt = self._key
        logger.info("letting go of a trial: %s", why, extra={"trial": trial, "attempt": attempt})
        return True

    def _wait_for_server(self) -> None:
        """Hold still: the lease may have run out, and the trial may be somebody else's by now."""
        logger.warning("no answer for a whole lease; training waits until the server is heard again")
        began = time.monotonic()
        while self._exchange.silent() and not self._stopping.is_set() and not self._exchange.failure:
            time.sleep(0.05)
        self._exchange.note.leave_out(time.monotonic() - began)

    def _listen(self) -> bool:
        """Do what is due between two slices; say whether that ended the training here."""
        if self._rewind is not None and not self._steering.catching_up(self._run):
            self._arrive(self._rewind)
        outcome = self._steering.act(self._run)
        if outcome.acknowledged:
            self._acknowledge(outcome.acknowledged)
        return self._obey(outcome)

    def _obey(self, outcome: CommandOutcome) -> bool:
        """Carry out what a run alone cannot; say whether that ended the training here."""
        if outcome.stop:
            self._run.stop()
            self._end("stopped", self._run.advance(0.0).reason)
            return True
        if outcome.pause:
            self._hand_back("paused")
            return True
        if outcome.checkpoint:
            self._checkpoint("command")
        if outcome.rewind is not None:
            self._go_back(outcome.rewind)
        return False

    def _go_back(self, command: ReceivedCommand) -> None:
        """Take up an earlier state, keeping the one that is left; the branch begins when it is reached."""
        self._checkpoint("schedule")
        self._rewind = Rewind(command, {"branch": self._branch, "epoch": self._run.epoch})
        state = RewindState.model_validate(command.arguments)
        self._steering.restart(state.change_log, self._open(state.resume))
        self._curve = self._curve[: self._run.epoch]

    def _arrive(self, rewind: Rewind) -> None:
        """Begin the new branch: the acknowledgement comes before anything that happens on it."""
        self._rewind = None
        self._branch = int(rewind.command.arguments["branch"])
        self._acknowledge([self._steering.rewound(self._run, rewind.command, rewind.before)])

    def _acknowledge(self, acknowledged: list[Acknowledgement]) -> None:
        key, branch = self._key, self._branch
        write: Callable[[Outbox], None] = lambda outbox: outbox.acknowledge(key, branch, acknowledged)  # noqa: E731
        self._written = self._exchange.report(write, urgent=True)

    def _bounds(self) -> tuple[int | None, int | None]:
        """Return the step and the epoch that the next slice must not pass: someone may decide there."""
        until_step, until_epoch = self._steering.bounds(self._run)
        judged = None if self._plan is None else judged_after(self._plan, self._run.epoch)
        looked = None if self._best is None else self._run.epoch + 1
        ends = [end for end in (until_epoch, judged, looked) if end is not None]
        return until_step, min(ends, default=None)

    def _judge(self, epochs: list[dict[str, float]]) -> str | None:
        """Apply the stopping rule after each epoch; the reason to stop, if there is one."""
        for epoch in epochs:
            self._curve.append(as_stored(epoch.get(self._metric, math.nan)))
            if self._best is not None:
                self._best.look(self._run, self._curve[-1])
            if self._plan is not None:
                reason = verdict(self._plan, self._curve, self._direction, self._how)
                if reason is not None:
                    return reason
        return None

    def _tell(self, piece: Any) -> None:
        costs = piece.costs if time.monotonic() - self._began > COSTS_AFTER_SECONDS else ()
        if piece.epochs or costs:
            self._written = self._exchange.report(self._writing(piece.epochs, costs))

    def _writing(self, epochs: list[dict[str, float]], costs: Any = ()) -> Callable[[Outbox], None]:
        key, branch = self._key, self._branch

        def write(outbox: Outbox) -> None:
            for names, alike in groupby(epochs, key=tuple):  # some epochs have more columns than others
                these, columns = list(alike), [name for name in names if name != "epoch"]
                rows = [[epoch[name] for name in columns] for epoch in these]
                outbox.epochs(key, branch, columns, int(these[0]["epoch"]), rows)
            if costs:
                outbox.costs(key, branch, costs)

        return write

    def _end(self, state: EndState, reason: str | None) -> None:
        seconds = self._seconds = time.monotonic() - self._began
        kept, metrics = self._described(state)
        result = result_of(state, metrics, self._run.epoch, reason)

        def write(outbox: Outbox) -> None:
            outbox.result(self._key, self._branch, result, seconds)

        # Files go first: a trial that has ended takes no more of them.
        files = [("end", self._content())] if self._may_be_continued(state, seconds, metrics) else []
        value = float(metrics.get(self._metric, math.nan))
        if state != "diverged" and self.model_due(value, seconds):
            files.append(("model", kept.model()))
        for left, (kind, content) in zip(reversed(range(len(files))), files, strict=True):
            self._upload(kind, content, None if left else write)
        if not files:
            self._exchange.report_last(self._key, write)

    def _described(self, state: EndState) -> tuple[Any, dict[str, float]]:
        """Give the run that the trial leaves, and its metrics: that of the best epoch where it is kept."""
        metrics: dict[str, float] = self._run.result()
        if self._best is None or not self._best.found.epoch or state == "diverged":
            return self._run, metrics
        kept = self._runs.at_epoch(self._best.found)
        return kept, self._best.result(metrics, kept.result())

    def _content(self) -> bytes:
        return packed(self._run.save(), None if self._best is None else self._best.found)

    def _may_be_continued(self, state: str, seconds: float, metrics: Mapping[str, float]) -> bool:
        """Return whether to keep the last state for another trial; a short training is quickly done again."""
        search = self._assignment.search
        if search.population:
            needed = "step" not in metrics  # else nobody could tell where the next turn begins
            return state == "completed" and (needed or seconds > KEPT_IN_POPULATION)
        further = search.continued_below
        longer = further is not None and self._run.epoch < further
        return longer and state in ("completed", "stopped") and seconds > KEPT_AFTER_SECONDS

    def _hand_back(self, state: Literal["paused", "released"]) -> None:
        """Hand the trial back to the server, with a checkpoint to go on from."""
        branch, key = self._branch, self._key
        training = self._exchange.note.now
        seconds = None if training is None else training.seconds

        def write(outbox: Outbox) -> None:
            outbox.state(key, branch, state, seconds)

        self._upload("schedule", self._content(), write)

    def _checkpoint(self, kind: str) -> None:
        began = time.monotonic()
        self._upload(kind, self._content())
        self._saved = time.monotonic()
        self._saving = self._saved - began

    def _checkpoint_seconds(self) -> float:
        """Return how long to go on until the next checkpoint: the oftener a trial was lost, the shorter.

        On machines that live for seconds it must get further in each life, and a rewind must not have much to
        train again; but no tenth of it goes to saving.
        """
        often = CHECKPOINT_SECONDS / 4.0 ** (min(self._key[1], 30) - 1)
        if self._assignment.search.mode == "panda":
            often = min(often, PANDA_CHECKPOINT_SECONDS)
        return min(CHECKPOINT_SECONDS, max(often, LEAST_CHECKPOINT_SECONDS, 10 * self._saving))

    def _upload(self, kind: str, content: bytes, then: Callable[[Outbox], None] | None = None) -> None:
        branch = self._branch if self._rewind is None else self._rewind.parent
        at = branch, self._run.epoch, self._run.step, self._steering.position
        self._uploads.add(CheckpointUpload(self._key, content, kind, *at, self._written, then))


def _course(assignment: AssignedTrial, epoch: int) -> list[float]:
    """Return the objective of the epochs behind a restored run, as the server knows it."""
    known = [] if assignment.resume is None else assignment.resume.curve
    course = [math.nan if value is None else float(value) for value in known[:epoch]]
    return course + [math.nan] * (epoch - len(course))
