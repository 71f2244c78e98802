"""The composition root: one place chooses adapters, wires them, and builds the application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import orjson
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

import caviar
from caviar.exchange.wire import ExchangeRequest
from caviar.search.spec import SearchSpec
from caviar.service.api import (
    attachments,
    audit,
    datasets,
    diagnosis,
    error_analysis,
    events,
    exchange,
    exclusions,
    export,
    final_tests,
    health,
    labels,
    links,
    loss_planes,
    metrics,
    populations,
    predictions,
    problems,
    record,
    report,
    retests,
    search_analysis,
    search_yaml,
    searches,
    session,
    steering,
    studies,
    summary,
    tokens,
    trainers,
    trials,
    webhooks,
)
from caviar.service.api import (
    checkpoints as checkpoints_api,
)
from caviar.service.api.json_bodies import JsonBodies
from caviar.service.api.services import Services
from caviar.service.config import Config
from caviar.service.dashboard import mount_dashboard
from caviar.service.errors import DamagedError, UnavailableError
from caviar.service.messages.sender import WebhookSender
from caviar.service.security.announce import announce
from caviar.service.security.concurrency_limit import ConcurrencyLimit
from caviar.service.security.failed_logins import FailedLogins
from caviar.service.security.middleware import Guard
from caviar.service.security.path_prefix import PathPrefix
from caviar.service.security.tokens import REFRESH_SECONDS, TokenBook
from caviar.service.store import agent_records, reads, schema, shared_settings
from caviar.service.store import retests as retest_rows
from caviar.service.store.blobs import Blobs, FileBlobs
from caviar.service.store.bucket import Bucket, BucketBlobs
from caviar.service.store.clock import SteadyClock
from caviar.service.store.database import Database
from caviar.service.store.notifier import Notifier
from caviar.service.store.statistics import Statistics
from caviar.service.store.uploads import Uploads
from caviar.service.store.writer import Committed
from caviar.service.usecases import checkpoints, leases, time_limits
from caviar.service.usecases.agents_wanted import agents_wanted
from caviar.service.usecases.datasets import Datasets
from caviar.service.usecases.loss_planes import LossPlanes
from caviar.service.usecases.predictions import Evaluator
from caviar.service.usecases.proposer import Proposer
from caviar.service.usecases.retesting import Retesting

PREFIX = "/api/v1"
SWEEP_SECONDS = 1.0
LOOK_SECONDS = 1.0  # how often deadlines are looked for that may have changed
PREPARE_SECONDS = 5.0
INFORM_SECONDS = 2.0
WEBHOOK_SECONDS = 1.0
RETEST_SECONDS = 2.0
log = logging.getLogger(__name__)


ROUTES = (
    exchange,  # first: it is asked for most, and routes are tried in this order
    studies,
    search_analysis,
    export,
    search_yaml,
    searches,
    labels,
    links,
    loss_planes,
    audit,
    summary,
    trials,
    diagnosis,
    steering,
    checkpoints_api,
    attachments,
    events,
    datasets,
    populations,
    predictions,
    error_analysis,
    record,
    report,
    final_tests,
    retests,
    exclusions,
    trainers,
    session,
    tokens,
    webhooks,
)


def build_services(config: Config) -> Services:
    """Choose and wire the adapters; nothing is opened yet. Raises StartError for a bucket of no use."""
    notifier, instruments = Notifier(), metrics.Metrics()

    def committed(what: Committed) -> None:
        instruments.commit_seconds.observe(what.seconds)
        notifier.changed(what.searches, what.wake)

    store = Database(
        config.database_url,
        SteadyClock(),
        committed,
        config.data,
        notifier.changed,
        shared_settings.connection_name(config),
    )
    blobs, kept = _stores(config)
    uploads = Uploads(config.data, config.limits, kept)
    instruments.gauges(lambda: _counts(store))
    return Services(
        config=config,
        store=store,
        proposer=Proposer(wake=lambda: notifier.changed((), True)),
        notifier=notifier,
        metrics=instruments,
        blobs=blobs,
        uploads=uploads,
        datasets=Datasets(store, uploads),
        evaluator=Evaluator(store, blobs, uploads, config.limits),
        loss_planes=LossPlanes(store, blobs, uploads, config.limits),
        tokens=TokenBook(store),
        health=health.Health(
            {
                "database": store.probe,
                "schema": lambda: _suits(store),
                "disk": lambda: health.has_room(config.data),
            }
        ),
    )


def _stores(config: Config) -> tuple[Blobs, Blobs]:
    """Return where the files of trials and of data sets are kept."""
    folders = config.data / "checkpoints", config.data / "datasets"
    if config.store is None:
        trials, datasets = map(FileBlobs, folders)
        return trials, datasets
    bucket = Bucket(config.store, config.store_endpoint)
    bucket.check()
    return BucketBlobs(bucket, folders[0]), BucketBlobs(bucket, folders[1])


def create_app(config: Config) -> FastAPI:
    """Build the application: `caviar serve` and the tests run exactly this.

    Its start raises StartError when the database cannot be used, with what to do about it.
    """
    services = build_services(config)
    book, vitals = services.tokens, services.health
    services.store.on_latch(vitals.forget)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(open_store, services)
        announce(await to_thread.run_sync(book.start, config), config.data)
        services.uploads.open()
        services.notifier.start()
        work = (
            *_kept_up(services),
            _tidy(services),
            _look(vitals),
        )
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield
        finally:
            vitals.drain()
            services.notifier.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            services.proposer.close()
            book.close()
            await to_thread.run_sync(services.store.close)

    app = FastAPI(
        title="Caviar",
        version=caviar.__version__,
        summary="A hyperparameter search service",
        lifespan=lifespan,
        responses=problems.RESPONSES,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # the dashboard has a reference of its own there, which loads nothing from elsewhere
        redoc_url=None,
    )
    app.state.services = services
    app.state.health = vitals
    problems.install(app)
    app.state.tokens = book
    app.add_middleware(JsonBodies)
    app.add_middleware(ConcurrencyLimit, limits=config.limits)
    app.add_middleware(
        Guard,
        config=config,
        book=book,
        failures=FailedLogins(services.metrics.failed_logins.inc),
    )
    app.add_middleware(PathPrefix, prefix=config.path_prefix)  # outermost
    _include(app)
    _describe(app)
    return app


def _include(app: FastAPI) -> None:
    """Put every route in its place."""
    api = APIRouter(prefix=PREFIX, dependencies=[Depends(problems.known_query)])
    for resource in ROUTES:
        api.include_router(resource.router)
    app.include_router(api)
    app.include_router(health.router)
    app.include_router(metrics.router)
    mount_dashboard(app)


def _of_agents(path: tuple[str, dict[str, dict[str, list[str]]]]) -> bool:
    """Return whether a path of the document belongs to the worker protocol."""
    return any("workers" in operation.get("tags", ()) for operation in path[1].values())


def open_store(services: Services) -> None:
    """Open the database: build an empty one, refuse a schema that is not ours; give leases their time back.

    Raises StartError.
    """
    store, config = services.store, services.config
    store.dialect.open()
    try:
        schema.prepare(store.dialect, config.database_shown)
    except BaseException:
        store.dialect.close()  # its lock, for whoever puts the database right
        raise
    store.start()
    for difference in store.read_now(
        lambda snapshot: shared_settings.differences(snapshot, shared_settings.connection_name(config))
    ):
        log.warning(difference)
    # While no server ran, nobody could renew.
    store.submit(lambda tx: leases.give_back(tx, config.lease)).result()


def _kept_up(services: Services) -> list[Coroutine[Any, Any, None]]:
    """Return what is done again and again: what is due by the clock, and what nobody has to wait for then."""
    store, lease = services.store, services.config.lease
    sweeper, statistics = leases.Sweeper(lease, SWEEP_SECONDS), Statistics()
    retesting = Retesting(store, services.blobs, services.evaluator, services.config)

    async def sweep() -> None:
        """Take back trials of agents whose lease has run out."""
        lost = await sweeper.sweep(store)
        if lost:
            services.metrics.lease_expiries.inc(lost)
        services.health.beat("sweep")

    async def end_in_time() -> float:
        """End searches, and trials of scripts, when their seconds are used up, at that very moment."""
        return await time_limits.enforce(store, services.proposer, lease, LOOK_SECONDS)

    async def prepare() -> None:
        await store.read(services.columns.prepare)

    async def inform() -> None:
        await store.read(statistics.refresh)

    return [
        _again(SWEEP_SECONDS, sweep, "the sweep failed"),
        _again(LOOK_SECONDS, end_in_time, "limits of time were not kept"),
        _again(PREPARE_SECONDS, prepare, "the columns of large searches are not caught up"),
        _again(INFORM_SECONDS, inform, "the tables are not analysed"),
        _again(WEBHOOK_SECONDS, WebhookSender(store, services.config).run, "webhooks are not told"),
        _again(RETEST_SECONDS, retesting.run, "re-tests are not judged, nor begun on their schedule"),
        _again(REFRESH_SECONDS, services.tokens.refreshed, "tokens are not read anew"),
    ]


async def _again(pause: float, work: Callable[[], Awaitable[float | None]], lack: str) -> None:
    """Do some work again and again, after a pause or when it says; `lack` tells that it could not be done."""
    while True:
        wait = None
        try:
            wait = await work()
        except DamagedError:
            return  # for good, and said once
        except UnavailableError as error:
            log.info("%s: %s", lack, error)
        except Exception:
            log.exception("%s; it is tried again", lack)
        await asyncio.sleep(pause if wait is None else wait)


async def _tidy(services: Services) -> None:
    """Remove, once after the start, the files that crashes have left."""
    try:
        removed = await checkpoints.remove_orphans(services.store, services.blobs)
        if removed:
            log.info("%d files of checkpoints that nothing names were removed", removed)
    except (OSError, UnavailableError) as error:
        log.warning("files that crashes have left stay for now: %s", error)


async def _look(vitals: health.Health) -> None:
    """See again and again whether the server is ready, so that a probe is answered from memory."""
    own = CapacityLimiter(1)
    while True:
        await to_thread.run_sync(vitals.read, abandon_on_cancel=True, limiter=own)
        await asyncio.sleep(health.LOOK_SECONDS)


def _suits(store: Database) -> str:
    """Check that the schema is ours, or a newer one, to which servers are being upgraded one by one.

    Return what is to be done. Raises NotReadyError.
    """
    with store.reading() as snapshot:
        found, known = schema.current(snapshot.connection), schema.head()
    if found == known:
        return ""
    if schema.is_newer(found):
        return f"the database has schema {found}, newer than {known} of this server: upgrade it, too"
    raise health.NotReadyError(f"the database has schema {found}, {known} is needed: run caviar migrate")


def _counts(store: Database) -> metrics.Counts:
    """Count for the metrics, at a scrape."""
    with store.reading() as snapshot:
        trials_by_state, agents = reads.counts(snapshot)
        suspended = agent_records.suspended(snapshot)
        drifted = retest_rows.drifted(snapshot)
        return metrics.Counts(trials_by_state, agents, suspended, drifted, agents_wanted(snapshot))


def _describe(app: FastAPI) -> None:
    """Add to OpenAPI the bodies that are parsed by hand, and the problem."""

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            _, extra = models_json_schema(
                [
                    (ExchangeRequest, "validation"),
                    (SearchSpec, "validation"),
                    (problems.Problem, "validation"),
                ],
                ref_template="#/components/schemas/{model}",
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for name, definition in extra["$defs"].items():
                schemas.setdefault(name, definition)
            document["paths"] = dict(sorted(document["paths"].items(), key=_of_agents))  # they come last
            app.openapi_schema = orjson.loads(orjson.dumps(document))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
