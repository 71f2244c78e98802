"""`caviar worker`: agents for a server elsewhere, kept alive as the server keeps its own."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from caviar.errors import CaviarError
from caviar.transport import Transport, opened

if TYPE_CHECKING:
    from caviar.service.engines.remote import Limits


def run_workers(
    url: str | None,
    token: str | None,
    workers: int,
    limits: Limits,
    resources: str | None = None,
    devices: Sequence[str] = (),
) -> int:
    """Run agents until a signal or a limit ends them; gives the exit code, which says why.

    `devices` has one for each, if any; then each has a GPU, unless `resources` say otherwise.

    Raises UnreachableError when there is no server at the address, CaviarError for resources in a wrong form.
    """
    from caviar.service.engines.remote import states

    began = time.monotonic()
    slot = _slot(resources or ("gpus=1" if devices else None))
    with opened(url, token) as transport:
        states(transport)
        return asyncio.run(_run(transport, workers, limits, began, slot, devices))


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


def _slot(resources: str | None) -> list[str]:
    """Return the options with which agents are told what they have. Raises CaviarError."""
    if resources is None:
        return []
    from caviar.search.resources import Resources

    try:
        return ["--slot", Resources.of_text(resources).model_dump_json()]
    except ValueError as error:
        raise CaviarError(f"--resources: {error}") from None


async def _run(
    transport: Transport,
    workers: int,
    limits: Limits,
    began: float,
    slot: list[str],
    devices: Sequence[str],
) -> int:
    from caviar.service.engines.remote import RemoteAgents

    told: list[signal.Signals] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.append, number)
    agents = RemoteAgents(transport, workers, "--engine", "remote", *slot, devices=devices)
    code = await agents.run(limits, began, lambda: bool(told))
    return exit_code(code, limits, told)


def exit_code(reached: int | None, limits: Limits, told: Sequence[signal.Signals]) -> int:
    """Return what the command ends with: why, for a scheduler; a signal is the usual end without limits."""
    if reached is not None:
        return reached
    return 0 if limits.none else 128 + told[0]
