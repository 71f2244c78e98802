"""Taking wrong results out over REST, and putting them back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from caviar.service.api import records
from caviar.service.api.http import answer
from caviar.service.api.services import App
from caviar.service.ids import TrialId, trial_id
from caviar.service.security.scopes import Token
from caviar.service.store import trials as trial_rows
from caviar.service.usecases import exclusions


class Exclusion(BaseModel):
    """Why a result is wrong."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(min_length=1, max_length=2000)


router = APIRouter(prefix="/trials/{name}", tags=["trials"])


@router.post("/exclude", response_model=records.Trial, summary="Exclude its result, which is wrong")
async def exclude(services: App, request: Request, name: str, new: Exclusion) -> Response:
    trial, caller = trial_id(name), _caller(request)
    await services.write(
        request, lambda tx: exclusions.exclude(tx, services.proposer, trial, new.reason, caller.name)
    )
    return await _shown(services, trial)


@router.post("/include", response_model=records.Trial, summary="Include its result again")
async def include(services: App, request: Request, name: str) -> Response:
    trial, caller = trial_id(name), _caller(request)
    await services.write(request, lambda tx: exclusions.include(tx, services.proposer, trial, caller.name))
    return await _shown(services, trial)


def _caller(request: Request) -> Token:
    caller: Token = request.state.caller
    return caller


async def _shown(services: App, trial: TrialId) -> Response:
    return answer(records.trial(await services.store.read(lambda snapshot: trial_rows.get(snapshot, trial))))
