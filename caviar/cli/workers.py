"""`caviar worker`: agents for a server elsewhere, kept alive as the server keeps its own."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import socket
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caviar.errors import CaviarError
from caviar.exchange.wire import AGENT_SECRET, Agent, ExchangeRequest
from caviar.transport import Transport, opened

if TYPE_CHECKING:
    from caviar.service.engines.local import LocalEngine, LostAgent

logger = logging.getLogger(__name__)

GRACE_SECONDS = 20.0
IDLE, LIFETIME_OVER = 0, 75  # exit codes; the second is that of sysexits for "try again"
WATCH_SECONDS = 0.1
SAY_TIMES = 30  # a second apart
LOOK_SECONDS = 5.0  # for the server to say which agents it has lost; the end may wait for it


@dataclass(frozen=True)
class Limits:
    """When workers end by themselves, in seconds; None: never."""

    idle: float | None = None  # since any of them trained
    lifetime: float | None = None  # of the command, until all of it has ended

    @property
    def none(self) -> bool:
        """Tell whether only a signal ends them."""
        return self.idle is None and self.lifetime is None

    @property
    def letting_go(self) -> float:
        """Return after how many seconds agents are told to hand back what they hold."""
        if self.lifetime is None:
            return math.inf
        return max(self.lifetime / 2, self.lifetime - GRACE_SECONDS)


def run_workers(url: str | None, token: str | None, workers: int, limits: Limits = Limits()) -> int:
    """Run agents until a signal or a limit ends them; gives the exit code, which says why.

    Raises UnreachableError when there is no server at the address.
    """
    began = time.monotonic()
    with opened(url, token) as transport:
        _states(transport)
        return asyncio.run(_run(transport, workers, limits, began))


def health_of_workers(url: str | None, token: str | None) -> str:
    """Say which agents of this machine the server hears.

    Raises CaviarError when it hears none, or one of them is silent.
    """
    with opened(url, token) as transport:
        agents = transport.call("GET", "/agents", tries=1)["items"]
    here = socket.gethostname()
    alive = [one for one in agents if one["state"] == "alive" and one["host"] == here]
    silent = [f"{one['id']} for {one['silent']:.0f} s" for one in alive if one.get("silent") is not None]
    if silent:
        raise CaviarError(f"The server does not hear of {', '.join(silent)}")
    if not alive:
        raise CaviarError(f"The server hears of no agent on {here}")
    return f"The server hears of {', '.join(one['id'] for one in alive)}"


def _states(transport: Transport, **options: Any) -> dict[str, str]:
    """Return the states of the agents that the server has seen lately."""
    return {agent["id"]: agent["state"] for agent in transport.call("GET", "/agents", **options)["items"]}


def _say_for(transport: Transport, agent: LostAgent) -> None:
    """Say how an agent ended. Raises CaviarError."""
    request = ExchangeRequest(
        agent=Agent(id=agent.id, host=socket.gethostname(), engine="remote"), leaving=True, ended=agent.end
    )
    transport.with_headers({AGENT_SECRET: agent.secret}).call(
        "POST", "/exchange", json=request.model_dump(exclude_unset=True), timeout=LOOK_SECONDS, tries=1
    )


async def _run(transport: Transport, workers: int, limits: Limits, began: float) -> int:
    from caviar.service.engines.local import LocalEngine

    async def lost(agent: LostAgent) -> None:
        """Say how an agent ended, again while the server is away: else its lease tells less, and later."""
        for _ in range(SAY_TIMES if agent.answered else 0):
            try:
                await asyncio.to_thread(_say_for, transport, agent)
            except CaviarError as error:
                if not error.may_pass:
                    raise
                await asyncio.sleep(1.0)
            else:
                return

    async def silent(agents: Collection[str]) -> Collection[str]:
        """Return which have let their leases run out; while the server is away, it is not known of any."""
        try:
            states = await asyncio.to_thread(_states, transport, timeout=LOOK_SECONDS, tries=1)
        except CaviarError:
            return ()
        return [agent for agent in agents if states.get(agent) == "lost"]

    options = ("--engine", "remote")
    engine = LocalEngine(transport.url, workers, lost, token=transport.token, options=options, silent=silent)
    told: list[signal.Signals] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.append, number)
    await engine.start()
    code = await _ending(engine, limits, began, told)
    await engine.stop(GRACE_SECONDS)
    return code


async def _ending(engine: LocalEngine, limits: Limits, began: float, told: Sequence[signal.Signals]) -> int:
    """Wait until a signal comes or a limit is reached; return the exit code."""
    busy = time.monotonic()
    while not told:
        now = time.monotonic()
        if now - began >= limits.letting_go:
            logger.info("ending: the lifetime of %g s is over", limits.lifetime)
            return LIFETIME_OVER
        if not engine.idle():
            busy = now
        elif limits.idle is not None and now - busy >= limits.idle:
            logger.info("ending: nothing to train for %g s", limits.idle)
            return IDLE
        await asyncio.sleep(WATCH_SECONDS)
    return 0 if limits.none else 128 + told[0]
