"""`caviar worker`: agents for a server elsewhere, kept alive as the server keeps its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from caviar.errors import CaviarError, UnreachableError
from caviar.exchange.wire import AGENT_SECRET, Agent, ExchangeRequest
from caviar.transport import Transport, opened

if TYPE_CHECKING:
    from caviar.service.engines.local import LostAgent

GRACE_SECONDS = 20.0
LOOK_SECONDS = 5.0  # for the server to say which agents it has lost; the end may wait for it


def run_workers(url: str | None, token: str | None, workers: int) -> int:
    """Run agents until a signal ends them; gives the exit code.

    Raises UnreachableError when there is no server at the address.
    """
    with opened(url, token) as transport:
        _states(transport)
        return asyncio.run(_run(transport, workers))


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
    request = ExchangeRequest(
        agent=Agent(id=agent.id, host=socket.gethostname(), engine="remote"), leaving=True, ended=agent.end
    )
    with contextlib.suppress(UnreachableError):
        transport.with_headers({AGENT_SECRET: agent.secret}).call(
            "POST", "/exchange", json=request.model_dump(exclude_unset=True), timeout=LOOK_SECONDS, tries=1
        )


async def _run(transport: Transport, workers: int) -> int:
    from caviar.service.engines.local import LocalEngine

    async def lost(agent: LostAgent) -> None:
        """Say for an agent that is gone how it ended; where the server is away, the lease tells it."""
        if agent.trained:
            await asyncio.to_thread(_say_for, transport, agent)

    async def silent(agents: Collection[str]) -> Collection[str]:
        """Return which have let their leases run out; while the server is away, it is not known of any."""
        try:
            states = await asyncio.to_thread(_states, transport, timeout=LOOK_SECONDS, tries=1)
        except CaviarError:
            return ()
        return [agent for agent in agents if states.get(agent) == "lost"]

    options = ("--engine", "remote")
    engine = LocalEngine(transport.url, workers, lost, token=transport.token, options=options, silent=silent)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await engine.start()
    await ended.wait()
    await engine.stop(GRACE_SECONDS)
    return 0
