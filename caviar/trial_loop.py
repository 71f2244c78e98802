"""The loop of a script over the trials of a search: it waits for them, and says what it waits for."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Generator
from threading import Event

from caviar import script_end
from caviar.errors import CaviarError, UnreachableError
from caviar.exchange.assigned_trial import AssignedTrial
from caviar.exchange.checkpoint_uploads import CheckpointUploads
from caviar.exchange.device import own_device
from caviar.exchange.exchange import Exchange
from caviar.exchange.prefetch import Prefetch
from caviar.exchange.wire import Agent
from caviar.external_trial import Caught, ExternalTrial
from caviar.records import Search
from caviar.transport import Transport, retry_while_away

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # how often a script looks whether the search has ended, while the server says nothing
SOON_SECONDS = 0.2  # the same, while the server does not know yet how its last trial ended
CLOSE_SECONDS = 10.0  # for the last reports


def ask(
    transport: Transport, search: int, catch: Caught = (), given_up: Event | None = None
) -> Generator[ExternalTrial]:
    """Go through the trials that a search wants trained, until it has ended, or nobody waits any more.

    Raises CaviarError for a search that scripts do not train, for one that paused itself, and when the body
    of the loop does nothing with a trial.
    """
    if (trainer := _first_look(transport, search).spec.get("trainer")) != "external":
        raise CaviarError(
            f"search {search} trains with {trainer or 'mlp'!r}; a script needs trainer: external"
        )
    _note_rank()
    script_end.settle_departures()
    exchange = Exchange(transport, _agent(search), Prefetch(ahead=False), keeps_lease=True)
    exchange.start()
    given_up = given_up or Event()
    waiting = _Waiting(transport, search, exchange, given_up)
    trial: ExternalTrial | None = None
    uploads = CheckpointUploads(exchange)
    close: Callable[[], object] | None = lambda: _close(exchange, uploads)  # noqa: E731
    with script_end.Signals() as signals:
        try:
            while (assignment := waiting.next()) is not None:
                trial = ExternalTrial(assignment, exchange, uploads, catch)
                yield trial
                trial.end_of_turn()
        except GeneratorExit:
            if (
                trial is not None
                and close is not None
                and trial.may_be_told
                and not (signals.come or given_up.is_set())
            ):
                script_end.Departure(trial.leave, close)
                close = trial = None
            raise
        finally:
            if trial is not None and trial.may_be_told:
                trial.hand_back()
            if close is not None and waiting.is_in_its_process:
                close()


async def ask_async(transport: Transport, search: int, catch: Caught = ()) -> AsyncIterator[ExternalTrial]:
    """Go through the trials of a search as `ask` does, waiting for them in a thread."""
    given_up, in_thread = Event(), False
    trials = ask(transport, search, catch, given_up)
    with script_end.Signals():
        try:
            while True:
                in_thread = True
                trial = await asyncio.to_thread(next, trials, None)
                in_thread = False
                if trial is None:
                    return
                yield trial
        finally:
            if in_thread:
                given_up.set()  # the thread ends by itself; a trial that it still gets is handed back
            else:
                trials.close()


def _note_rank() -> None:
    """Say that a rank of a distributed training asks for trials of its own, which is seldom meant."""
    rank = os.environ.get("RANK", "0")
    if os.environ.get("WORLD_SIZE", "1") != "1" and rank != "0":
        logger.warning(
            "this is rank %s of %s, and asks for trials of its own; for one trial of all ranks ask by "
            "caviar.frameworks.ranks.ask, or start them with: caviar run --search N -- torchrun ...",
            rank,
            os.environ["WORLD_SIZE"],
        )


def _close(exchange: Exchange, uploads: CheckpointUploads) -> None:
    """Send what is left: checkpoints first, for a trial that ends or is handed back waits for them."""
    uploads.finish(CLOSE_SECONDS)
    exchange.close(CLOSE_SECONDS)


class _Waiting:
    """A script's wait for its next trial."""

    def __init__(self, transport: Transport, search: int, exchange: Exchange, given_up: Event) -> None:
        self._transport = transport
        self._search = search
        self._exchange = exchange
        self._given_up = given_up
        self._process = os.getpid()
        self._said: str | None = None

    @property
    def is_in_its_process(self) -> bool:
        """Return whether this is the process that began to ask; in one that it forked no exchange goes on."""
        return os.getpid() == self._process

    def next(self) -> AssignedTrial | None:
        """Return the next trial, None when the search has ended.

        Raises CaviarError for a search that paused itself, and in a forked process.
        """
        if not self.is_in_its_process:
            raise CaviarError(
                "this loop belongs to another process, which forked this one; call client.ask here too"
            )
        while not self._given_up.is_set():
            assignment = self._exchange.next(SOON_SECONDS if self._exchange.holds else LOOK_SECONDS)
            if assignment is not None:
                return assignment
            found = self._look()
            if found is not None and found.done:
                return None
            if found is not None and not self._exchange.holds:  # else it waits for its own last trial
                self._say(found)
        return None

    def _look(self) -> Search | None:
        """Read the search; None while the server is away or in trouble."""
        try:
            return _search(self._transport, self._search)
        except CaviarError as error:
            if not error.may_pass:
                raise
            logger.info("search %d cannot be seen now; looking again: %s", self._search, error)
            return None

    def _say(self, found: Search) -> None:
        """Say why there is nothing to train, once each time the reason changes."""
        if found.waits_for_a_person:
            why = "; ".join(str(one["message"]) for one in found.warnings)
            raise CaviarError(
                f"search {found.id} has paused itself: {why}. Once that is mended: caviar resume {found.id}, "
                "and start this script again"
            )
        reason = _reason_to_wait(found)
        if reason != self._said:
            self._said = reason
            if reason is not None:
                logger.warning("search %d: %s", found.id, reason)


def _reason_to_wait(found: Search) -> str | None:
    """Return what only a person can change about a search that gives nothing, None where it is its course."""
    if found.state == "paused":
        return f"it is paused; this script waits until somebody resumes it (caviar resume {found.id})"
    running = found.counts.get("running", 0)
    if found.mode != "panda" and found.parallel <= running < found.trials - found.finished:
        told = f"others train as many trials as it may have at a time (parallel: {found.parallel})"
        return f"{told}; this script waits. For more: caviar edit {found.id} parallel={found.parallel + 1}"
    return None


def _agent(search: int) -> Agent:
    from caviar import __version__

    return Agent(
        id=f"a-{secrets.token_hex(8)}",
        host=socket.gethostname(),
        pid=os.getpid(),
        version=__version__,
        trainers=["external"],
        searches=[search],
        device=own_device(),
    )


def _first_look(transport: Transport, search: int) -> Search:
    """Read the search, with patience for a server that many scripts ask at once.

    Raises CaviarError: at once where nobody listens, for the address is wrong then or the server not started.
    """
    try:
        return _search(transport, search)
    except UnreachableError as error:
        if not error.timed_out:
            raise
        logger.warning("%s Trying again for a minute.", error)
        return retry_while_away(lambda: _search(transport, search))


def _search(transport: Transport, search: int) -> Search:
    return Search.of(transport.call("GET", f"/searches/{search}"))
