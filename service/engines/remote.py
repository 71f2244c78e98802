"""Agents of this machine for a server elsewhere, which is told how each of them ended."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from caviar.errors import CaviarError
from caviar.exchange.wire import AGENT_SECRET, Agent, ExchangeRequest
from caviar.service.engines.local import LocalEngine, LostAgent
from caviar.transport import Transport

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


class RemoteAgents:
    """Agents of this machine, under supervision, for the server that a transport leads to."""

    def __init__(
        self, transport: Transport, workers: int, *options: str, devices: Sequence[str] = ()
    ) -> None:
        """`options` are those of `python -m caviar.agents`; `devices` has one for each agent, if any."""
        self._transport = transport
        self._engine = LocalEngine(
            transport.url,
            workers,
            self._lost,
            token=transport.token,
            options=options,
            devices=devices,
            silent=self._silent,
        )

    @property
    def ids(self) -> list[str]:
        """Return the agents that run now."""
        return list(self._engine.agents)

    async def run(self, limits: Limits, began: float, told: Callable[[], bool]) -> int | None:
        """Work until told to stop, or until a limit is reached; return the exit code of that limit."""
        await self._engine.start()
        code = await ending(self._engine, limits, began, told)
        await self._engine.stop(GRACE_SECONDS)
        return code

    async def _lost(self, agent: LostAgent) -> None:
        """Say how an agent ended, again while the server is away: else its lease tells less, and later."""
        for _ in range(SAY_TIMES if agent.answered else 0):
            try:
                await asyncio.to_thread(_say_for, self._transport, agent)
            except CaviarError as error:
                if not error.may_pass:
                    raise
                await asyncio.sleep(1.0)
            else:
                return

    async def _silent(self, agents: Collection[str]) -> Sequence[str]:
        """Return which have let their leases run out; while the server is away, it is not known of any."""
        try:
            found = await asyncio.to_thread(states, self._transport, timeout=LOOK_SECONDS, tries=1)
        except CaviarError:
            return ()
        return [agent for agent in agents if found.get(agent) == "lost"]


async def ending(engine: LocalEngine, limits: Limits, began: float, told: Callable[[], bool]) -> int | None:
    """Wait until it is told or a limit is reached; return the exit code of the limit."""
    busy = time.monotonic()
    while not told():
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
    return None


def states(transport: Transport, **options: Any) -> dict[str, str]:
    """Return the states of the agents that the server has seen lately. Raises CaviarError."""
    return {agent["id"]: agent["state"] for agent in transport.call("GET", "/agents", **options)["items"]}


def _say_for(transport: Transport, agent: LostAgent) -> None:
    """Say how an agent ended. Raises CaviarError."""
    request = ExchangeRequest(
        agent=Agent(id=agent.id, host=socket.gethostname(), engine="remote"), leaving=True, ended=agent.end
    )
    transport.with_headers({AGENT_SECRET: agent.secret}).call(
        "POST", "/exchange", json=request.model_dump(exclude_unset=True), timeout=LOOK_SECONDS, tries=1
    )
