"""A training script of one's own takes part in a search: ask for trials, report on them, obey.

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
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

from caviar.errors import CaviarError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.command import NOW, ReceivedCommand
from caviar.exchange.exchange import Exchange
from caviar.exchange.outbox import Outbox
from caviar.exchange.prefetch import Prefetch
from caviar.exchange.result import result_of
from caviar.exchange.wire import Acknowledgement, Agent, EndState
from caviar.json_body import plain
from caviar.records import Search
from caviar.transport import Transport

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # how often a script without work looks whether the search has ended


class ExternalTrial:
    """A trial in the hands of a script. It ends with the turn of the loop, or with `complete` or `fail`."""

    def __init__(self, assignment: AssignedTrial, exchange: Exchange) -> None:
        self._assignment = assignment
        self._exchange = exchange
        self._began = time.monotonic()
        self._epoch = 0
        self._last: dict[str, float] = {}
        self._curve: list[float] = []
        self._plan = assignment.stop_plan()
        self._stop: str | None = None
        self._waiting: dict[
            int, ReceivedCommand
        ] = {}  # what a person has asked and is not due, or not taken yet
        self._heard: set[int] = set()  # by id: until it is answered, a command may come again
        self._ended = False

    @property
    def id(self) -> str:
        """Give its name, such as 3.17."""
        return self._assignment.trial

    @property
    def number(self) -> int:
        """Give its number in the search."""
        return self._assignment.number

    @property
    def params(self) -> dict[str, Any]:
        """Give what to train with: the fixed settings of the search, and the point of its space over them."""
        return self._assignment.search.settings | self._assignment.params

    @property
    def seed(self) -> int:
        """Give the seed for everything random in this trial."""
        return self._assignment.seed

    @property
    def epochs(self) -> int | None:
        """Give how many epochs to train, None where the search does not say."""
        epochs = self._assignment.epochs or self.params.get("epochs")
        return None if epochs is None else int(epochs)

    @property
    def should_stop(self) -> str | None:
        """Give the reason to stop now, None while there is none: a stopping rule, a person, a lost lease.

        Raises whatever ended the talk with the server for good.
        """
        self._hear()
        return self._why_stopped

    def report(self, **metrics: float) -> None:
        """Tell the metrics of one more epoch; sent in the background."""
        self._epoch += 1
        epoch = self._epoch
        self._last = {name: float(value) for name, value in metrics.items()}
        columns, row = list(self._last), list(self._last.values())
        self._exchange.report(lambda outbox: outbox.epochs(self._assignment.key, 0, columns, epoch, [row]))
        self._obey_rule()

    def changes(self) -> dict[str, Any]:
        """Take the settings that a person has changed; the script is taken to use them from here on.

        Raises whatever ended the talk with the server for good.
        """
        self._hear()
        changes: dict[str, Any] = {}
        for command in self._due("set"):
            before = {name: self.params.get(name) for name in command.arguments}
            changes |= command.arguments
            self._answer(command, before=plain(before), after=plain(command.arguments))
        return changes

    def complete(self, **metrics: float) -> None:
        """End the trial with final metrics; those of the last report are taken for what is not given."""
        reason = self._why_stopped
        final = self._last | {name: float(value) for name, value in metrics.items()}
        self._end("stopped" if reason else "completed", final, reason)

    def fail(self, reason: str) -> None:
        """End the trial without a result."""
        self._end("failed", {}, reason)

    @property
    def _why_stopped(self) -> str | None:
        return self._stop or self._exchange.dropped(self._assignment.key)

    def _hear(self) -> None:
        """Take in what a person has asked: a stop is obeyed once it is due, a change waits for `changes`."""
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

    def _due(self, kind: str) -> list[ReceivedCommand]:
        """Take the commands of a kind whose moment has come, in the order in which they were given."""
        due = [
            one
            for one in self._waiting.values()
            if one.kind == kind and (epoch := _due_epoch(one)) is not None and epoch <= self._epoch
        ]
        for command in due:
            del self._waiting[command.id]
        return due

    def _answer(self, command: ReceivedCommand, **outcome: Any) -> None:
        answer = Acknowledgement(command=command.id, step=self._epoch, epoch=self._epoch, **outcome)
        key = self._assignment.key
        self._exchange.report(lambda outbox: outbox.acknowledge(key, 0, [answer]), urgent=True)

    def _obey_rule(self) -> None:
        self._curve.append(self._last.get(self._assignment.metric, math.nan))
        if self._plan is not None and self._stop is None:
            from caviar.search.stopping import as_stored, verdict

            self._stop = verdict(self._plan, list(map(as_stored, self._curve)), self._assignment.direction)

    def _end(self, state: EndState, metrics: Mapping[str, float], reason: str | None) -> None:
        if self._ended:
            return
        self._ended = True
        key, seconds = self._assignment.key, time.monotonic() - self._began
        result = result_of(state, metrics, self._epoch, reason)

        def write(outbox: Outbox) -> None:
            outbox.result(key, 0, result, seconds)

        self._exchange.training_ended(key)
        self._exchange.report_last(key, write)


def ask(transport: Transport, search: int) -> Iterator[ExternalTrial]:
    """Go through the trials that a search wants trained, until it has ended."""
    if (trainer := _search(transport, search).spec.get("trainer")) != "external":
        raise CaviarError(
            f"search {search} trains with {trainer or 'mlp'!r}; a script needs trainer: external"
        )
    exchange = Exchange(transport, _agent(search), Prefetch(ahead=False))
    exchange.start()
    try:
        while True:
            assignment = exchange.next(LOOK_SECONDS)
            if assignment is None:
                if _ended(transport, search):
                    return
                continue
            trial = ExternalTrial(assignment, exchange)
            try:
                yield trial
            except GeneratorExit:
                trial.fail("the script left the loop")
                raise
            trial.complete()
    finally:
        exchange.close(10.0)


def _agent(search: int) -> Agent:
    from caviar import __version__

    return Agent(
        id=f"a-{secrets.token_hex(8)}",
        host=socket.gethostname(),
        pid=os.getpid(),
        version=__version__,
        trainers=["external"],
        searches=[search],
    )


def _due_epoch(command: ReceivedCommand) -> int | None:
    """Return how many epochs must have ended, None for a moment that a script cannot tell."""
    return 0 if command.at == NOW else command.due_epoch()


def _ended(transport: Transport, search: int) -> bool:
    """Tell whether a search has ended; as long as the server is away or in trouble, it has not."""
    try:
        return _search(transport, search).done
    except CaviarError as error:
        if not error.may_pass:
            raise
        logger.info("whether search %d has ended cannot be seen now; looking again: %s", search, error)
        return False


def _search(transport: Transport, search: int) -> Search:
    return Search.of(transport.call("GET", f"/searches/{search}"))
