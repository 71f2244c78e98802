"""The thread that talks to the server: one call carries reports away and brings trials, commands and drops.

The training thread never waits for it. What it reports is kept until the server has acknowledged it, through
any outage, and sent again as it was: the server's fences make a repetition harmless.
"""

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable

import httpx
from pydantic import ValidationError

from caviar.errors import CaviarError, RefusedError, UnreachableError
from caviar.exchange.assigned_trial import AssignedTrial, Key
from caviar.exchange.holdings import Holdings
from caviar.exchange.lease_keeper import LeaseKeeper
from caviar.exchange.long_poll import poll_for_hints
from caviar.exchange.outbox import Outbox, key_of
from caviar.exchange.prefetch import SHORT_SECONDS, Prefetch
from caviar.exchange.training_note import TrainingNote
from caviar.exchange.wire import (
    AGENT_SECRET,
    INTERVAL_SECONDS,
    LEASE_SECONDS,
    Agent,
    CommandOrder,
    ExchangeRequest,
    ExchangeResponse,
)
from caviar.transport import Transport

logger = logging.getLogger(__name__)

FIRST_BACKOFF, LONGEST_BACKOFF = 0.1, 5.0
LEAST_GAP = 0.005  # seconds between two exchanges
TRY_AGAIN = frozenset({401, 403, 408, 409, 425, 429})  # besides every 5xx: these may pass
Write = Callable[[Outbox], None]


def new_secret() -> str:
    """Draw what proves an agent to the server."""
    return f"cax_{secrets.token_urlsafe(32)}"


