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
from caviar.exchange.assignment import Assignment
from caviar.exchange.exchanger import Exchange
from caviar.exchange.outbox import Outbox
from caviar.exchange.pace import Pace
from caviar.records import Search
from caviar.transport import Transport

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # how often a script without work looks whether the search has ended


class Asked:
    """A trial in the hands of a script. It ends with the turn of the loop, or with `complete` or `fail`."""

    def __init__(self, assignment: Assignment, exchange: Exchange) -> None:
        self._assignment = assignment
        self._exchange = exchange
        self._began = time.monotonic()
        self._epoch = 0
        self._last: dict[str, float] = {}
        self._curve: list[float] = []
        self._stop: str | None = None
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
        return dict(self._assignment.search["settings"]) | dict(self._assignment.params)

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
        """Give the reason to stop now, None while there is none: a stopping rule, a person, a lost lease."""
        return self._stop or self._exchange.dropped(self._assignment.key)

    def report(self, **metrics: float) -> None:
        """Tell the metrics of one more epoch; sent in the background."""
        self._epoch += 1
        epoch = self._epoch
        self._last = {name: float(value) for name, value in metrics.items()}
        columns, row = list(self._last), list(self._last.values())
        self._exchange.report(lambda outbox: outbox.epochs(self._assignment.key, 0, columns, epoch, [row]))
        self._obey_rule()

    def changes(self) -> dict[str, Any]:
        """Take the settings that a person has changed; the script is taken to use them from here on."""
        changes: dict[str, Any] = {}
        answers = []
        for command in self._exchange.commands(self._assignment.key):
            answer = {"command": command["id"], "step": self._epoch, "epoch": self._epoch}
            if command["kind"] == "set":
                before = {name: self.params.get(name) for name in command["arguments"]}
                changes |= command["arguments"]
                answer |= {"before": before, "after": command["arguments"]}
            elif command["kind"] == "stop":
                self._stop = "stopped by a person"
            else:
                answer["refused"] = f"a script of one's own cannot {command['kind']}; it can set and stop"
            answers.append(answer)
        if answers:
            key = self._assignment.key
            self._exchange.report(lambda outbox: outbox.acknowledge(key, 0, answers), urgent=True)
        return changes

    def complete(self, **metrics: float) -> None:
        """End the trial with final metrics; those of the last report are taken for what is not given."""
        state = "stopped" if self.should_stop else "completed"
        self._end(
            state, self._last | {name: float(value) for name, value in metrics.items()}, self.should_stop
        )

    def fail(self, reason: str) -> None:
        """End the trial without a result."""
        self._end("failed", {}, reason)

    def _obey_rule(self) -> None:
        metric = self._assignment.search["objective"].get("metric", "dev_error")
        self._curve.append(self._last.get(metric, math.nan))
        stop = self._assignment.stop
        if stop and self._stop is None:
            from search.stopping import StopPlan, kept, verdict

            plan = StopPlan(tuple(map(tuple, stop["checks"])), stop["patience"], stop["warmup"], stop["why"])
            direction = self._assignment.search["objective"].get("direction", "minimize")
            self._stop = verdict(plan, list(map(kept, self._curve)), direction)

    def _end(self, state: str, metrics: Mapping[str, float], reason: str | None) -> None:
        if self._ended:
            return
        self._ended = True
        key, seconds = self._assignment.key, time.monotonic() - self._began
        result = {"state": state, "metrics": dict(metrics), "epoch": self._epoch, "reason": reason}

        def write(outbox: Outbox) -> None:
            outbox.result(key, 0, result, seconds)

        self._exchange.turn_away(key)
        self._exchange.let_go(key, write)


def ask(transport: Transport, search: int) -> Iterator[Asked]:
    """Go through the trials that a search wants trained, until it has ended."""
    if (trainer := _search(transport, search).spec.get("trainer")) != "external":
        raise CaviarError(
            f"search {search} trains with {trainer or 'mlp'!r}; a script needs trainer: external"
        )
    exchange = Exchange(transport, _agent(search), Pace(ahead=False))
    exchange.start()
    try:
        while True:
            assignment = exchange.next(LOOK_SECONDS)
            if assignment is None:
                if _search(transport, search).done:
                    return
                continue
            trial = Asked(assignment, exchange)
            try:
                yield trial
            except GeneratorExit:
                trial.fail("the script left the loop")
                raise
            trial.complete()
    finally:
        exchange.close(10.0)


def _agent(search: int) -> dict[str, Any]:
    from caviar import __version__

    return {
        "id": f"a-{secrets.token_hex(8)}",
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "engine": "script",
        "version": __version__,
        "trainers": ["external"],
        "searches": [search],
    }


def _search(transport: Transport, search: int) -> Search:
    return Search.of(transport.call("GET", f"/searches/{search}"))
