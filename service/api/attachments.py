"""Attributes and artifacts of trials over REST: the agent that has a trial sets them, people read them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import JsonValue

from caviar.service.api import answers, records
from caviar.service.api.checkpoints import is_small
from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.ids import trial_id
from caviar.service.security.agent_secret import credential_of
from caviar.service.usecases import attachments, checkpoints

router = APIRouter(tags=["trials"])
Artifact = Annotated[str, Query(alias="name", description="of the file")]
Value = Annotated[JsonValue, Body()]
Attempt = Annotated[int, Query(ge=1, lt=2**31, description="the attempt that has the trial in hand")]


@router.put("/trials/{name}/attributes", status_code=204, summary="Set an attribute of a trial")
async def put_attribute(
    services: App,
    name: str,
    key: Annotated[str, Query()],
    attempt: Attempt,
    request: Request,
    value: Value,
) -> Response:
    trial = trial_id(name)
    await checkpoints.admit(services.store, trial, attempt, credential_of(request))
    await services.store.write(lambda tx: attachments.note(tx, trial, attempt, key, value))
    return Response(status_code=204)


@router.get("/trials/{name}/attributes", response_model=answers.AttributeList, summary="Its attributes")
async def list_attributes(services: App, name: str) -> Response:
    trial = trial_id(name)
    found = await services.store.read(lambda snapshot: attachments.attributes_of(snapshot, trial))
    return answer({"items": [records.attribute(one) for one in found]})


@router.put("/trials/{name}/artifacts", status_code=204, summary="Attach a file to a trial")
async def put_artifact(
    services: App, name: str, artifact: Artifact, attempt: Attempt, request: Request
) -> Response:
    trial = trial_id(name)
    await checkpoints.admit(services.store, trial, attempt, credential_of(request))
    async with nullcontext() if is_small(request) else services.large_checkpoints:
        pieces = [piece async for piece in request.stream()]
        await attachments.attach(services.store, services.blobs, trial, attempt, artifact, pieces)
    return Response(status_code=204)


@router.get("/trials/{name}/artifacts", response_model=answers.ArtifactList, summary="Files attached to it")
async def list_artifacts(services: App, name: str) -> Response:
    trial = trial_id(name)
    found = await services.store.read(lambda snapshot: attachments.artifacts_of(snapshot, trial))
    return answer({"items": [records.artifact(one) for one in found]})


@router.get("/trials/{name}/artifacts/content", summary="An attached file", response_class=Response)
async def get_artifact(services: App, name: str, artifact: Artifact) -> Response:
    data, found = await attachments.load(services.store, services.blobs, trial_id(name), artifact)
    headers = {
        "Caviar-Digest": found.digest,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
    }
    return Response(data, media_type="application/octet-stream", headers=headers)
