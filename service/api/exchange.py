"""The worker protocol over REST; the hottest path of the server."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from caviar.exchange.wire import ExchangeRequest, ExchangeResponse
from caviar.service.api import answers, problems, records
from caviar.service.api.http import answer, body_schema
from caviar.service.api.services import App
from caviar.service.errors import NotFoundError, RefusedError
from caviar.service.security.agent_secret import credential_of
from caviar.service.store import agent_records, audit, reads
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.usecases import agent_identity, leases
from caviar.service.usecases.agents_wanted import agents_wanted
from caviar.service.usecases.exchange import Answer, exchange
from caviar.service.usecases.proposer import Proposer

SEEN_SECONDS = 3600.0  # lost agents are listed for an hour
SILENT_INTERVALS, SILENT_SECONDS = 2, 1.0  # an agent is called silent after so many intervals, and so long

router = APIRouter(tags=["workers"])


@dataclass(frozen=True)
class ExchangeWork:
    """Exchanges taken together in one transaction: equal for one server, so that the writer joins them."""

    proposer: Proposer
    lease: float
    interval: float

    def __call__(self, tx: Transaction, asks: Sequence[tuple[ExchangeRequest, str]]) -> list[Answer]:
        """Return an answer to each request; with it comes the credential that its agent shows."""
        return exchange(tx, self.proposer, asks, self.lease, self.interval)


def read_message(body: bytes) -> ExchangeRequest:
    """Read an exchange, also where a text holds half a pair of surrogates. Raises RefusedError."""
    try:
        return ExchangeRequest.model_validate_json(body)
    except ValidationError as error:
        if b"\\ud" not in body.lower() or error.errors()[0]["type"] != "json_invalid":
            raise problems.of_validation(error) from None
    try:  # this parser gives such halves on, and the model replaces them
        return ExchangeRequest.model_validate(json.loads(body))
    except ValidationError as error:
        raise problems.of_validation(error) from None
    except (ValueError, RecursionError):
        raise RefusedError.of("body", "is not JSON", "send one JSON object") from None


@router.post(
    "/exchange",
    response_model=ExchangeResponse,
    summary="Report, renew leases, claim work",
    openapi_extra=body_schema("ExchangeRequest"),
)
async def post_exchange(services: App, request: Request) -> Response:
    began = time.perf_counter()
    message = read_message(await request.body())
    config = services.config
    work = ExchangeWork(services.proposer, config.lease, config.interval)
    done = await services.store.write_shared(work, (message, credential_of(request)))
    services.metrics.exchange_seconds.observe(time.perf_counter() - began)
    if done.proposed:
        services.metrics.proposals.inc(done.proposed)
    return answer({"database": services.store.identity, **done.body})


@router.get("/agents", response_model=answers.AgentList, summary="Agents seen recently")
async def list_agents(services: App) -> Response:
    def seen(snapshot: Snapshot) -> tuple[float, list[reads.AgentSeen]]:
        now = services.store.now(snapshot)
        return now, reads.agents_seen(snapshot, now - SEEN_SECONDS)

    now, found = await services.store.read(seen)
    expected = now - SILENT_INTERVALS * services.config.interval - SILENT_SECONDS
    return answer({"items": [records.agent(one, now, expected) for one in found]})


@router.get(
    "/agents/wanted", response_model=answers.AgentsWanted, summary="How many more agents could train now"
)
async def read_agents_wanted(services: App) -> Response:
    found = await services.store.read(agents_wanted)
    slots = [{"resources": one.model_dump(), "wanted": count} for one, count in found.slots.items()]
    return answer({"wanted": found.wanted, "busy": found.busy, "slots": slots})


@router.post("/agents/{agent}/trust", status_code=204, summary="Trust a suspended agent again")
async def trust_agent(services: App, request: Request, agent: str) -> Response:
    def work(tx: Transaction) -> bool:
        trusted = agent_records.trust(tx, agent)
        if trusted:
            audit.record(tx, "trust agent", None, agent)
        return trusted

    if not await services.write(request, work):
        raise NotFoundError(f"there is no agent {agent}")
    return Response(status_code=204)


@router.get("/agents/{agent}/wake", summary="Wait until there may be work")
async def wake(
    services: App,
    agent: str,
    request: Request,
    timeout: Annotated[float, Query(ge=0, le=60)] = 20.0,
    seen: Annotated[int | None, Query(ge=0)] = None,
) -> Response:
    shown, known = (agent, credential_of(request)), services.known_agents
    if shown not in known and await services.store.read(
        lambda snapshot: agent_identity.check(snapshot, *shown)
    ):
        known[shown] = True
    return answer({"hints": await services.notifier.work(timeout, seen)})


@router.post("/agents/{agent}/lease", status_code=204, summary="Renew a lease, and nothing else")
async def renew_lease(services: App, agent: str, request: Request) -> Response:
    credential, lease = credential_of(request), services.config.lease
    await services.store.write(lambda tx: leases.renew(tx, agent, credential, lease))
    return Response(status_code=204)
