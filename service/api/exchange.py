"""The worker protocol over REST; the hottest path of the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated, Any, Literal

from cachetools import TTLCache
from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from caviar.exchange.wire import ExchangeRequest, ExchangeResponse
from caviar.service.api import answers, problems
from caviar.service.api.common import answer, body_schema
from caviar.service.api.services import Services
from caviar.service.ids import trial_id
from caviar.service.security.agent_secret import credential_of
from caviar.service.security.scopes import AGENT
from caviar.service.store import reads
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import agent_identity, checkpoints
from caviar.service.usecases.exchange import Answer, exchange

SEEN_SECONDS = 3600.0  # lost agents are listed for an hour
SMALL = 1 << 20  # bytes of a checkpoint that waits for no other
KNOWN, KNOWN_SECONDS = 10_000, 60.0  # agents whose credentials need not be looked up for a hint
LARGE_AT_ONCE = 4  # larger ones in memory, each up to `Limits.checkpoint`; the others wait


def router(services: Services) -> APIRouter:
    """Serve the worker protocol below the prefix of the API."""
    routes = APIRouter(tags=["workers"])
    store, proposer, metrics = services.store, services.proposer, services.metrics
    lease, interval = services.config.lease, services.config.interval
    large = asyncio.Semaphore(LARGE_AT_ONCE)

    known: TTLCache[tuple[str, str], bool] = TTLCache(KNOWN, KNOWN_SECONDS)

    def together(tx: Transaction, asks: Sequence[tuple[ExchangeRequest, str]]) -> list[Answer]:
        new = agent_identity.admit(tx, [(request.agent.id, credential) for request, credential in asks])
        answers = exchange(tx, proposer, [request for request, _ in asks], lease, interval)
        agent_identity.bind(tx, new)
        return answers

    @routes.post(
        "/exchange",
        response_model=ExchangeResponse,
        summary="Report, renew leases, take on work",
        openapi_extra=body_schema("ExchangeRequest"),
    )
    async def post_exchange(request: Request) -> Response:
        began = time.perf_counter()
        try:
            message = ExchangeRequest.model_validate_json(await request.body())
        except ValidationError as error:
            raise problems.of_validation(error) from None
        done = await store.write_shared(together, (message, credential_of(request)))
        metrics.exchange_seconds.observe(time.perf_counter() - began)
        if done.proposed:
            metrics.proposals.inc(done.proposed)
        return answer({"database": store.identity, **done.body})

    @routes.get("/agents", response_model=answers.AgentList, summary="Workers seen lately")
    async def list_agents() -> Response:
        def seen(snapshot: Snapshot) -> list[dict[str, Any]]:
            return reads.agents_seen(snapshot, store.now(snapshot) - SEEN_SECONDS)

        return answer({"items": await store.read(seen)})

    @routes.get("/agents/{agent}/wake", summary="Wait until there may be work")
    async def wake(
        agent: str,
        request: Request,
        timeout: Annotated[float, Query(ge=0, le=60)] = 20.0,
        seen: Annotated[int | None, Query(ge=0)] = None,
    ) -> Response:
        shown = agent, credential_of(request)
        if shown not in known and await store.read(lambda snapshot: agent_identity.check(snapshot, *shown)):
            known[shown] = True
        return answer({"hints": await services.notifier.work(timeout, seen)})

    @routes.put(
        "/trials/{name}/checkpoints",
        status_code=201,
        response_model=answers.StoredCheckpoint,
        summary="Store a checkpoint or a model",
    )
    async def put_checkpoint(
        name: str,
        request: Request,
        attempt: Annotated[int, Query(ge=1)],
        digest: Annotated[str, Query(pattern="^sha256:[0-9a-f]{64}$")],
        branch: Annotated[int, Query(ge=0)] = 0,
        epoch: Annotated[int, Query(ge=0)] = 0,
        step: Annotated[int, Query(ge=0)] = 0,
        position: Annotated[int, Query(ge=0)] = 0,
        kind: Literal["schedule", "command", "end", "model"] = "schedule",
    ) -> Response:
        trial, given = trial_id(name), checkpoints.Given(attempt, branch, epoch, step, position, kind, digest)
        await checkpoints.admit(store, trial, attempt, credential_of(request))
        async with nullcontext() if _is_small(request) else large:
            pieces = [piece async for piece in request.stream()]  # joined they would hold up everybody else
            stored = await checkpoints.keep(store, services.blobs, trial, given, pieces)
        return answer({"id": stored}, 201)

    @routes.get("/checkpoints/{checkpoint}", summary="The bytes of a checkpoint", response_class=Response)
    async def get_checkpoint(checkpoint: int, request: Request) -> Response:
        if request.state.caller.scope == AGENT:
            shown = credential_of(request)
            await store.read(lambda snapshot: agent_identity.check_fetch(snapshot, checkpoint, shown))
        data, digest = await checkpoints.load(store, services.blobs, checkpoint)
        return Response(data, media_type="application/octet-stream", headers={"Caviar-Digest": digest})

    @routes.get(
        "/trials/{name}/checkpoints", response_model=answers.CheckpointList, summary="Its checkpoints"
    )
    async def list_checkpoints(name: str) -> Response:
        trial = trial_id(name)
        return answer({"items": await store.read(lambda snapshot: checkpoints.listed(snapshot, trial))})

    @routes.get("/trials/{name}/model", summary="Its final model", response_class=Response)
    async def get_model(name: str) -> Response:
        trial = trial_id(name)
        newest = await store.read(lambda snapshot: checkpoints.model_of(snapshot, trial))
        data, digest = await checkpoints.load(store, services.blobs, newest)
        headers = {
            "Caviar-Digest": digest,
            "Content-Disposition": f'attachment; filename="trial-{trial}.safetensors"',
        }
        return Response(data, media_type="application/octet-stream", headers=headers)

    return routes


def _is_small(request: Request) -> bool:
    """Tell whether a body says that it is small; the HTTP server takes no more than it says."""
    length = request.headers.get("content-length")
    return length is not None and int(length) <= SMALL