class Exchange:
    """The trials an agent holds, and all that is said about them."""

    def __init__(
        self,
        transport: Transport,
        agent: Agent,
        prefetch: Prefetch | None = None,
        *,
        secret: str | None = None,
        note: TrainingNote | None = None,
        keeps_lease: bool = False,
    ) -> None:
        """Make the agent's side; `secret` and `note` come from its supervisor, if it has one.

        With `keeps_lease` the lease is renewed while this process holds the interpreter.
        """
        # Another agent may have the same token: only this process can show what it has drawn here.
        self.transport = transport.with_headers({AGENT_SECRET: secret or new_secret()})
        self.agent = agent
        self.lease, self.interval = (
            LEASE_SECONDS,
            INTERVAL_SECONDS,
        )  # until the first answer brings the server's
        self.failure: BaseException | None = None  # what ended the exchange for good
        self._prefetch = prefetch or Prefetch()
        self.note = note or TrainingNote()
        self._keeps_lease = keeps_lease
        self._keeper: LeaseKeeper | None = None
        self._changed = threading.Condition()
        self._outbox = Outbox()
        self._holdings = Holdings()
        self._heard = self._last = self._asked = time.monotonic()
        self._sequence = self._answered = self._written = self._acknowledged = 0
        self._failures = 0
        self._seen: tuple[str | None, int] | None = None  # database and revision of the last answer
        self._again_at = 0.0
        self._begun = 0.0  # the training in hand
        self._hinted = False  # the server has something: ask now
        self._none = False  # it has just said that it has no trial
        self._more = True  # it may have more trials: ask when they run low
        self.enough = False  # set to ask for no more trials
        self._deadline: float | None = None  # set when closing
        self._left = False  # the server has our goodbye
        self._threads = [
            threading.Thread(target=self.guard, args=(work,), name=name, daemon=True)
            for work, name in ((self._talk, "exchange"), (lambda: poll_for_hints(self), "hints"))
        ]

    def start(self) -> None:
        """Begin to talk."""
        if self._keeps_lease:
            self._keeper = LeaseKeeper(self.transport, self.agent.id, self.lease)
        for thread in self._threads:
            thread.start()

    def close(self, seconds: float) -> bool:
        """Send what is left within so many seconds, then say goodbye; return whether all of it arrived."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
            self._changed.notify_all()
        self._threads[0].join(seconds + 1)
        if self._keeper is not None:
            self._keeper.close()
        return not len(self._outbox)

    # What the training thread asks

    def next(self, timeout: float) -> AssignedTrial | None:
        """Return the next trial to train, None when the server says that it has none, or nothing for so long.

        Raises whatever ended the exchange for good.
        """
        with self._changed:
            if not self._holdings.queue:
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._holdings.queue or self._none or self.failure, timeout)
            self._check()
            self._none = False
            if not self._holdings.queue:
                return None
            assignment = self._holdings.begin()
            self._begun = time.monotonic()
            self.note.begin(assignment.key, assignment.limits)
            if self._more and self._prefetch.low(len(self._holdings.queue), True):
                self._changed.notify_all()
            return assignment

    def news(self, key: Key) -> bool:
        """Return whether commands or a drop have come; costs nothing, so ask between any two slices."""
        return self._holdings.news(key) or self.failure is not None

    def commands(self, key: Key) -> list[CommandOrder]:
        """Take the commands that have come for a trial.

        Raises whatever ended the exchange for good.
        """
        with self._changed:
            self._check()
            return self._holdings.commands(key)

    def dropped(self, key: Key) -> str | None:
        """Return why the server does not want this attempt any more, None while it does."""
        return self._holdings.why_dropped(key)

    def silent(self) -> bool:
        """Return whether the server was not heard for a whole lease: nobody may train on such an attempt."""
        return time.monotonic() - self._heard > self.lease

    def announce(self, assignment: AssignedTrial) -> None:
        """Let the server know what is in training now, before a trial is tried again that was lost before.

        If it takes this agent down, it must be known that it did, and not a trial that had just ended.
        """
        if assignment.attempt > 1:
            self._get_through()

    def let_through(self, seconds: float) -> None:
        """Let the server hear of this agent after a slice that took so many seconds.

        A trainer that holds the interpreter for as long keeps the exchange from talking. Between two such
        slices it must get through, or the lease of an agent that works runs out.
        """
        if seconds >= self.lease / 4:
            self._get_through()

    def _get_through(self) -> None:
        """Wait for the answer to an exchange that begins now, a quarter of the lease at most."""
        with self._changed:
            awaited = self._sequence + 1  # one that begins now: what is under way may be older than the slice
            self._hinted = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._answered >= awaited or self._failures or self.failure, self.lease / 4
            )

    def report(self, write: Write, *, urgent: bool = False) -> int:
        """Write to the outbox; gives a number for `acknowledged`."""
        with self._changed:
            due = self._outbox.due
            write(self._outbox)
            self._written += 1
            if urgent:
                self._outbox.due = 0.0
            if self._outbox.due < due:
                self._changed.notify_all()
            return self._written

    def training_ended(self, key: Key, seconds: float | None = None) -> None:
        """Say that the training thread is free again; `seconds` is what a finished trial took."""
        with self._changed:
            if self._holdings.training == key:
                self._forget_dropped()
                self._holdings.end(key)
                self.note.end()
            if seconds is not None:
                self._prefetch.finished(int(key[0].partition(".")[0]), seconds)

    def report_last(self, key: Key, write: Write) -> None:
        """Write the last report of a trial: its result, or that it is paused or released."""
        if self._holdings.get(key) is not None:  # else it was dropped: nobody wants to hear of it
            self.report(write, urgent=self._holdings.idle)

    def take_back(self) -> list[AssignedTrial]:
        """Empty the queue, to hand the trials back to the server."""
        with self._changed:
            waiting = list(self._holdings.queue)
            self._holdings.queue.clear()
            return waiting

    def acknowledged(self, number: int, timeout: float) -> bool:
        """Wait until the server has everything up to a number that `report` gave."""
        with self._changed:
            self._changed.wait_for(lambda: self._acknowledged >= number or self.failure, timeout)
            return self._acknowledged >= number

    def hint(self) -> None:
        """Ask the server soon: it seems to have something."""
        with self._changed:
            self._hinted = True
            self._changed.notify_all()

    @property
    def holds(self) -> bool:
        """Return whether there is a trial of which the server does not know yet what became."""
        with self._changed:
            return bool(self._holdings.held())

    @property
    def known(self) -> bool:
        """Return whether the server knows this agent and is there."""
        return self._sequence > 0 and not self._failures

    @property
    def busy_with_short_trials(self) -> bool:
        """Return whether a hint is of no use: the next exchange comes soon, and there is enough to do."""
        return self._prefetch.short and not self._holdings.idle and not self._long_in_hand

    @property
    def ended(self) -> bool:
        """Return whether there is nothing more to listen for."""
        return self._deadline is not None or self.failure is not None

    @property
    def _long_in_hand(self) -> bool:
        """Return whether the training in hand is longer than short ones: nothing may wait behind it."""
        return self._holdings.training is not None and time.monotonic() - self._begun > SHORT_SECONDS

    # The exchange thread

    def _talk(self) -> None:
        while True:
            with self._changed:
                while (delay := self._delay()) > 0:
                    self._changed.wait(delay)
                if self._over():
                    return
                request, reached = self._request()
            try:
                answer = self._post(request)
            except (CaviarError, httpx.HTTPError, ValidationError) as error:
                self._failed(error)
            else:
                with self._changed:
                    self._apply(answer, request, reached)

    def _post(self, request: ExchangeRequest) -> ExchangeResponse:
        """Send a request; a metric in it may be NaN, of which the server stores null."""
        body = request.model_dump(exclude_unset=True, warnings=False)
        timeout = max(10.0, self.lease / 2)
        given = self.transport.call("POST", "/exchange", json=body, timeout=timeout, missing=True)
        return ExchangeResponse.model_validate(given)

    def _over(self) -> bool:
        if self._deadline is None:
            return False
        # A goodbye alone is not worth waiting for a server that is away: its lease frees our place.
        unheard = not len(self._outbox) and (self._failures > 0 or not self._sequence)
        return self._left or unheard or time.monotonic() > self._deadline

    def _delay(self) -> float:
        """Seconds until the next exchange is due, with what is known now."""
        now = time.monotonic()
        due = min(self._last + self.interval, self._outbox.due)
        if self._hinted and not self.busy_with_short_trials:
            due = 0.0
        low = self._prefetch.low(len(self._holdings.queue), self._holdings.training is not None)
        hungry = self._more and low and not self._long_in_hand and not self.enough
        idle_with_news = self._holdings.idle and len(self._outbox)
        if hungry or idle_with_news or self._deadline is not None:
            due = 0.0
        if self._over():
            return 0.0
        return max(due, self._again_at, self._last + LEAST_GAP) - now

    def _request(self) -> tuple[ExchangeRequest, int]:
        """Build the next request, and the number up to which its reports go."""
        self._sequence += 1
        self._asked = time.monotonic()
        self._hinted = False
        training, long = self._holdings.training is not None, self._long_in_hand
        want = self._prefetch.want(len(self._holdings.queue), training)
        if self.enough or self._deadline is not None or long:
            want = 0
        if long:
            for waiting in self.take_back():
                self._outbox.state(waiting.key, 0, "released")
        self._forget_dropped()
        reports = self._outbox.take()
        last = {key_of(one) for one in reports if one.result or one.state}
        reached = self._written if len(reports) == len(self._outbox) else self._acknowledged
        request = ExchangeRequest.model_construct(
            agent=self.agent,
            sequence=self._sequence,
            leaving=self._deadline is not None and len(reports) == len(self._outbox),
            want=want,
            known=[int(search) for search in self._holdings.searches],
            holding=[key for key in self._holdings.held() if key not in last],
            reports=reports,
            training=self.note.now,
        )
        return request, reached

    def _apply(self, answer: ExchangeResponse, request: ExchangeRequest, reached: int) -> None:
        if self._failures:
            logger.info("the server is there again, after %d failed tries", self._failures)
        self._failures, self._again_at = 0, 0.0
        if not self._answered:
            self.note.end()  # nothing is in training yet: from here on its supervisor may call it idle
        self._heard, self._last = self._asked, time.monotonic()  # the lease counts from before the answer
        self._answered = request.sequence
        self.lease, self.interval = answer.lease, answer.interval
        if self._keeper is not None:
            self._keeper.heard(self.lease)
        for report in self._outbox.sent():
            if report.result or report.state:
                self._holdings.forget(key_of(report))
        self._acknowledged = max(self._acknowledged, reached)
        trials = answer.trials
        if self._is_other(answer.database, answer.revision):
            logger.warning("the server has another database now, or an earlier state of it")
            self._holdings.searches.clear()
            trials = []  # of searches that it was said to know; they are given again
            self._hinted = True
        came = self._holdings.take_on(trials, answer.searches)
        self._holdings.receive(answer.commands)
        for drop in answer.drop:
            key = drop.trial, drop.attempt
            self._outbox.forget(key)
            self._holdings.drop(key, drop.why)
        self._none = request.want > 0 and not came
        self._more = came >= request.want > 0 or (self._more and not request.want)
        self._left = request.leaving
        self._changed.notify_all()

    def _is_other(self, database: str | None, revision: int) -> bool:
        """Return whether other data are behind the address than at the last answer, under the same ids."""
        before, self._seen = self._seen, (database, revision)
        return before is not None and (before[0] != database or revision < before[1])

    def _forget_dropped(self) -> None:
        """Say nothing more of what was dropped: another database may have a namesake."""
        for key in self._holdings.dropped():
            self._outbox.forget(key)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, RefusedError) and error.status < 500 and error.status not in TRY_AGAIN:
            raise error
        with self._changed:
            self._failures += 1
            longest = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(self._failures - 1, 10))
            self._last = time.monotonic()
            self._again_at = self._last + longest * random.uniform(0.5, 1.0)
            self._changed.notify_all()
            if self._failures == 1:
                level = logging.INFO if isinstance(error, UnreachableError) else logging.WARNING
                logger.log(level, "the server takes no reports; keeping them and trying again: %s", error)

    def guard(self, work: Callable[[], None]) -> None:
        """Run the work of a thread; what ends it against all expectation is raised in the training thread."""
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            with self._changed:
                self.failure = error
                self._changed.notify_all()

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
