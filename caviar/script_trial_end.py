"""How a trial in the hands of a script ends: with a result, or handed back; once, in its own process."""

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Literal

from caviar.errors import CaviarError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.checkpoint_uploads import CheckpointUploads
from caviar.exchange.exchange import Exchange, Write
from caviar.exchange.outbox import Outbox
from caviar.exchange.result import failed, failure, result_of
from caviar.exchange.wire import EndState, Result
from caviar.script_commands import ScriptCommands
from caviar.script_course import ScriptCourse
from caviar.script_limits import ScriptLimits
from caviar.script_reports import as_numbers

logger = logging.getLogger(__name__)

LEFT = (
    "the script left the loop before this trial had ended: call trial.complete() or trial.fail() before a "
    "break, or write `with trial:` around the training"
)
NOTHING_TOLD = (
    "trial {} came to the end of the loop's body without any metric: train it there, and call "
    "trial.report(...), trial.complete(...) or trial.fail(...). A list of all trials, as list() makes, "
    "trains none"
)


class ScriptTrialEnd:
    """The end of one trial, and what brings it about: the script, a person, a rule, a limit, a lost lease."""

    def __init__(
        self,
        assignment: AssignedTrial,
        exchange: Exchange,
        uploads: CheckpointUploads,
        commands: ScriptCommands,
        course: ScriptCourse,
    ) -> None:
        self._assignment = assignment
        self._exchange = exchange
        self._uploads = uploads
        self._commands = commands
        self._course = course
        self._process = os.getpid()
        self._began = time.monotonic()
        self.over = False
        self._closing = threading.Lock()
        self.limits = ScriptLimits(assignment, exchange.note, self._finish)

    @property
    def may_be_told(self) -> bool:
        """Return whether the trial is still to be ended, by this process."""
        return not self.over and os.getpid() == self._process

    @property
    def why_stopped(self) -> str | None:
        """Return the reason to stop now, None while there is none."""
        dropped = self._exchange.dropped(self._assignment.key)
        return self.limits.check() or self._commands.why_stopped or self._course.stop or dropped

    def expect_own_process(self) -> None:
        """Raise CaviarError in a process that was forked from that of the trial."""
        if os.getpid() != self._process:
            raise CaviarError(
                f"trial {self._assignment.trial} belongs to another process, which forked this one: report "
                "there, or call client.ask here for trials of this process"
            )

    def complete(self, metrics: Mapping[str, float | None]) -> None:
        """End the trial with final metrics; those not given are taken from the last report."""
        reason = self.why_stopped
        final = self._course.metrics | as_numbers(metrics)
        if reason and not final:  # a person stopped it before there was anything to tell
            self._end("cancelled", final, reason)
            return
        wanted = self._assignment.metric
        if wanted not in final and not self.over:
            told = ", ".join(final) or "none"
            logger.warning("trial %s fails: no metric %r; told: %s", self._assignment.trial, wanted, told)
        self._end("stopped" if reason else "completed", final, reason)

    def fail(self, reason: str, log: str | None) -> None:
        """End the trial as failed."""
        self._finish(failed(reason, log, self._course.epoch))

    def fail_with(self, error: BaseException) -> None:
        """End the trial without a result, with what an exception says."""
        self._finish(failure(error))

    def hand_back(self) -> None:
        """Hand the trial back for whoever asks next."""
        self._let_go("released", self._commands.branch)

    def end_of_turn(self) -> None:
        """End the trial if the script has not.

        Raises CaviarError when the script has told nothing of it; it is handed back then.
        """
        if self.may_be_told:
            self._course.take_metrics(self._commands.branch)
        if self.may_be_told and not self._course.metrics and not self.why_stopped:
            self.hand_back()
            raise CaviarError(NOTHING_TOLD.format(self._assignment.trial))
        if self.may_be_told:
            self.complete({})

    def leave(self, error: BaseException | None) -> None:
        """End the trial whose training was left with an exception, or nobody knows how."""
        if not self.may_be_told:
            return
        if error is None:
            self.fail(LEFT, None)
        elif isinstance(error, Exception):
            self.fail_with(error)
        else:  # Ctrl-C, SIGTERM, sys.exit()
            self.hand_back()

    def _end(self, state: EndState, metrics: Mapping[str, float], reason: str | None) -> None:
        epoch = self._course.epoch
        if self._commands.leaving is not None and state in ("completed", "stopped", "cancelled"):
            if not self.over:
                self._let_go(*self._commands.left(epoch))
            return
        self._finish(result_of(state, metrics, epoch, reason))

    def _finish(self, result: Result) -> None:
        key, branch, seconds = self._assignment.key, self._commands.branch, time.monotonic() - self._began
        first = self._course.last_epoch + 1

        def write(outbox: Outbox) -> None:
            if self._course.replaces:  # nothing was told: what others told is not of this training
                outbox.replace(key, branch, first)
            outbox.result(key, branch, result, seconds)

        self._close(write)

    def _let_go(self, state: Literal["paused", "released"], branch: int) -> None:
        key, seconds = self._assignment.key, time.monotonic() - self._began
        self._close(lambda outbox: outbox.state(key, branch, state, seconds))

    def _close(self, write: Write) -> None:
        """Make the last report of the trial, once, when its checkpoints have been sent."""
        self.expect_own_process()
        with self._closing:
            if self.over:
                return
            self.over = True
        self.limits.end()
        self._exchange.training_ended(self._assignment.key)
        self._uploads.when_done(self._assignment.key, write)
