"""The worker: takes trials from the exchange and trains them, one at a time, until it is told to stop."""

from __future__ import annotations

import logging
import math
import threading
from collections import defaultdict
from typing import Any

from threadpoolctl import threadpool_limits

from caviar import trainers
from caviar.agents.datasets import DataCache
from caviar.agents.limit_watch import LimitWatch
from caviar.agents.run_factory import RunFactory
from caviar.agents.trial_runner import TrialRunner
from caviar.agents.watchdog import Watchdog
from caviar.errors import TrialLimitError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.checkpoint_uploads import CheckpointUploads
from caviar.exchange.exchange import Exchange
from caviar.exchange.result import failure
from caviar.trial_settings import trial_settings

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 8.0  # for the last uploads and reports, each
LONG_SECONDS = 2.0  # a trial that took longer has its model stored, whatever came of it


class Worker:
    """The training thread of an agent."""

    def __init__(self, exchange: Exchange) -> None:
        self.stopping = threading.Event()
        self._exchange = exchange
        self._uploads = CheckpointUploads(exchange)
        self._watchdog = Watchdog(exchange, self.leave)
        self._limits = LimitWatch(exchange, exchange.note, self.leave, self.stop)
        self._data = DataCache(exchange.transport)
        self._threads = 1  # that libraries may take: the process began with one
        self._best: dict[int, float] = defaultdict(lambda: math.inf)

    def run(self) -> None:
        """Train until stopped; then hand back what is left.

        Raises what ended the exchange for good.
        """
        self._exchange.start()
        self._watchdog.start()
        self._limits.start()
        try:
            while not self.stopping.is_set():
                assignment = self._exchange.next(timeout=0.5)
                if assignment is not None:
                    self._train(assignment)
        finally:
            self._watchdog.stop()
            self._limits.close()
        self._drain()

    @property
    def renewed(self) -> bool:
        """Return whether it has stopped for another process to take its place."""
        return self._limits.renew_at is not None

    def stop(self) -> None:
        """Stop between two slices; safe in a signal handler."""
        self._exchange.enough = True  # else the trial handed back would be given to this agent again
        self.stopping.set()

    def leave(self) -> None:
        """Stop and hand back what is left, in another thread than the one that trains: that may be stuck."""
        self.stop()
        self._drain()

    def _train(self, assignment: AssignedTrial) -> None:
        key = assignment.key
        self._limits.begin(assignment)
        try:
            self._exchange.announce(assignment)
            # Loading may take long, and serves other trials too: of what watches only its limits hold.
            runs = self._runs(assignment)
            self._limits.check()
            with self._watchdog.over(assignment):
                runner = TrialRunner(assignment, runs, self._exchange, self._uploads, self.stopping)
                runner.limits = self._limits
                runner.model_due = lambda value, seconds: self._model_due(assignment, value, seconds)
                runner.train()
        except (Exception, SystemExit) as error:  # a trainer that calls exit() ends its trial, not its agent
            self._exchange.training_ended(key)
            if self._exchange.failure is not None:
                raise
            expected = isinstance(error, ValueError | LookupError | TrialLimitError)
            level = logging.INFO if expected else logging.ERROR
            extra = {"trial": key[0], "attempt": key[1]}
            logger.log(
                level, "trial %s failed: %s", key[0], error, extra=extra, exc_info=level > logging.INFO
            )
            result = failure(error)
            self._exchange.report_last(key, lambda outbox: outbox.result(key, 0, result, None))
        finally:
            self._limits.done()

    def _runs(self, assignment: AssignedTrial) -> RunFactory:
        search = assignment.search
        trainer: Any = trainers.get(search.trainer)
        if trainer is None:
            installed = ", ".join(trainers.names())
            raise LookupError(f"the trainer {search.trainer!r} is not installed here; installed: {installed}")
        self._allow(min(search.threads, getattr(trainer, "most_threads", search.threads)))
        settings = trial_settings(search.settings, assignment.params, assignment.epochs, assignment.seed)
        data = self._data.get(search.trainer, trainer, search.dataset, settings)
        return RunFactory(assignment, trainer, data, self._exchange.transport)

    def _allow(self, threads: int) -> None:
        """Let libraries take so many threads; to ask them takes milliseconds."""
        if threads != self._threads:
            threadpool_limits(threads)
            self._threads = threads

    def _model_due(self, assignment: AssignedTrial, value: float, seconds: float) -> bool:
        """Models are stored of long and of babysat trials, and of each that is the best of its search so far.

        So the best trial of a search always has one, and a search of a thousand short ones stores about ten.
        The others can be had again by training them again.
        """
        if assignment.direction == "maximize":
            value = -value
        best = value <= self._best[assignment.search_id]
        if best:
            self._best[assignment.search_id] = value
        return best or seconds > LONG_SECONDS or assignment.search.mode == "panda"

    def _drain(self) -> None:
        """Hand back the trials that wait here, and see that everything arrives."""
        for assignment in self._exchange.take_back():
            key = assignment.key
            self._exchange.report_last(key, lambda outbox, key=key: outbox.state(key, 0, "released"))  # type: ignore[misc]
        if not self._uploads.finish(DRAIN_SECONDS) or not self._exchange.close(DRAIN_SECONDS):
            logger.warning("the server was not there for the last reports; its lease will free these trials")
