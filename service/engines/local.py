"""The default engine: agents as supervised processes of this machine, warm, that die with their parent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from caviar.agents.process import SECRET_VARIABLE, new_id
from caviar.agents.watchdog import GRACE_SECONDS
from caviar.exchange.device import DEVICE_VARIABLE
from caviar.exchange.exchange import new_secret
from caviar.exchange.training_note import overdue_by, read_note
from caviar.exchange.wire import AgentEnd
from caviar.service.engines.endings import ORDERLY, OutOfMemory, ending, limit_end, silent_end

logger = logging.getLogger(__name__)

FIRST_BACKOFF, LONGEST_BACKOFF = 0.1, 30.0
NICE = 5  # agents train on every core: the server that answers them, and people, go first
HEALTHY_SECONDS = 10.0  # an agent that lived this long is restarted at once when it dies

REPORT_SECONDS = 5.0  # for the reports of lost agents at the end
LIMIT_LOOK_SECONDS, LIMIT_GRACE_SECONDS = 0.2, 0.7  # for an agent to end a trial by itself
LOOKS = 3  # for silent agents, within their grace

OnLost = Callable[["LostAgent"], Awaitable[None]]
Silent = Callable[[Collection[str]], Awaitable[Collection[str]]]


@dataclass(frozen=True)
class LostAgent:
    """An agent that ended by itself; its secret lets whoever kept it speak for it."""

    id: str
    secret: str
    end: AgentEnd
    answered: bool  # by the server, ever


class LocalEngine:
    """Keeps a number of agents running on this machine.

    `on_lost(agent)` is awaited as soon as one dies, so that its trials need not wait for a lease.
    `silent(agents)` tells which of them have let their leases run out: those that have not come back after
    `grace` seconds are killed, because a trainer that holds the interpreter keeps them from ending.
    """

    def __init__(
        self,
        url: str,
        workers: int,
        on_lost: OnLost,
        *,
        token: str | None = None,
        options: Sequence[str] = ("--engine", "local"),
        devices: Sequence[str] = (),
        silent: Silent | None = None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._url = url
        self._workers = workers
        self._on_lost = on_lost
        self._token = token
        self._options = options  # of `python -m caviar.agents`
        self._devices = devices  # one for each agent, if any
        self._silent = silent
        self._grace = grace
        self._stopping = asyncio.Event()
        self._looking: list[asyncio.Task[None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._killed: dict[str, AgentEnd] = {}  # with why
        self._late: set[str] = set()  # agents that did not end when they were told to
        self._reports: set[asyncio.Task[None]] = set()
        self._notes: dict[str, int] = {}  # the open file into which each agent writes what it trains
        self._memory = OutOfMemory()

    @property
    def agents(self) -> dict[str, int]:
        """Return the ids of the agents that run now, with their process numbers."""
        return {agent: process.pid for agent, process in self._processes.items()}

    def idle(self) -> bool:
        """Return whether all agents are there, have been answered by the server, and train nothing."""
        notes = [read_note(note) for note in self._notes.values()]
        return len(notes) == self._workers and all(
            answered and training is None for answered, training in notes
        )

    async def start(self) -> None:
        """Start the agents and supervise them from now on."""
        for number in range(self._workers):
            device = self._devices[number] if self._devices else None
            supervise = self._supervise(device)
            self._tasks.append(asyncio.create_task(supervise, name=f"agent supervisor {number + 1}"))
        self._looking.append(asyncio.create_task(self._look_at_memory(), name="memory"))
        self._looking.append(asyncio.create_task(self._look_at_limits(), name="limits of trials"))
        if self._silent is not None:
            self._looking.append(asyncio.create_task(self._look(self._silent), name="silent agents"))

    async def stop(self, grace: float) -> None:
        """Ask the agents to hand their trials back and end; kill what is left after `grace` seconds."""
        self._stopping.set()
        for looking in self._looking:
            looking.cancel()
        for process in list(self._processes.values()):
            _signal(process, signal.SIGTERM)
        waiting = [task for task in self._tasks if not task.done()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=grace)
            for agent, process in list(self._processes.items()):
                logger.warning("an agent did not end in time and is killed", extra={"agent": agent})
                self._killed[agent] = AgentEnd(reason="was killed: it did not end in time", cause="outside")
                self._late.add(agent)
                _signal(process, signal.SIGKILL)
            await _ended(late)
        await _ended(self._reports)

    async def _supervise(self, device: str | None) -> None:
        """Run one agent after the other, all on one device."""
        pause = FIRST_BACKOFF
        while not self._stopping.is_set():
            agent = new_id()
            started = asyncio.get_running_loop().time()
            lost = await self._run(agent, device)
            if self._stopping.is_set():
                if agent in self._late:
                    self._report(lost)
                return
            lived = asyncio.get_running_loop().time() - started
            in_training = lost.end.training is not None  # that is the trial's affair, and bounded
            its_affair = in_training or lost.end.reason in ORDERLY.values()
            started_well = its_affair or lived > HEALTHY_SECONDS
            pause = FIRST_BACKOFF if started_well else min(LONGEST_BACKOFF, 2 * pause)
            logger.warning(
                "an agent %s; another one starts in %.1f s", lost.end.reason, pause, extra={"agent": agent}
            )
            self._report(lost)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    def _report(self, lost: LostAgent) -> None:
        """Have a lost agent reported; its successor does not wait for that."""
        task = asyncio.create_task(self._tell(lost), name="report")
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def _tell(self, lost: LostAgent) -> None:
        try:
            await self._on_lost(lost)
        except Exception:  # the lease will free its trials
            logger.exception("a lost agent could not be reported", extra={"agent": lost.id})

    async def _look_at_memory(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._memory.look()

    async def _look_at_limits(self) -> None:
        """Kill the agents that do not end a trial which has let a limit of time pass."""
        while True:
            await asyncio.sleep(LIMIT_LOOK_SECONDS)
            for agent, note in list(self._notes.items()):
                broken = overdue_by(note, LIMIT_GRACE_SECONDS)
                process = self._processes.get(agent)
                if broken is None or process is None:
                    continue
                end = limit_end(process.pid, broken)
                if end is not None:
                    self._killed[agent] = end
                    _signal(process, signal.SIGKILL)

    async def _look(self, silent: Silent) -> None:
        """Kill the agents that LOOKS looks in a row, after a first one, find silent."""
        looks: dict[str, int] = {}
        while True:
            await asyncio.sleep(self._grace / LOOKS)
            try:
                found = await silent(list(self._processes))
            except Exception:
                logger.exception("it is not known which agents are silent")
                found = ()
            looks = {agent: looks.get(agent, 0) + 1 for agent in found if agent in self._processes}
            for agent in [agent for agent, times in looks.items() if times > LOOKS]:
                self._killed[agent] = silent_end(self._processes[agent].pid, self._grace)
                _signal(self._processes[agent], signal.SIGKILL)

    async def _run(self, agent: str, device: str | None) -> LostAgent:
        """Run one agent to its end; tell how it ended, and what it was training."""
        secret = new_secret()
        with tempfile.TemporaryFile() as note:
            self._notes[agent] = note.fileno()
            try:
                end = await self._run_with(agent, secret, note.fileno(), device)
            finally:
                del self._notes[agent]
            answered, training = read_note(note.fileno())
        return LostAgent(agent, secret, end.model_copy(update={"training": training}), answered)

    async def _run_with(self, agent: str, secret: str, note: int, device: str | None) -> AgentEnd:
        try:
            process = await asyncio.create_subprocess_exec(
                # -P: a folder named caviar, where the server was started, must not hide ours
                *(sys.executable, "-P", "-m", "caviar.agents", "--url", self._url, "--id", agent),
                *("--parent", str(os.getpid()), "--nice", str(NICE), "--note", str(note)),
                *self._options,
                pass_fds=(note,),
                stdin=asyncio.subprocess.PIPE,  # held open by this process alone: its end is the agents' end
                env=self._environment(device) | {SECRET_VARIABLE: secret},
                start_new_session=True,  # Ctrl-C is for the server, which then stops its agents in good order
            )
        except OSError as error:
            return AgentEnd(reason=f"could not be started ({error})", cause="outside")
        self._processes[agent] = process
        if self._stopping.is_set():
            _signal(process, signal.SIGTERM)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            _signal(process, signal.SIGKILL)
            await process.wait()  # else its transport outlives the event loop
            raise
        finally:
            del self._processes[agent]
        return self._killed.pop(agent, None) or ending(code, self._memory)

    def _environment(self, device: str | None) -> dict[str, str]:
        from caviar.agents.__main__ import THREAD_VARIABLES

        environment = dict(os.environ) | dict.fromkeys(THREAD_VARIABLES, "1")
        for variable in ("CAVIAR_URL", "CAVIAR_TOKEN", "CAVIAR_TOKEN_FILE"):  # of another server, maybe
            environment.pop(variable, None)
        if self._token is not None:
            environment["CAVIAR_TOKEN"] = self._token
        if device is not None:
            environment[DEVICE_VARIABLE] = device
        return environment


async def _ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Wait for tasks that end soon; cancel those that do not."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=REPORT_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
