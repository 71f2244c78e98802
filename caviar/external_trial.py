"""A trial in the hands of a training script of one's own: it asks for trials, reports on them, obeys.

for trial in Client().ask(search):
    model = build(**trial.params)
    if trial.resume:
        model.load(trial.resume)
    for epoch in range(trial.epoch + 1, 31):
        trial.report(epoch, dev_error=train_one_epoch(model))
        trial.checkpoint(model.save())
        if trial.should_stop:
            break
"""

import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, SupportsIndex

from caviar.checkpoint_files import State, packed, unpack
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.checkpoint_uploads import AttachmentUpload, CheckpointUpload, CheckpointUploads
from caviar.exchange.exchange import Exchange, Write
from caviar.exchange.wire import Acknowledgement
from caviar.script_attachments import artifact, attribute
from caviar.script_commands import ScriptCommands
from caviar.script_course import ScriptCourse
from caviar.script_reports import as_numbers, as_step
from caviar.script_trial_end import ScriptTrialEnd

logger = logging.getLogger(__name__)

Caught = type[Exception] | tuple[type[Exception], ...]


class ExternalTrial:
    """A trial in the hands of a script. It ends with the turn of the loop, or with `complete` or `fail`.

    In a `with` statement it ends there, and an exception fails it with type, message and traceback; those of
    `catch` end there too, and the loop goes on.
    """

    def __init__(
        self, assignment: AssignedTrial, exchange: Exchange, uploads: CheckpointUploads, catch: Caught = ()
    ) -> None:
        self._assignment = assignment
        self._exchange = exchange
        self._uploads = uploads
        self._catch = catch
        self._course = ScriptCourse(assignment, exchange)
        self._commands = ScriptCommands(assignment, self._answer)
        self._written = 0
        self._kept = False  # a checkpoint was made, or will be when it is wanted
        self._end = ScriptTrialEnd(assignment, exchange, uploads, self._commands, self._course)

    @property
    def id(self) -> str:
        """Return its name, such as 3.17."""
        return self._assignment.trial

    @property
    def number(self) -> int:
        """Return its number in the search."""
        return self._assignment.number

    @property
    def params(self) -> dict[str, Any]:
        """Return what to train with: the fixed settings, the point of the space over them, changes over both.

        Whoever reads them is taken to train with them from here on. Raises what `should_stop` raises.
        """
        self._take_changes()
        return self._in_force()

    @property
    def seed(self) -> int:
        """Return the seed for everything random in this trial."""
        return self._assignment.seed

    @property
    def epochs(self) -> int | None:
        """Return how many epochs to train, None where the search does not say."""
        epochs = self._commands.changed.get("epochs") or self._assignment.epochs
        epochs = epochs or self._in_force().get("epochs")
        return None if epochs is None else int(epochs)

    @property
    def objective(self) -> tuple[str, str]:
        """Return the metric that the search makes best, and how: "minimize" or "maximize"."""
        return self._assignment.metric, self._assignment.direction

    @property
    def changed(self) -> dict[str, Any]:
        """Return the settings in force that a person has changed, in this attempt or an earlier one."""
        return dict(self._commands.changed)

    @property
    def resume(self) -> bytes | None:
        """Return the state to resume from, as `checkpoint` took it; None where the training begins.

        A trial that was lost, paused, rewound or forked has one. A script that reads it, or `epoch`, counts
        as resuming from there; one that does not starts over, and its epochs replace the earlier ones.
        """
        taken = self._course.take_up()
        return None if taken is None else taken[0]

    @property
    def epoch(self) -> int:
        """Return the last epoch, or step, that is done; 0 where the training begins."""
        if not self._course.epoch:
            self._course.take_up()
        return self._course.last_epoch

    def restore(self, path: str | os.PathLike[str]) -> bool:
        """Write the state to resume from to a path, a folder if it was one; return whether there is any."""
        if self.resume is None:
            return False
        unpack(self.resume, path)
        return True

    def checkpoint(self, state: State, step: SupportsIndex | None = None) -> None:
        """Save a state to resume from after a loss, pause or rewind: bytes, or the path of a file or folder.

        It is read now and sent in the background, after the earlier reports. `step` is the epoch after which
        it was taken, by default the last one reported. The server keeps the last three of a branch.

        Raises CaviarError for what cannot be read.
        """
        self._end.expect_own_process()
        epoch = self._course.last_epoch if step is None else as_step(step, 0)
        content = packed(state)
        self._hear()
        kind = "command" if self._commands.take_checkpoint(epoch) else "schedule"
        if not self._end.over:
            self._kept = True
            at = self._commands.branch, epoch, epoch, self._commands.position
            key = self._assignment.key
            self._uploads.add(CheckpointUpload(key, content, kind, *at, self._written))

    def steered_by_callback(self, fixed: Callable[[str], str | None]) -> None:
        """Say that a framework's callback trains it: it saves when it has to, and can change some settings.

        `fixed` returns why a setting cannot change in training, None for one that can.
        """
        self._kept = True
        self._commands.fixed = fixed

    @property
    def state_wanted(self) -> bool:
        """Return whether a person waits for a checkpoint, or the trial is to be paused."""
        self._hear()
        return not self._end.over and self._commands.wants_state

    def note(self, key: str, value: Any) -> None:
        """Keep an attribute with the trial: text, a number, or lists and dicts of them. It can be set again.

        Sent in the background. Raises CaviarError for what cannot be kept.
        """
        self._keep(attribute(self._assignment.key, key, value))

    def attach(self, state: State, name: str | None = None) -> None:
        """Keep a file with the trial: bytes, or the path of a file or folder (as tar). It can be replaced.

        Read now, sent in the background. Raises CaviarError for what cannot be kept.
        """
        self._keep(artifact(self._assignment.key, state, name))

    @property
    def should_stop(self) -> str | None:
        """Return the reason to stop now, None while there is none: a stopping rule, a person, a lost lease.

        Raises whatever ended the talk with the server for good, CaviarError in a forked process.
        """
        self._hear()
        return self._end.why_stopped

    def report(self, step: SupportsIndex | None = None, **metrics: float | None) -> None:
        """Report the metrics of one more epoch; sent in the background. None is a missing value.

        `step` is its number, from 1 on; by default the one after the last. Stopping rules, pictures and
        exports count by it. A step that was reported before replaces that one and all later ones.

        Raises CaviarError for what is not a number, and for too many metrics. Inside `with trial:` raises
        TrialLimitError, which the statement catches, if the trial has exceeded one of its limits.
        """
        self._end.expect_own_process()
        if not self._end.limits.may_report():
            return
        told = as_numbers(metrics)
        if self._end.over:
            logger.warning("trial %s has ended: a report after its end is lost", self.id)
            return
        self._written = self._course.report(step, told, self._commands.branch)

    def changes(self) -> dict[str, Any]:
        """Return the settings that a person has changed; the script counts as using them from here on.

        Raises what `should_stop` raises.
        """
        self._take_changes()
        changes, self._commands.untold = self._commands.untold, {}
        return changes

    def complete(self, **metrics: float | None) -> None:
        """End the trial with final metrics; those not given are taken from the last report."""
        self._end.complete(metrics)

    def fail(self, reason: str, log: str | None = None) -> None:
        """End the trial as failed; `log` is kept with the attempt, its last part if it is long."""
        self._end.fail(reason, log)

    def fail_with(self, error: BaseException) -> None:
        """End the trial without a result, with the type, the message and the traceback of an exception."""
        self._end.fail_with(error)

    def hand_back(self) -> None:
        """Hand the trial back for whoever asks next; that is neither a failure nor a lost attempt."""
        self._end.hand_back()

    def __enter__(self) -> Self:
        self._end.limits.within = True
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if error is None:
            self.end_of_turn()
        else:
            self.leave(error)
        self._end.limits.within = False
        return isinstance(error, self._catch) or self._end.limits.takes(error)

    # What the loop asks

    @property
    def may_be_told(self) -> bool:
        """Return whether it is still to be ended, by this process."""
        return self._end.may_be_told

    def end_of_turn(self) -> None:
        """End the trial if the script has not.

        Raises CaviarError when the script has told nothing of it; it is handed back then.
        """
        self._end.end_of_turn()

    def leave(self, error: BaseException | None) -> None:
        """End the trial whose training was left with an exception, or nobody knows how."""
        self._end.leave(error)

    def _in_force(self) -> dict[str, Any]:
        return self._assignment.search.settings | self._assignment.params | self._commands.changed

    def _keep(self, upload: AttachmentUpload) -> None:
        self._end.expect_own_process()
        if self._end.over:
            logger.warning("trial %s has ended: the %s %r is lost", self.id, upload.kind, upload.name)
        else:
            self._uploads.add(upload)

    def _hear(self) -> None:
        """Take in what a person has asked: a stop is obeyed once it is due, a change waits for `changes`."""
        self._end.expect_own_process()
        if not self._end.over:
            kept = self._kept or self._assignment.resume is not None
            self._commands.hear(self._exchange.commands(self._assignment.key), self._course.epoch, kept=kept)

    def _take_changes(self) -> None:
        """Put the changes that are due in force."""
        self._hear()
        fixed = self._assignment.search.settings | self._assignment.params
        self._commands.take_changes(fixed, self._course.epoch)

    def _answer(self, answer: Acknowledgement, branch: int) -> None:
        key = self._assignment.key
        write: Write = lambda outbox: outbox.acknowledge(key, branch, [answer])  # noqa: E731
        self._written = self._exchange.report(write, urgent=True)
