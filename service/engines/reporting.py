"""What the local engine tells the store: which agents are gone, now and after a server was killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import socket
from collections.abc import Collection

from caviar.exchange.wire import AgentEnd
from caviar.service.api.services import Services
from caviar.service.engines.local import LostAgent
from caviar.service.errors import UnavailableError
from caviar.service.store import agents as agent_rows
from caviar.service.store.attempts import SERVER_ENDED
from caviar.service.usecases.leases import agent_lost

logger = logging.getLogger(__name__)

LOOKS = (0.0, 0.5, 2.0, 10.0)  # seconds, one after the other: agents of a killed server end in a moment
AGAIN_SECONDS = 1.0


class Reporter:
    """Takes back the trials of local agents as soon as their processes are gone."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def lost(self, agent: LostAgent) -> None:
        """Report an agent that the engine saw end, again while the database is away: else its lease would."""
        for _ in range(math.ceil(self._services.config.lease / AGAIN_SECONDS)):
            try:
                await self._lost(agent.id, agent.end)
            except UnavailableError:
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return
        logger.warning("the lease of a lost agent frees its trials", extra={"agent": agent.id})

    async def _lost(self, agent: str, end: AgentEnd) -> None:
        await self._services.store.write(lambda tx: agent_lost(tx, agent, end))

    async def silent(self, agents: Collection[str]) -> Collection[str]:
        """Return which of these have let their leases run out, as far as the database can say."""
        try:
            return await self._services.store.read(lambda snapshot: agent_rows.lost_among(snapshot, agents))
        except UnavailableError:
            return ()  # nobody could renew either

    async def recover(self) -> None:
        """Take back what agents of an earlier server on this machine held: they died with it."""
        for pause in LOOKS:
            await asyncio.sleep(pause)
            with contextlib.suppress(UnavailableError):  # the next look, or their leases
                await self._look_for_dead()

    async def _look_for_dead(self) -> None:
        local = await self._services.store.read(
            lambda snapshot: agent_rows.alive_of(snapshot, "local", socket.gethostname())
        )
        for agent, pid in local:
            if not _alive(pid):
                logger.info("an agent of an earlier server is gone", extra={"agent": agent})
                await self._lost(agent, AgentEnd(reason=SERVER_ENDED))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's process by now, or not ours to ask: leave it to the lease
    return True
