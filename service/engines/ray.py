"""The engine for a Ray cluster: as many agents as are of use, each an actor with what its trials need."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import secrets
import sys
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from caviar import __version__
from caviar.exchange.wire import AgentEnd
from caviar.search.resources import Resources
from caviar.service.config import Config
from caviar.service.engines.local import LostAgent, OnLost
from caviar.service.setting_source import ConfigError
from caviar.service.store import slots
from caviar.service.store.snapshot import Snapshot
from caviar.service.usecases.agents_wanted import agents_wanted

logger = logging.getLogger(__name__)

DRIVER = "caviar.service.engines.ray_driver"
IDLE_SECONDS = 10.0  # without a trial, after which an agent gives its place back
LOOK_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5.0  # before the cluster is joined again
ANY = ("0.0.0.0", "::", "[::]")  # noqa: S104 - what a server is told
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_gcs_rpc_server_reconnect_timeout_s": "20"}

Wanted = Mapping[Resources, int]


def places(snapshot: Snapshot) -> tuple[Wanted, Wanted]:
    """Return the agents wanted besides those of Ray that are busy, and those, by what they have."""
    return agents_wanted(snapshot).slots, slots.busy(snapshot, "ray")


def shared(most: int, wanted: Wanted, busy: Wanted) -> Counter[Resources]:
    """Return how many agents of each kind there should be: the busy ones, and a fair share of the rest."""
    found = Counter(busy)
    left = max(0, most - found.total())
    waiting = {kind: count for kind, count in wanted.items() if count > 0}
    for position, (kind, count) in enumerate(sorted(waiting.items(), key=lambda one: (one[1], str(one[0])))):
        share = min(count, left // (len(waiting) - position))
        found[kind] += share
        left -= share
    return +found


class RayEngine:
    """Keeps a driver of the cluster running, and tells it how many agents are wanted.

    Everything of Ray is in the driver's process: where the head goes away, that ends, and is started again
    until the cluster is back. Trials are safe meanwhile: leases and fences know nothing of engines.
    """

    def __init__(
        self,
        config: Config,
        look: Callable[[], Awaitable[tuple[Wanted, Wanted]]],
        lost: OnLost,
        token: str | None,
    ) -> None:
        """`look` tells what `places` does; `lost` is awaited when Ray says that an actor has died."""
        self._config = config
        self._look = look
        self._lost = lost
        self._token = token
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._joined = False

    async def start(self) -> None:
        """Begin to join the cluster."""
        self._task = asyncio.create_task(self._supervise(), name="driver of Ray")

    async def stop(self, grace: float) -> None:
        """Have the agents hand back what they hold; end the driver after `grace` seconds at the latest."""
        self._stopping.set()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _supervise(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            self._joined = False
            last = await self._run()
            if self._stopping.is_set():
                return
            pause = FIRST_PAUSE if self._joined else min(LONGEST_PAUSE, 2 * pause)
            logger.warning("Ray's driver ended%s; it is started again", f": {last}" if last else "")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _run(self) -> str:
        """Run one driver to its end; return the last that it said outside the protocol."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", DRIVER),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment(),
            start_new_session=True,  # Ctrl-C is for the server, which then ends its driver in good order
        )
        noise: deque[str] = deque(maxlen=1)
        heard, listened = self._hear(process.stdout), _listen(process.stderr, noise)
        tasks = [asyncio.create_task(work) for work in (self._feed(process.stdin), heard, listened)]
        try:
            await process.wait()
            await asyncio.wait(tasks[1:], timeout=1.0)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if process.returncode is None:
                process.kill()
                await process.wait()
        return noise[0] if noise else ""

    async def _feed(self, pipe: Any) -> None:
        """Say what agents are told, then how many are wanted; at the end close the pipe, which ends it."""
        with contextlib.suppress(ConnectionError):
            pipe.write(_line(self._first()))
            while not self._stopping.is_set():
                try:
                    wanted, busy = await self._look()
                except Exception:  # the database is away: the agents that are there stay
                    logger.debug("it is not known how many agents are wanted", exc_info=True)
                else:
                    found = shared(self._config.workers, wanted, busy)
                    pipe.write(_line({kind.model_dump_json(): count for kind, count in found.items()}))
                    await pipe.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)
        pipe.close()

    async def _hear(self, pipe: Any) -> None:
        async for line in pipe:
            try:
                said = json.loads(line)
            except ValueError:
                logger.debug("Ray: %s", line.decode(errors="replace").rstrip())
                continue
            if said["event"] == "joined":
                self._joined = True
                logger.info("joined Ray%s; agents reach this server at %s", self._where(), said["url"])
            elif said["event"] == "nodes":
                logger.info("Ray has %s nodes with %s CPUs", said["count"], said["resources"])
            elif said["event"] == "lost":
                end = AgentEnd(reason="was lost with its actor: process, node or network")
                await self._lost(LostAgent(said["agent"], "", end, answered=True))
            else:
                logger.error("Ray: %s", said["text"])

    def _where(self) -> str:
        return (
            f" at {self._config.ray_address}"
            if self._config.ray_address
            else ", a cluster of this machine alone"
        )

    def _first(self) -> dict[str, Any]:
        config = self._config
        order = {
            "url": config.agent_url or config.url,
            "token": self._token,
            "idle": IDLE_SECONDS,
            "version": __version__,
            "log_level": config.log_level,
        }
        cluster = {
            "address": config.ray_address,
            "most": config.workers,
            "any_address": config.agent_url is None and config.host in ANY and config.ray_address is not None,
            "port": config.port,
            "grace": config.drain_seconds / 2,
        }
        return {"order": order, "cluster": cluster}

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, **{name: os.environ.get(name, value) for name, value in QUIET.items()}}
        if self._config.ray_address is None:  # nobody else is to use that cluster
            environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
            environment.pop("RAY_ADDRESS", None)
        return environment


def require_ray() -> None:
    """Raise ConfigError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("--engine", "Ray is not installed", "pip install 'caviar[ray]'")


async def _listen(pipe: Any, noise: deque[str]) -> None:
    async for line in pipe:
        text = line.decode(errors="replace").strip()
        if text:
            noise.append(text)
            logger.debug("Ray: %s", text)


def _line(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said).encode() + b"\n"
