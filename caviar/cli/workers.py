"""`caviar worker`: agents for a server elsewhere, kept alive as the server keeps its own."""

import asyncio
import signal

from caviar.transport import Transport, opened

GRACE_SECONDS = 20.0


def run_workers(url: str | None, token: str | None, workers: int) -> int:
    """Run agents until a signal ends them; gives the exit code.

    Raises UnreachableError when there is no server at the address.
    """
    with opened(url, token) as transport:
        _look(transport)
    return asyncio.run(_run(transport.url, transport.token, workers))


def _look(transport: Transport) -> None:
    transport.call("GET", "/agents")


async def _run(url: str, token: str | None, workers: int) -> int:
    from service.engines.local import LocalEngine

    async def lost(_agent: str, _why: str) -> None:
        """Nothing to do: the server finds out by the lease."""

    engine = LocalEngine(url, workers, lost, token=token, options=("--engine", "remote"))
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await engine.start()
    await ended.wait()
    await engine.stop(GRACE_SECONDS)
    return 0
