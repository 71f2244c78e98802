"""Checkpoints and models over REST: agents store them, people fetch them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from caviar.service.api import answers, records
from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.ids import trial_id
from caviar.service.security.agent_secret import credential_of
from caviar.service.security.scopes import AGENT
from caviar.service.usecases import agent_identity, checkpoints

SMALL = 1 << 20  # bytes of a checkpoint that waits for no other

router = APIRouter(tags=["workers"])


@router.put(
    "/trials/{name}/checkpoints",
    status_code=201,
    response_model=answers.StoredCheckpoint,
    summary="Store a checkpoint or a model",
)
async def put_checkpoint(
    services: App,
    name: str,
    request: Request,
    attempt: Annotated[int, Query(ge=1, lt=2**31)],
    digest: Annotated[str, Query(pattern="^sha256:[0-9a-f]{64}$")],
    branch: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    epoch: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    step: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    position: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    kind: Literal["schedule", "command", "end", "model"] = "schedule",
) -> Response:
    trial, given = trial_id(name), checkpoints.Given(attempt, branch, epoch, step, position, kind, digest)
    await checkpoints.admit(services.store, trial, attempt, credential_of(request))
    async with nullcontext() if is_small(request) else services.large_checkpoints:
        pieces = [piece async for piece in request.stream()]  # joined they would hold up everybody else
        budget = services.config.checkpoint_budget
        stored = await checkpoints.keep(services.store, services.blobs, trial, given, pieces, budget)
    return answer({"id": stored}, 201)


@router.get("/checkpoints/{checkpoint}", summary="The bytes of a checkpoint", response_class=Response)
async def get_checkpoint(services: App, checkpoint: int, request: Request) -> Response:
    if request.state.caller.scope == AGENT:
        shown = credential_of(request)
        await services.store.read(lambda snapshot: agent_identity.check_fetch(snapshot, checkpoint, shown))
    data, digest = await checkpoints.load(services.store, services.blobs, checkpoint)
    return Response(data, media_type="application/octet-stream", headers={"Caviar-Digest": digest})


@router.get("/trials/{name}/checkpoints", response_model=answers.CheckpointList, summary="Its checkpoints")
async def list_checkpoints(services: App, name: str) -> Response:
    trial = trial_id(name)
    found = await services.store.read(lambda snapshot: checkpoints.listed(snapshot, trial))
    return answer({"items": [records.checkpoint(one) for one in found]})


@router.get("/trials/{name}/model", summary="Its final model", response_class=Response)
async def get_model(services: App, name: str) -> Response:
    trial = trial_id(name)
    newest = await services.store.read(lambda snapshot: checkpoints.model_of(snapshot, trial))
    data, digest = await checkpoints.load(services.store, services.blobs, newest)
    headers = {
        "Caviar-Digest": digest,
        "Content-Disposition": f'attachment; filename="trial-{trial}.safetensors"',
    }
    return Response(data, media_type="application/octet-stream", headers=headers)


def is_small(request: Request) -> bool:
    """Return whether a body says that it is small; the HTTP server takes no more than it says."""
    length = request.headers.get("content-length")
    return length is not None and int(length) <= SMALL
