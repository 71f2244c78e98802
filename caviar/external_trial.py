"""A trial in the hands of a training script of one's own: it asks for trials, reports on them, obeys.

for trial in Client().ask(search):
    model = build(**trial.params)
    for epoch in range(30):
        trial.report(dev_error=train_one_epoch(model))
        if trial.should_stop:
            break
"""

import logging
import math
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from caviar.errors import CaviarError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.command import APPLY, EPOCH_END, NOW, ReceivedCommand
from caviar.exchange.exchange import Exchange, Write
from caviar.exchange.result import failure, result_of
from caviar.exchange.wire import Acknowledgement, EndState, Result
from caviar.json_body import plain

logger = logging.getLogger(__name__)

MOST_METRICS, LONGEST_NAME = 200, 64  # of one report
LEFT = (
    "the script left the loop before this trial had ended: call trial.complete() or trial.fail() before a "
    "break, or write `with trial:` around the training"
)
NOTHING_TOLD = (
    "trial {} came to the end of the loop's body without any metric: train it there, and call "
    "trial.report(...), trial.complete(...) or trial.fail(...). A list of all trials, as list() makes, "
    "trains none"
)
Caught = type[Exception] | tuple[type[Exception], ...]


class ExternalTrial:
    """A trial in the hands of a script. It ends with the turn of the loop, or with `complete` or `fail`.

    In a `with` statement it ends there, and an exception fails it with type, message and traceback; those of
    `catch` end there too, and the loop goes on.
    """

    def __init__(self, assignment: AssignedTrial, exchange: Exchange, catch: Caught = ()) -> None:
        self._assignment = assignment
        self._exchange = exchange
        self._catch = catch
        self._process = os.getpid()
        self._began = time.monotonic()
        self._epoch = 0
        self._last: dict[str, float] = {}
        self._curve: list[float] = []
        self._plan = assignment.stop_plan()
        self._stop: str | None = None
        self._changed: dict[str, Any] = {}  # settings, by a person
        self._untold: dict[str, Any] = {}  # those of them that `changes` has not given yet
        self._waiting: dict[
            int, ReceivedCommand
        ] = {}  # what a person has asked and is not due, or not taken yet
        self._heard: set[int] = set()  # by id: until it is answered, a command may come again
        self._ended = False

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
        epochs = self._assignment.epochs or self._in_force().get("epochs")
        return None if epochs is None else int(epochs)

    @property
    def should_stop(self) -> str | None:
        """Return the reason to stop now, None while there is none: a stopping rule, a person, a lost lease.

        Raises whatever ended the talk with the server for good, CaviarError in a forked process.
        """
        self._hear()
        return self._why_stopped

    def report(self, **metrics: float | None) -> None:
        """Report the metrics of one more epoch; sent in the background. None is a value that is missing.

        Raises CaviarError for what is no number, and for too many metrics.
        """
        self._expect_own_process()
        told = _numbers(metrics)
        if len(told) > MOST_METRICS or any(len(name) > LONGEST_NAME for name in told):
            raise CaviarError(
                f"trial {self.id} reports {len(told)} metrics: at most {MOST_METRICS} can be told of one "
                f"epoch, each with a name of at most {LONGEST_NAME} characters"
            )
        self._epoch += 1
        epoch = self._epoch
        self._last = told
        columns, row = list(told), list(told.values())
        self._exchange.report(lambda outbox: outbox.epochs(self._assignment.key, 0, columns, epoch, [row]))
        self._obey_rule()

    def changes(self) -> dict[str, Any]:
        """Take the settings that a person has changed; the script is taken to use them from here on.

        Raises what `should_stop` raises.
        """
        self._take_changes()
        changes, self._untold = self._untold, {}
        return changes

    def complete(self, **metrics: float | None) -> None:
        """End the trial with final metrics; those of the last report are taken for what is not given."""
        reason = self._why_stopped
        final = self._last | _numbers(metrics)
        if reason and not final:  # a person stopped it before there was anything to tell
            self._end("cancelled", final, reason)
            return
        if self._assignment.metric not in final and not self._ended:
            told = ", ".join(final) or "none"
            logger.warning("trial %s fails: no metric %r; told: %s", self.id, self._assignment.metric, told)
        self._end("stopped" if reason else "completed", final, reason)

    def fail(self, reason: str) -> None:
        """End the trial without a result."""
        self._end("failed", {}, reason)

    def fail_with(self, error: BaseException) -> None:
        """End the trial without a result, with the type, the message and the traceback of an exception."""
        self._finish(failure(error))

    def hand_back(self) -> None:
        """Hand the trial back, for whoever asks next; that counts as no failure, and as no lost attempt."""
        self._close(lambda outbox: outbox.state(self._assignment.key, 0, "released"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if error is None:
            self.end_of_turn()
        else:
            self.leave(error)
        return isinstance(error, self._catch)

    # What the loop asks

    @property
    def may_be_told(self) -> bool:
        """Return whether it is still to be ended, by this process."""
        return not self._ended and os.getpid() == self._process

    def end_of_turn(self) -> None:
        """End the trial if the script has not.

        Raises CaviarError when the script has told nothing of it; it is handed back then.
        """
        if self.may_be_told and not self._last and not self._why_stopped:
            self.hand_back()
            raise CaviarError(NOTHING_TOLD.format(self.id))
        if self.may_be_told:
            self.complete()

    def leave(self, error: BaseException | None) -> None:
        """End the trial whose training was left with an exception, or nobody knows how."""
        if not self.may_be_told:
            return
        if error is None:
            self.fail(LEFT)
        elif isinstance(error, Exception):
            self.fail_with(error)
        else:  # Ctrl-C, SIGTERM, sys.exit()
            self.hand_back()

    @property
    def _why_stopped(self) -> str | None:
        return self._stop or self._exchange.dropped(self._assignment.key)

    def _in_force(self) -> dict[str, Any]:
        return self._assignment.search.settings | self._assignment.params | self._changed

    def _expect_own_process(self) -> None:
        if os.getpid() != self._process:
            raise CaviarError(
                f"trial {self.id} belongs to another process, which forked this one: report there, or call "
                "client.ask here for trials of this process"
            )

    def _hear(self) -> None:
        """Take in what a person has asked: a stop is obeyed once it is due, a change waits for `changes`."""
        self._expect_own_process()
        if self._ended:
            return
        for order in self._exchange.commands(self._assignment.key):
            if order.id not in self._heard:
                self._heard.add(order.id)
                self._take(ReceivedCommand.of(order, self._epoch))
        for command in self._due("stop"):
            self._stop = "stopped by a person"
            self._answer(command)

    def _take(self, command: ReceivedCommand) -> None:
        if command.kind == "withdraw":
            withdrawn = self._waiting.pop(command.arguments["command"], None)
            if withdrawn is not None:
                self._answer(withdrawn, refused="withdrawn by a person")
            self._answer(command, refused=None if withdrawn else "it had taken effect already")
        elif command.kind not in ("set", "stop"):
            self._answer(command, refused=f"a script cannot {command.kind}; it can set and stop")
        elif _due_epoch(command) is None:
            self._answer(command, refused="a script knows no such moment; it knows now, epoch_end, epoch:30")
        else:
            self._waiting[command.id] = command

    def _take_changes(self) -> None:
        """Put the changes that are due in force."""
        self._hear()
        for command in self._due("set"):
            settings = self._in_force()
            before = {name: settings.get(name) for name in command.arguments}
            self._changed |= command.arguments
            self._untold |= command.arguments
            self._answer(command, before=plain(before), after=plain(command.arguments))

    def _due(self, kind: str) -> list[ReceivedCommand]:
        """Take the commands of a kind whose moment has come, in the order in which they were given.

        A script asks when it likes: a command whose epoch is over by then is refused, or taken late, which is
        said.
        """
        due = []
        for command in [one for one in self._waiting.values() if one.kind == kind]:
            epoch = _due_epoch(command)
            if epoch is None or epoch > self._epoch:
                continue
            del self._waiting[command.id]
            if command.at == NOW or epoch == self._epoch:
                due.append(command)
            elif command.late == APPLY or command.at == EPOCH_END:
                due.append(replace(command, lateness=command.passed(self._epoch)))
            else:
                self._answer(command, refused=command.passed(self._epoch))
        return due

    def _answer(self, command: ReceivedCommand, **outcome: Any) -> None:
        answer = Acknowledgement(
            command=command.id, step=self._epoch, epoch=self._epoch, late=command.lateness, **outcome
        )
        key = self._assignment.key
        self._exchange.report(lambda outbox: outbox.acknowledge(key, 0, [answer]), urgent=True)

    def _obey_rule(self) -> None:
        self._curve.append(self._last.get(self._assignment.metric, math.nan))
        if self._plan is not None and self._stop is None:
            from caviar.search.stopping import as_stored, verdict

            one = self._assignment
            self._stop = verdict(self._plan, list(map(as_stored, self._curve)), one.direction, one.how)

    def _end(self, state: EndState, metrics: Mapping[str, float], reason: str | None) -> None:
        self._finish(result_of(state, metrics, self._epoch, reason))

    def _finish(self, result: Result) -> None:
        key, seconds = self._assignment.key, time.monotonic() - self._began
        self._close(lambda outbox: outbox.result(key, 0, result, seconds))

    def _close(self, write: Write) -> None:
        """Make the last report of the trial, once."""
        self._expect_own_process()
        if not self._ended:
            self._ended = True
            self._exchange.training_ended(self._assignment.key)
            self._exchange.report_last(self._assignment.key, write)


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as numbers, NaN for one that is missing. Raises CaviarError that names the metric."""
    told = {}
    for name, value in metrics.items():
        try:
            told[name] = math.nan if value is None else float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise CaviarError(f"the metric {name!r} is no number that can be told: {error}") from None
    return told


def _due_epoch(command: ReceivedCommand) -> int | None:
    """Return how many epochs must have ended, None for a moment that a script cannot tell."""
    return 0 if command.at == NOW else command.due_epoch()
