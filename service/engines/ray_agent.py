"""What an actor of a Ray cluster does: keep one agent of its node at work, as `caviar worker` does."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from dataclasses import dataclass

from caviar.errors import CaviarError
from caviar.service.engines.remote import IDLE, Limits, RemoteAgents, states
from caviar.transport import Transport

REACH_SECONDS = 10.0  # for the server to answer a node that begins


@dataclass(frozen=True)
class AgentOrder:
    """What an actor is told when it is made."""

    url: str
    token: str
    slot: str  # JSON, as agents are told it
    idle: float  # seconds without a trial after which its place is given back
    version: str  # of the server
    log_level: str = "info"


class AgentOfNode:
    """An agent under supervision, from the constructor on: Ray need call nothing to have it work again."""

    def __init__(self, order: AgentOrder) -> None:
        """Begin to work. Raises CaviarError where the server cannot be reached from this node."""
        self._order = order
        self._told = threading.Event()
        self._transport = Transport(order.url, order.token)
        try:
            states(self._transport, timeout=REACH_SECONDS, tries=1)
        except CaviarError as error:
            raise CaviarError(
                f"node {socket.gethostname()} cannot use the server at {order.url} ({error}); "
                "give caviar serve an --agent-url that nodes can reach, and a --host that listens there"
            ) from None
        self._why = "ended"
        options = ("--engine", "ray", "--slot", order.slot, "--log-level", order.log_level)
        self._agents = RemoteAgents(self._transport, 1, *options)
        self._name = secrets.token_hex(8)
        self._thread = threading.Thread(target=self._work, name="agent", daemon=True)
        self._thread.start()

    def now(self) -> list[str]:
        """Return what tells this object from the one before a restart, and the agents that run now."""
        return [self._name, *self._agents.ids]

    def leave(self) -> None:
        """Hand back what is in hand, and end."""
        self._told.set()

    def wait(self) -> str:
        """Wait until the agent has ended for good; return why."""
        self._thread.join()
        return self._why

    def _work(self) -> None:
        limits = Limits(idle=self._order.idle)
        code = asyncio.run(self._agents.run(limits, time.monotonic(), self._told.is_set))
        self._why = "idle" if code == IDLE else "told to"
        self._transport.close()
