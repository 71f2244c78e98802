"""`caviar serve`: one process that listens, supervises its agents, and ends in good order."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Protocol, cast

import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from caviar.search.resources import ONE_CPU
from caviar.service import logs
from caviar.service.api.services import Services
from caviar.service.config import Config
from caviar.service.engines.local import LocalEngine
from caviar.service.engines.ray import RayEngine, places, require_ray
from caviar.service.engines.reporting import Reporter
from caviar.service.errors import ServiceError
from caviar.service.security.addresses import Addresses
from caviar.service.security.connections import Connections, capacity
from caviar.service.security.probes import Probes
from caviar.service.security.protocol import BoundedHttp
from caviar.service.security.turns import Starts, Turns

logger = logging.getLogger(__name__)

BACKLOG = 2048
# Connections accepted at once: uvloop takes one of a socket, and all others wait for what that one asks.
ACCEPTED = 16


class ListenError(ServiceError):
    """The address cannot be listened on; the text says why and what to do."""


def serve(config: Config, ready: Callable[[Config], None]) -> None:
    """Serve until a signal ends it; `ready` is called once requests are answered.

    Raises ListenError when the port is taken, StartError when the database cannot be used.
    """
    if config.engine == "ray":
        require_ray()
    listening = _listen(config)
    config = replace(config, port=listening.getsockname()[1])
    logs.configure(config)
    from caviar.service.app import create_app

    # The models of a search are small: where agents keep all cores busy, several threads wait for each other
    # fifty times as long as one thread computes.
    threadpool_limits(1, user_api="blas")
    runner = asyncio.Runner(loop_factory=_loop_factory())
    with listening, runner:
        runner.run(_serve(create_app(config), config, listening, ready))


async def _serve(
    app: FastAPI, config: Config, listening: socket.socket, ready: Callable[[Config], None]
) -> None:
    probes = Probes(
        Addresses(config),
        {b"/livez": lambda: (200, b'{"alive":true}'), b"/readyz": app.state.health.known},
    )
    http = partial(
        BoundedHttp, connections=Connections(capacity()), probes=probes, turns=Turns(), starts=Starts()
    )
    settings = uvicorn.Config(
        app,
        lifespan="off",  # entered here, so that what is wrong at the start is raised, not logged
        loop="none",
        http=cast("type[asyncio.Protocol]", http),
        ws="none",
        log_config=logs.uvicorn_config(config),
        access_log=config.log_level == "debug",
        server_header=False,
        forwarded_allow_ips=list(config.trusted_proxies) or None,
        timeout_graceful_shutdown=max(1, int(config.drain_seconds / 2)),
        backlog=BACKLOG,
    )
    async with app.router.lifespan_context(app):
        reporter = Reporter(app.state.services)
        token = app.state.tokens.ephemeral("its agents", "agent") if config.token_required else None
        engine = _engine(config, app.state.services, reporter, token)
        recovery = asyncio.create_task(reporter.recover())
        try:
            copies = [listening, *(listening.dup() for _ in range(ACCEPTED - 1))]
            await _Server(settings, engine, app, ready).serve(sockets=copies)
        finally:
            recovery.cancel()


class Engine(Protocol):
    """Whoever starts agents and keeps them alive."""

    async def start(self) -> None:
        """Begin; agents come by and by."""

    async def stop(self, grace: float) -> None:
        """Have all of them hand back what they hold, and end, within `grace` seconds."""


def _engine(config: Config, services: Services, reporter: Reporter, token: str | None) -> Engine:
    if (
        config.engine == "ray"
    ):  # an operator's token holds on all servers, should a balancer stand before them
        shared = config.agent_token or token
        return RayEngine(config, lambda: services.store.read(places), reporter.lost, shared)
    options = ["--engine", "local", "--log-level", config.log_level, *(["--log-json"] * logs.as_json(config))]
    if config.resources != ONE_CPU:
        options += ["--slot", config.resources.model_dump_json()]
    return LocalEngine(
        config.url, config.workers, reporter.lost, token=token, options=options, silent=reporter.silent
    )


class _Server(uvicorn.Server):
    """A server that starts its agents when it listens, and lets them hand in their work before it closes."""

    def __init__(
        self, settings: uvicorn.Config, engine: Engine, app: FastAPI, ready: Callable[[Config], None]
    ) -> None:
        super().__init__(settings)
        self._engine = engine
        self._app = app
        self._caviar: Config = app.state.services.config
        self._ready = ready
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then start the agents."""
        await super().startup(sockets)
        if self.started:
            await self._engine.start()
            self._ready(self._caviar)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in good order at the first signal; the second does not wait for anything."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end, number)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _end(self, number: signal.Signals) -> None:
        if self._draining is not None:
            self.should_exit = self.force_exit = True
            return
        logger.info("ending: %s", number.name)
        self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        self._app.state.health.drain()
        await self._engine.stop(self._caviar.drain_seconds / 2)
        self._app.state.services.notifier.close()  # event streams end; without that they hold the server up
        self.should_exit = True


def _listen(config: Config) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((config.host.strip("[]"), config.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        where = f"{config.host}:{config.port}"
        if error.errno == errno.EADDRINUSE:
            raise ListenError(
                f"Port {config.port} is in use. Choose another one with --port, or end what uses it"
            ) from None
        raise ListenError(f"{where} cannot be listened on: {error.strerror or error}") from None
    return listening


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    return uvloop.new_event_loop
